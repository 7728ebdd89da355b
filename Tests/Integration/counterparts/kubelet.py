"""The node of a cluster that has none: runs its pods' containers as their specs say, with the image of
deploy/ssh-workload in bubblewrap, and keeps the files of their volumes up to date.

The programs are this host's own; what the recipe does to them (the links in /etc, PID 1) is read from the
recipe. As root a pod has a network of its own; a plain user could not enter that, and pods are on the host's.
"""

import base64
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading

from .cluster import Cluster
from .processes import ROOT

IS_ROOT = os.geteuid() == 0
RECIPE = ROOT / "deploy" / "ssh-workload" / "Containerfile"
INIT = ROOT / ".build" / "debug" / "workload-init"
# Between a connection from outside and the port in the pod's own network.
BRIDGE = """
import socket, sys, threading
pod, peer = socket.create_connection(("127.0.0.1", 2222)), socket.socket(fileno=0)
def pump(source, sink):
    try:
        while data := source.recv(65536): sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError: pass
threading.Thread(target=pump, args=(peer, pod)).start()
pump(pod, peer)
"""


class Container:
    """One pod that runs."""

    def __init__(self, folder: pathlib.Path, pod: dict, secrets: dict):
        self.folder = folder
        self.spec = pod["spec"]
        self.versions: dict[str, int] = {}
        self.refresh(pod, secrets)
        self.log = open(folder / "log", "ab")
        read, write = os.pipe()
        program = [*self.user(), *self.container["command"]]
        command = ["bwrap", "--info-fd", str(write), *self.sandbox(), "--", *program]
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[write], env={}
        )
        os.close(write)
        with open(read) as told:
            found = re.search(r'"child-pid": (\d+)', told.read())
        assert found, (folder / "log").read_text()
        self.pid = int(found[1])

    @property
    def container(self) -> dict:
        return self.spec["containers"][0]

    @property
    def status(self) -> int | None:
        """How it ended; None while it runs."""
        return self.child.poll()

    def kill(self) -> None:
        self.child.kill()
        self.child.wait(10)
        self.log.close()

    def user(self) -> list[str]:
        """Who the pod's security context says it is."""
        assert self.container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert self.container["securityContext"]["allowPrivilegeEscalation"] is False
        if not IS_ROOT:
            return []
        context = self.spec["securityContext"]
        who = [f"--reuid={context['runAsUser']}", f"--regid={context['runAsGroup']}", "--clear-groups"]
        return ["setpriv", *who, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]

    def sandbox(self) -> list[str]:
        words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--die-with-parent"]
        words += ["--unshare-net"] if IS_ROOT else ["--unshare-user", "--uid", "1000", "--gid", "1000"]
        words += ["--ro-bind", "/usr", "/usr"]
        for name in ("bin", "sbin", "lib", "lib64"):
            words += ["--symlink", f"usr/{name}", f"/{name}"]
        words += ["--tmpfs", "/usr/local/bin", "--ro-bind", str(INIT), "/usr/local/bin/workload-init"]
        words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/etc"]
        for place in ("/etc/ssh", "/run", "/home"):
            words += ["--perms", "0755", "--dir", place]
        for target, link in re.findall(r"ln -sf (\S+) (\S+)", RECIPE.read_text()):
            words += ["--symlink", target, link]
        for mount in self.container["volumeMounts"]:
            source = os.path.realpath(self.folder / mount["name"] / mount.get("subPath", ""))
            words += ["--ro-bind" if mount.get("readOnly") else "--bind", source, mount["mountPath"]]
        assert self.container["securityContext"]["readOnlyRootFilesystem"] is True
        for place in ("/usr/local/bin", "/etc", "/"):
            words += ["--remount-ro", place]
        return words

    def refresh(self, pod: dict, secrets: dict) -> None:
        """Writes what the volumes hold now; as a node does, whole folders at a time."""
        annotations = pod["metadata"]["annotations"]
        for volume in self.spec["volumes"]:
            place = self.folder / volume["name"]
            if "secret" in volume:
                data = secrets[volume["secret"]["secretName"]]["data"]
                files = {name: base64.b64decode(text) for name, text in data.items()}
                self.write(place, files, volume["secret"]["defaultMode"])
            elif "downwardAPI" in volume:
                files = {}
                for item in volume["downwardAPI"]["items"]:
                    (name,) = re.findall(r"metadata\.annotations\['(.*)'\]", item["fieldRef"]["fieldPath"])
                    files[item["path"]] = annotations[name].encode()
                self.write(place, files, 0o644)
            elif not place.exists():
                place.mkdir(mode=0o777)
                place.chmod(0o777)

    def write(self, place: pathlib.Path, files: dict[str, bytes], mode: int) -> None:
        current = place / "..data"
        if current.exists() and {file.name: file.read_bytes() for file in current.iterdir()} == files:
            return
        version = self.versions[place.name] = self.versions.get(place.name, 0) + 1
        fresh = place / f"..{version}"
        fresh.mkdir(parents=True)
        for name, data in files.items():
            (fresh / name).write_bytes(data)
            # They are root's and the volume group's; a plain user's are his own, and sshd wants those closed.
            (fresh / name).chmod(mode if IS_ROOT else mode & 0o700)
            if IS_ROOT:
                os.chown(fresh / name, 0, self.spec["securityContext"]["fsGroup"])
            if not (place / name).is_symlink():
                (place / name).symlink_to(f"..data/{name}")
        (place / "..new").symlink_to(fresh.name)
        (place / "..new").rename(current)

    def connect(self, client: socket.socket) -> None:
        """Joins a connection to the pod's port."""
        enter = ["nsenter", "--target", str(self.pid), "--net"]
        subprocess.Popen(
            [*enter, "python3", "-c", BRIDGE], stdin=client, stdout=subprocess.DEVNULL, stderr=self.log
        )
        client.close()


class Kubelet:
    """Runs whatever pods the cluster has, one at a time, for all have one address."""

    def __init__(self, cluster: Cluster, folder: pathlib.Path):
        self.cluster = cluster
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.running: dict[str, Container] = {}
        self.listener: socket.socket | None = None
        self.trouble: Exception | None = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def stop(self) -> None:
        self.over.set()
        self.thread.join(20)
        for container in self.running.values():
            container.kill()
        if self.listener:
            self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.trouble:
            raise self.trouble

    def work(self) -> None:
        try:
            while not self.over.wait(0.1):
                self.look()
        except Exception as trouble:  # noqa: BLE001: told at the end
            self.trouble = trouble

    def look(self) -> None:
        pods, secrets = self.cluster.objects("pods"), self.cluster.objects("secrets")
        for name in [name for name in self.running if name not in pods]:
            self.running.pop(name).kill()
        for name, pod in pods.items():
            phase = pod["status"]["phase"]
            if name in self.running:
                self.running[name].refresh(pod, secrets)
                ended = self.running[name].status
                if ended is not None and phase == "Running":
                    self.report(name, ended)
            elif phase == "Pending" and pod["metadata"]["labels"]["pod-name"] in secrets:
                folder = self.folder / name
                folder.mkdir(mode=0o755)
                self.running[name] = Container(folder, pod, secrets)
                self.cluster.ask(do="boot")
                self.listen(self.cluster.objects("pods")[name]["status"]["podIP"])

    def report(self, name: str, ended: int) -> None:
        state = {"terminated": {"reason": "Completed" if ended == 0 else "Error", "exitCode": ended & 0xFF}}
        status = {"phase": "Succeeded" if ended == 0 else "Failed", "containerStatuses": [{"state": state}]}
        self.cluster.ask(do="status", of=name, status=status)

    def listen(self, address: str) -> None:
        if self.listener or not IS_ROOT:
            return
        self.listener = socket.create_server((address, 2222))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            for container in self.running.values():
                if container.status is None:
                    container.connect(client)
                    break
            else:
                client.close()

"""The stock `ssh` of a buyer, and what the host can see of his machine."""

import contextlib
import dataclasses
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time

from . import web
from .processes import wait_until


@dataclasses.dataclass
class Login:
    """How to log in, as `/v1/workloads` or a proxied `/ssh` answered it; the host's key is checked as given."""

    host: str
    port: int
    username: str
    known_hosts: str
    password: str | None = None
    key: pathlib.Path | None = None

    @classmethod
    def of(cls, answer: web.Answer, **changes) -> "Login":
        told = answer.json
        names = [field.name for field in dataclasses.fields(cls) if field.name in told]
        return cls(**({name: told[name] for name in names} | changes))

    def words(self, folder: str) -> list[str]:
        known = pathlib.Path(folder) / "known_hosts"
        known.write_text(self.known_hosts + "\n")
        words = ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}"]
        words += ["-o", "GlobalKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=20"]
        words += ["-p", str(self.port), "-l", self.username]
        if self.key:
            return [*words, "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", self.host]
        only = ["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]
        return ["sshpass", "-e", *words, *only, self.host]

    def run(self, command: str, seconds: float = 30) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run(
                [*self.words(folder), command],
                capture_output=True,
                text=True,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "SSHPASS": self.password or ""},
            )

    def told(self, command: str) -> str:
        """What a command in the machine prints; an assertion error when it or the login fails."""
        done = self.run(command)
        assert done.returncode == 0, (done.returncode, done.stderr)
        return done.stdout.strip()

    @property
    def works(self) -> bool:
        return self.run("true").returncode == 0

    @contextlib.contextmanager
    def session(self, command: str):
        """A login that stays while the test goes on."""
        with tempfile.TemporaryDirectory() as folder:
            child = subprocess.Popen(
                [*self.words(folder), command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "SSHPASS": self.password or ""},
            )
            try:
                yield child
            finally:
                child.kill()
                child.wait(10)
                child.stdout.close()


    @contextlib.contextmanager
    def terminal(self):
        """As its buyer sits before it: `ssh -tt` on a terminal of ours."""
        ours, theirs = pty.openpty()
        with tempfile.TemporaryDirectory() as folder:
            *words, host = self.words(folder)
            child = subprocess.Popen(
                [*words, "-tt", host],
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
                env={**os.environ, "SSHPASS": self.password or "", "TERM": "dumb"},
            )
            os.close(theirs)
            try:
                yield Terminal(child, ours)
            finally:
                child.kill()
                child.wait(10)
                os.close(ours)


def key_pair(folder: pathlib.Path) -> tuple[pathlib.Path, str]:
    """A new key: its file, and the public line."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "id_ed25519"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "buyer", "-f", str(file)], check=True
    )
    return file, file.with_name(file.name + ".pub").read_text().strip()


@contextlib.contextmanager
def open_folder():
    """A new folder that other users may pass through, as machines with users of their own need; pytest's are private."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="turnpike-machines-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Terminal:
    """A login with a terminal of its own; what it shows is kept."""

    def __init__(self, child: subprocess.Popen, descriptor: int):
        self.child = child
        self.descriptor = descriptor
        self.shown = ""

    def await_line(self, sign: str, seconds: float) -> str:
        """The first line with `sign` in it that was not asked for before."""
        deadline = time.monotonic() + seconds
        while True:
            before, found, after = self.shown.partition(sign)
            if found and "\n" in after:
                rest, _, self.shown = after.partition("\n")
                return before.rpartition("\n")[2] + sign + rest.strip()
            left = deadline - time.monotonic()
            assert left > 0, f"not within {seconds} s on the terminal: {sign}\n{self.shown}"
            if select.select([self.descriptor], [], [], left)[0]:
                self.shown += os.read(self.descriptor, 4096).decode(errors="replace")


def groups_of(name: str) -> list[pathlib.Path]:
    """The control groups of the machine with this id."""
    # A walk, for groups come and go under it.
    walk = os.walk("/sys/fs/cgroup")
    return [pathlib.Path(path, name) for path, names, _ in walk if path.endswith("/turnpike") and name in names]


def end_machines(directory: pathlib.Path) -> None:
    """What the machines of a dead Turnpike leave on this host: processes and control groups."""
    for folder in directory.glob("*/"):
        for process in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if folder.name.encode() in words and words[0].endswith((b"bwrap", b"workload-init")):
                    os.kill(int(process.name), signal.SIGKILL)
        for group in groups_of(folder.name):
            with contextlib.suppress(OSError):
                wait_until(lambda: not (group / "cgroup.procs").read_text(), "an empty group", 10)
                group.rmdir()


def processes_of(machine: dict) -> list[int]:
    """Every process of a machine that this host has: those started for it by name, all in their process namespaces, and,
    where Turnpike is root, those of its host user, as which nothing else runs. Zombies are gone."""
    name, user = machine["id"].encode(), str(200_000 + machine["port"])
    namespaces, found, others = set(), [], {}
    ours = os.readlink("/proc/self/ns/pid")
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            status = (folder / "status").read_text()
            if "State:\tZ" in status:
                continue
            uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()
            namespace = os.readlink(folder / "ns" / "pid")
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if user in uids or (name in words and words[0].endswith((b"bwrap", b"workload-init"))):
                found.append(int(folder.name))
                namespaces.add(namespace)
            else:
                others[int(folder.name)] = namespace
    return found + [pid for pid, namespace in others.items() if namespace in namespaces - {ours}]

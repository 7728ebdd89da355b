"""A Turnpike that sells machines on this host, as its buyers and its operator reach it."""

import json
import os
import pathlib
import shutil
import signal

from . import web
from .ssh import Login, end_machines, groups_of, processes_of
from .turnpike import ROUTES, Turnpike

# /quick: a sat is a second, so that a test sees the end.
MACHINES = [
    {"path": "/ssh", "price": {"satPerHour": 100, "usdPerHour": "0.10"}, "provision": "ssh"},
    {"path": "/quick", "price": {"satPerHour": 3600, "minimum": "1s"}, "provision": "quick"},
    # Below another: examples of proxies hand on what is below /ssh too.
    {"path": "/ssh/basic", "price": {"satPerHour": 100}, "provision": "quick"},
]
ADMIN = "the-operator-of-the-machines"


class Seller(Turnpike):
    """A gate that sells machines on this host. Its folder is one that machines' users may pass through."""

    def __init__(self, folder: pathlib.Path, mints: list[str], workloads: dict | None = None, **changes):
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        settings = {
            "backend": "local",
            "directory": str(folder / "machines"),
            "admin": ADMIN,
            "specs": [{"name": "quick", "memory": "64Mi"}],
        }
        changes = {"routes": [*ROUTES, *MACHINES]} | changes
        super().__init__(folder, mints, workloads=settings | (workloads or {}), **changes)

    def as_user(self, number: int) -> "Seller":
        """Another user of the host; what he runs is copied to where he can come."""
        for name in ("turnpike", "workload-init"):
            shutil.copy(self.binary.with_name(name), self.folder)
        self.binary = self.folder / "turnpike"
        self.prefix = ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups"]
        os.chown(self.folder, number, number)
        return self

    def public(self, method: str, path: str, headers=None, body=None) -> web.Answer:
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        return web.fetch(self.ports["public"], path, method, headers, body)

    def buy(self, token: str, **wishes) -> web.Answer:
        return self.public("POST", "/v1/workloads", {"X-Cashu": token}, wishes)

    def machine(self, token: str, **wishes) -> dict:
        answer = self.buy(token, **wishes)
        assert answer.status == 201, answer.body
        return answer.json

    def shown(self, machine: dict) -> dict:
        answer = self.public("GET", f"/v1/workloads/{machine['id']}", {"Turnpike-Pass": machine["pass"]})
        assert answer.status == 200, answer.body
        return answer.json

    def extend(self, machine: dict, token: str) -> web.Answer:
        fields = {"X-Cashu": token, "Turnpike-Pass": machine["pass"]}
        return self.public("POST", f"/v1/workloads/{machine['id']}/extend", fields)

    @property
    def listed(self) -> list[dict]:
        """The rows of `turnpike workload list`."""
        done = self.command("workload", "list", "--config", str(self.config_file), "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def folder_of(self, machine: dict) -> pathlib.Path:
        return self.folder / "machines" / machine["id"]

    def is_gone(self, machine: dict) -> bool:
        """Nothing is left of it on this host."""
        return not (processes_of(machine) or self.folder_of(machine).exists() or groups_of(machine["id"]))

    def clear(self) -> None:
        """Ends every machine, which would outlive its seller, whatever has become of that."""
        if self.process is None:
            return
        self.kill()
        end_machines(self.folder / "machines")

    def die(self) -> None:
        """SIGKILL to Turnpike alone."""
        self.process.signal(signal.SIGKILL)
        self.process.wait()


def login(machine: dict, **changes) -> Login:
    return Login.of(web.Answer(200, [], json.dumps(machine).encode()), **changes)

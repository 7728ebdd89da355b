"""A Kubernetes cluster that is none: the double of the API server as a process."""

import pathlib

from .coprocess import Coprocess
from .processes import ROOT, wait_until

GREETING = b"SSH-2.0-double\r\n"


class Cluster(Coprocess):
    """`kubeconfig` names it to Turnpike."""

    def __init__(self, folder: pathlib.Path, *how: str):
        self.kubeconfig = pathlib.Path(folder) / "kubeconfig"
        program = ROOT / ".build" / "debug" / "cluster-rig"
        super().__init__("cluster", [program, self.kubeconfig, *how], folder)
        wait_until(self.kubeconfig.exists, "the cluster answers", 20)

    def go_down(self) -> None:
        self.ask(do="down")

    def come_up(self) -> None:
        self.ask(do="up")

    def meet(self, request: str, fault: str) -> None:
        """The next such request (`create jobs`) meets `down`, `drop` or `dropAfterwards`."""
        self.ask(do="fault", when=request, fault=fault)

    def count(self, request: str) -> int:
        return self.ask(do="count", of=request)

    def objects(self, kind: str) -> dict[str, dict]:
        return {one["metadata"]["name"]: one for one in self.ask(do="objects", of=kind)}

    @property
    def jobs(self) -> dict[str, dict]:
        return self.objects("jobs")

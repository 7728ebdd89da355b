"""The public hostile facilitator: it takes the money, and then answers so that a careless seller makes the buyer pay twice."""

import pathlib
import re
import signal

from .chain import X402_PYTHON
from .processes import Process

MODES = (
    "accept_then_timeout",
    "5xx_after_settle",
    "double_402",
    "slow_answer",
    "reconcile_unavailable",
    "reconcile_soft_404",
    "reconcile_oversized",
    "reconcile_truncated",
    "declared_safe",
    "clean",
)
PATIENCE_SECONDS = 2  # after which the caller is thought to give up


class HostileFacilitator:
    """`serve` in one mode; `verdict()` ends it and says how many distinct payments it took."""

    def __init__(self, folder: pathlib.Path, mode: str):
        command = [X402_PYTHON.parent / "hostile-facilitator", "serve", "--mode", mode]
        self.process = Process(
            f"hostile-{mode}",
            [*command, "--client-timeout", PATIENCE_SECONDS],
            folder,
            env={"PYTHONUNBUFFERED": "1"},
        )
        self.url = ""

    def start(self) -> "HostileFacilitator":
        self.process.start(lambda: "listening on" in self.process.log_end())
        self.url = re.search(r"listening on (\S+)", self.process.log_end())[1]
        return self

    def verdict(self) -> int:
        self.process.signal(signal.SIGINT)
        self.process.wait()
        return int(re.search(r"distinct payments: (\d+)", self.process.log_end())[1])

    def stop(self) -> None:
        self.process.kill()

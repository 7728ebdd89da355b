"""One child process: started in a group of its own, watched until it is ready, stopped by its id."""

import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOOLS = ROOT / ".venv" / "tools" / "bin"
MINT_PYTHON = ROOT / ".venv" / "mint" / "bin" / "python"
READY_SECONDS = 60


class NotReady(Exception):
    """A counterpart did not become ready in time, or ended before it was; carries the end of its log."""


_reserved: set[int] = set()


def free_port() -> int:
    """A TCP port on loopback that nobody holds now and that this run has not given out before.

    Ports come from below the ephemeral range, so no outgoing connection can take one in the meantime.
    """
    first, count = 23000, 9000
    for step in range(count):
        port = first + (os.getpid() * 37 + step) % count
        if port in _reserved:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _reserved.add(port)
        return port
    raise NotReady(f"no free TCP port from {first} to {first + count}")


def wait_until(condition, what: str, seconds: float = READY_SECONDS, every: float = 0.05):
    """The first true value of `condition()`; an assertion error that names `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def _states(pid: int) -> set[str]:
    """The letters of its threads' states (proc(5)); those that end meanwhile have none."""
    states = set()
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            states.add(stat.read_text().rpartition(")")[2].split()[0])
        except OSError:
            continue
    return states


def listening(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


class Process:
    """A program with a log file. `ready()` is polled until true; the process must stay alive meanwhile."""

    def __init__(self, name: str, command: list, folder: pathlib.Path, env: dict | None = None, cwd=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / f"{name}.log"
        self.env = env or {}
        self.cwd = cwd
        self.child: subprocess.Popen | None = None

    @property
    def pid(self) -> int:
        assert self.child is not None, f"{self.name} was not started"
        return self.child.pid

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def start(self, ready=None, seconds: float = READY_SECONDS) -> "Process":
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env},
                cwd=self.cwd,
                start_new_session=True,
                # A shell that runs the tests in the background has it ignored, and programs are stopped by it here.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        if ready is not None:
            self.await_ready(ready, seconds)
        return self

    def await_ready(self, ready, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise NotReady(f"{self.name} ended with {self.child.returncode}:\n{self.log_end()}")
            if time.monotonic() > deadline:
                self.kill()
                raise NotReady(f"{self.name} was not ready in {seconds} s:\n{self.log_end()}")
            time.sleep(0.05)

    def log_end(self, characters: int = 4000) -> str:
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def signal(self, number: int) -> None:
        if self.running:
            os.kill(self.pid, number)

    def freeze(self) -> None:
        """Stops it where it is; returns when it stands still."""
        self.signal(signal.SIGSTOP)
        wait_until(lambda: _states(self.pid) == {"T"}, f"{self.name} stands still")

    def wait(self, seconds: float = 15) -> int:
        """The exit status; negative for a signal."""
        return self.child.wait(seconds)

    def kill(self) -> None:
        """SIGKILL to the whole group, then reap."""
        if self.child is None:
            return
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait(10)

    def stop(self, seconds: float = 10) -> int | None:
        """SIGTERM; SIGKILL when that does not end it."""
        if not self.running:
            return self.child.returncode if self.child else None
        self.signal(signal.SIGTERM)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.child.returncode

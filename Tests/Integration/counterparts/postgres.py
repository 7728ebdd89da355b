"""A PostgreSQL server of the test's own: a cluster in its folder, on a loopback port, owned by an unprivileged user."""

import os
import pathlib
import shutil
import signal
import subprocess

from .processes import NotReady, Process, free_port

UNPRIVILEGED = "postgres"  # the server refuses to run as root; the Debian package makes this user


def programs() -> pathlib.Path:
    """Where the newest installed version keeps its programs: Debian's place, else beside `postgres` in PATH."""
    debian = pathlib.Path("/usr/lib/postgresql")
    versions = sorted(debian.glob("*/bin/postgres"), key=lambda one: int(one.parents[1].name))
    found = versions[-1] if versions else shutil.which("postgres")
    if not found:
        raise NotReady("PostgreSQL is not installed; scripts/setup.sh installs it")
    return pathlib.Path(found).resolve().parent


class Postgres:
    """`url` is what `store:` takes; `database()` makes a new one for a test. Durable, as in production."""

    def __init__(self, folder: pathlib.Path):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.bin = programs()
        self.count = 0
        self.as_user = ["setpriv", "--reuid", UNPRIVILEGED, "--regid", UNPRIVILEGED, "--clear-groups"]
        if os.getuid() != 0:
            self.as_user = []
        self.data = self.folder / "data"
        self.process = Process("postgres", [*self.as_user, *self.server()], self.folder, cwd="/")

    def server(self) -> list:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 100,
            "shared_buffers": "32MB",
        }
        return [
            self.bin / "postgres",
            "-D",
            self.data,
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
        ]

    def make(self) -> None:
        """The server's user must reach its folder, so every folder above is made passable."""
        self.data.mkdir(exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(self.data, UNPRIVILEGED, UNPRIVILEGED)
            for parent in self.data.parents:
                mode = parent.stat().st_mode
                if not mode & 0o001:
                    parent.chmod(mode | 0o001)
        command = [self.bin / "initdb", "-D", self.data, "-U", "turnpike", "--auth=trust", "-E", "UTF8"]
        done = subprocess.run(
            [*self.as_user, *map(str, command), "--locale=C"], capture_output=True, text=True, cwd="/"
        )
        if done.returncode:
            raise NotReady(f"initdb: {done.stderr[-2000:]}")

    def begin(self) -> "Postgres":
        if not (self.data / "PG_VERSION").exists():
            self.make()
        self.process.start()
        return self

    def await_ready(self) -> "Postgres":
        self.process.await_ready(lambda: self.run("pg_isready", check=False).returncode == 0)
        return self

    def start(self) -> "Postgres":
        return self.begin().await_ready()

    def run(self, program: str, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "turnpike"]
        done = subprocess.run([str(self.bin / program), *where, *words], capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done

    def database(self) -> str:
        """The URL of a new, empty database."""
        self.count += 1
        name = f"turnpike_{self.count}"
        self.run("createdb", name)
        return f"postgresql://turnpike@127.0.0.1:{self.port}/{name}"

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        """Fast: who is connected is sent away."""
        self.process.signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

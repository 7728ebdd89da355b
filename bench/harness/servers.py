"""The servers under test, each started on a port of its own and pinned to one core."""

import os
import re
import secrets
import socket
import subprocess
import time
from pathlib import Path

from . import scenario

BENCH = Path(__file__).resolve().parent.parent
TURNPIKE = BENCH.parent / ".build/release/turnpike"
TICKS = os.sysconf("SC_CLK_TCK")
# What Turnpike sets and removes on an allow by a pass; used only where it is not run beside the peers.
USUAL_ALLOW = scenario.Answer(
    0,
    True,
    [("x-payment-verified", "true")],
    [
        "x-payment-amount",
        "x-payment-unit",
        "x-provisioned-pod",
        "x-user-id",
        "turnpike-grant",
        "turnpike-pass",
    ],
    0,
    0,
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cores() -> tuple[int | None, int | None]:
    """One for the server, one for the load; none where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[-1]) if len(mine) > 1 else (None, None)


def pinned(core: int | None):
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


class Server:
    def __init__(self, name: str, command: list[str], port: int, folder: Path):
        self.name = name
        self.port = port
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=pinned(cores()[0])
            )
        deadline = time.monotonic() + 30
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise SystemExit(
                    f"bench: {name} did not start:\n{self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)

    def answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def cpu_seconds(self) -> float:
        """User and system time of all its threads; 10 ms exact."""
        values = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(values[11]) + int(values[12])) / TICKS

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def start_peer(name: str, key: scenario.Key, allow: scenario.Answer, folder: Path) -> Server:
    """`allow` is what Turnpike answered, so that every server sends the same."""
    policy = folder / "policy"
    lines = [f"key {key.id} {key.secret.hex()}"]
    lines += [f"route {prefix} {scenario.route_tag(prefix).hex()}" for prefix in scenario.ROUTES]
    lines += [f"set {name} {value}" for name, value in allow.set]
    lines += [f"remove {name}" for name in allow.removed]
    policy.write_text("\n".join(lines) + "\n")
    policy.chmod(0o600)
    port = free_port()
    commands = {
        "c-nghttp2": ["c-nghttp2", str(port), str(policy), "plain"],
        "c-nghttp2-arena": ["c-nghttp2", str(port), str(policy), "tuned"],
        "grpc-cpp": ["grpc-cpp", str(port), str(policy)],
    }
    program, *rest = commands[name]
    return Server(name, [str(BENCH / "bin" / program), *rest], port, folder)


def start_turnpike(program: Path, key: scenario.Key, folder: Path) -> Server:
    ports = {name: free_port() for name in ("grpc", "proxy", "public", "admin")}
    listen = ", ".join(f"{name}: 127.0.0.1:{port}" for name, port in ports.items())
    routes = [
        f'  - {{ id: {scenario.route_id(prefix)}, path: "{prefix}/**", price: {{ sat: 10 }}, pass: {{ duration: 1h }} }}'
        for prefix in scenario.ROUTES
    ]
    config = folder / "turnpike.yaml"
    config.write_text(
        f"listen: {{ {listen} }}\n"
        f"keys: {folder}/keys\n"
        f"store: sqlite:{folder}/turnpike.db\n"
        'payments:\n  cashu: { unit: sat, mints: [{ url: "http://127.0.0.1:9" }] }\n'
        "routes:\n" + "\n".join(routes) + "\ndefault: deny\n"
    )
    prepare_keys(key, folder / "keys")
    return Server("turnpike", [str(program), "serve", "--config", str(config)], ports["grpc"], folder)


def new_key() -> scenario.Key:
    return scenario.Key(1, secrets.token_bytes(32))


def prepare_keys(key: scenario.Key, folder: Path) -> None:
    """A keys directory with this pass key; Turnpike makes the rest itself."""
    folder.mkdir(mode=0o700)
    file = folder / "pass-keys"
    file.touch(mode=0o600)
    file.write_text(f"{key.id} {key.secret.hex()}\n")

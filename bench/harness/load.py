"""h2load and nghttp: one verified question, and many measured ones."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import scenario, servers, wire

METHOD = "/envoy.service.auth.v3.Authorization/Check"
# As Envoy 1.40 sends them with each Check (a time-out of 0.5 s), beside the pseudo headers.
HEADERS = [
    "te: trailers",
    "grpc-timeout: 500m",
    "content-type: application/grpc",
    "x-envoy-internal: true",
    "x-forwarded-for: 10.42.7.19",
    "x-envoy-expected-rq-timeout-ms: 500",
]


@dataclass
class Load:
    connections: int
    streams: int

    @property
    def name(self) -> str:
        return f"{self.connections}x{self.streams}"


@dataclass
class Run:
    requests_per_second: float
    cpu_seconds_per_million: float
    p50us: float
    p99us: float
    rss_mib: float


def header_options() -> list[str]:
    return [part for header in HEADERS for part in ("-H", header)]


def url(server: servers.Server) -> str:
    return f"http://127.0.0.1:{server.port}{METHOD}"


def ask(server: servers.Server, request: bytes) -> scenario.Answer:
    """One Check; raises ValueError for anything but a readable answer with grpc-status 0."""
    with tempfile.NamedTemporaryFile() as data:
        data.write(wire.grpc_frame(request))
        data.flush()
        command = ["nghttp", "--timeout=10", "-d", data.name, *header_options(), url(server)]
        body = subprocess.run(command, capture_output=True, timeout=20).stdout
        # The body goes to standard output by itself; the trailers are printed only on a verbose, second call.
        trace = subprocess.run([*command, "-nv"], capture_output=True, timeout=20).stdout.decode(
            errors="replace"
        )
    trace = re.sub(r"\x1b\[[0-9;]*m", "", trace)
    status = re.search(r"recv \(stream_id=\d+\) grpc-status: (\d+)", trace)
    if not status or status.group(1) != "0":
        raise ValueError(f"grpc-status {status.group(1) if status else 'absent'}")
    return scenario.read_answer(wire.grpc_unframe(body))


def measure(server: servers.Server, load: Load, count: int, request: Path, answer_size: int) -> Run:
    """`count` requests; raises ValueError unless every one got an answer of the allow's size."""
    with tempfile.NamedTemporaryFile("r") as log:
        before = server.cpu_seconds()
        done = subprocess.run(
            [
                "h2load",
                f"-n{count}",
                f"-c{load.connections}",
                f"-m{load.streams}",
                "-t1",
                f"-d{request}",
                f"--log-file={log.name}",
                *header_options(),
                url(server),
            ],
            capture_output=True,
            text=True,
            timeout=300,
            preexec_fn=servers.pinned(servers.cores()[1]),
        )
        cpu = server.cpu_seconds() - before
        times = sorted(int(line.split("\t")[2]) for line in log)
    out = done.stdout
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", out)
    succeeded = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out)
    received = re.search(r"\((\d+)\) data", out)
    if not rate or not succeeded or not received or [int(n) for n in succeeded.groups()] != [count, 0, 0, 0]:
        raise ValueError(f"{server.name}: h2load reports failures:\n{out}{done.stderr}")
    # h2load sees no gRPC status: a refusal among the answers would show in their size.
    if int(received.group(1)) != count * (answer_size + 5):
        raise ValueError(f"{server.name}: {received.group(1)} bytes for {count} answers of {answer_size + 5}")
    return Run(
        float(rate.group(1)),
        cpu / count * 1e6,
        times[len(times) // 2],
        times[int(len(times) * 0.99)],
        server.rss_mib(),
    )

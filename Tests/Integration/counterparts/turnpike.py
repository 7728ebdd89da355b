"""Turnpike itself: one process with its configuration written out, its store and its keys in one folder."""

import json
import os
import pathlib
import signal
import subprocess

import yaml

from . import web
from .chain import NETWORK, PAY_TO
from .processes import ROOT, Process, free_port, wait_until
from .proxies import SECRET

LISTENERS = ("proxy", "grpc", "public", "admin")

DOLLAR_ROUTES = [
    {"path": "/free/**", "access": "free"},
    {"path": "/usd/**", "price": {"usd": "0.01"}, "pass": {"uses": 1}},
    {"path": "/usd-two/**", "price": {"usd": "0.02"}, "pass": {"uses": 1}},
    {"path": "/usd-three/**", "price": {"usd": "0.01"}, "pass": {"uses": 3}},
    {"path": "/usd-hour/**", "price": {"usd": "0.01"}, "pass": {"duration": "1h"}},
    {"path": "/both/**", "price": {"sat": 10, "usd": "0.01"}, "pass": {"uses": 1}},
]

ROUTES = [
    {"path": "/free/**", "access": "free"},
    {"path": "/paid/**", "price": {"sat": 10}, "pass": {"uses": 1}},
    {"path": "/hour/**", "price": {"sat": 100}, "pass": {"duration": "1h"}},
    {
        "path": "/shop/**",
        "price": {"sat": 10},
        "pass": {"uses": 1},
        "cors": {"origins": ["https://shop.example"]},
    },
]


def binary() -> pathlib.Path:
    """The program under test: TURNPIKE_BINARY, else what `swift build` made last."""
    return pathlib.Path(os.environ.get("TURNPIKE_BINARY") or ROOT / ".build" / "debug" / "turnpike")


class Turnpike:
    """`with Turnpike(folder, mints=[url]) as gate:`. `changes` are merged over the configuration, key by key."""

    def __init__(self, folder: pathlib.Path, mints: list[str] = (), name: str = "turnpike", **changes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.ports = {listener: free_port() for listener in LISTENERS}
        self.config = {
            "listen": {listener: f"127.0.0.1:{port}" for listener, port in self.ports.items()},
            "keys": str(self.folder / "keys"),
            "store": f"sqlite:{self.folder / 'turnpike.db'}",
            "deadline": "29s",
            "proxies": [{"secret": SECRET}],
            "nginx": {"repeats": True},  # NGINX in our example names each request itself
            "payments": {
                "cashu": {
                    "unit": "sat",
                    "mints": [{"url": url} for url in mints],
                    # The mints here limit nobody; the defaults suit one that takes 20 requests a minute.
                    "requestsPerMinute": 100_000,
                    "perAddressPerMinute": 100_000,
                }
            },
            "routes": [dict(route) for route in ROUTES],
            "default": "deny",
        }
        merge(self.config, changes)
        self.environment: dict[str, str] = {}
        self.binary = binary()
        self.prefix: list[str] = []  # a program that runs it, as another user
        self.process: Process | None = None

    @property
    def config_file(self) -> pathlib.Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    @property
    def log(self) -> str:
        return self.process.log.read_text(errors="replace") if self.process else ""

    def write_config(self, text: str | None = None) -> pathlib.Path:
        self.config_file.write_text(
            text if text is not None else yaml.safe_dump(self.config, sort_keys=False)
        )
        return self.config_file

    def begin(self, **environment: str) -> "Turnpike":
        self.write_config()
        self.process = Process(
            self.name,
            [*self.prefix, self.binary, "serve", "--config", self.config_file],
            self.folder,
            env={**self.environment, **environment},
            cwd=self.folder,
        )
        self.process.start()
        return self

    def await_ready(self, seconds: float = 30) -> "Turnpike":
        self.process.await_ready(self.ready, seconds)
        return self

    def start(self, **environment: str) -> "Turnpike":
        return self.begin(**environment).await_ready()

    def __enter__(self) -> "Turnpike":
        return self if self.running else self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    def ready(self) -> bool:
        try:
            return self.admin("/readyz").status == 200
        except (OSError, web.Closed):
            return False

    def stop(self) -> int | None:
        return self.process.stop(40) if self.process else None

    def kill(self) -> None:
        self.process.kill()

    def reload(self) -> None:
        self.write_config()
        self.process.signal(signal.SIGHUP)

    def admin(self, target: str) -> web.Answer:
        return web.fetch(self.ports["admin"], target, timeout=5)

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics by its full name with labels."""
        samples = {}
        for line in self.admin("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def ask(
        self,
        target: str,
        headers=(),
        endpoint: str = "/caddy",
        method: str = "GET",
        secret: str | None = SECRET,
        host: str = "localhost",
        client: str = "127.0.0.1",
        **how,
    ) -> web.Answer:
        """The question as a proxy of that dialect puts it, straight to the proxy listener."""
        question = dialect(endpoint, method, target, host, secret, client)
        return web.fetch(self.ports["proxy"], endpoint, "GET", [*question, *pairs(headers)], host=host, **how)

    def command(self, *words: str, seconds: float = 30) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*self.prefix, str(self.binary), *words],
            capture_output=True,
            text=True,
            timeout=seconds,
            cwd=self.folder,
            env={**os.environ, **self.environment},
        )

    def ledger(self, state: str | None = None) -> list[dict]:
        """The rows of `turnpike ledger list`."""
        words = ["ledger", "list", "--config", str(self.config_file), "--json"]
        done = self.command(*words, *(["--state", state] if state else []))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def await_ledger(self, state: str, count: int = 1, seconds: float = 30) -> list[dict]:
        return wait_until(
            lambda: (rows := self.ledger(state)) and len(rows) >= count and rows,
            f"{count} rows {state}",
            seconds,
            every=0.3,
        )


def x402(facilitator: str, rpc: str | None, **settings) -> dict:
    """The `payments.x402` section that takes the test dollar; `settings` belong to the facilitator."""
    accept = {"network": NETWORK, "asset": "USDC"}
    return {
        "facilitator": [{"url": facilitator, **settings}] if settings else facilitator,
        "payTo": PAY_TO,
        "accept": [accept | ({"rpc": rpc} if rpc else {})],
    }


def pairs(headers) -> list[tuple[str, str]]:
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def dialect(
    endpoint: str, method: str, target: str, host: str, secret: str | None, client: str = "127.0.0.1"
) -> list[tuple[str, str]]:
    """The headers in which each proxy says what it was asked for."""
    if endpoint.startswith("/nginx/"):
        question = [("X-Original-Method", method), ("X-Original-URI", target), ("X-Forwarded-Proto", "http")]
    elif endpoint.startswith("/ingress-nginx/"):
        question = [("X-Original-Method", method), ("X-Original-URL", f"http://{host}{target}")]
    else:
        question = [
            ("X-Forwarded-Method", method),
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Host", host),
            ("X-Forwarded-Uri", target),
        ]
    question.append(("X-Forwarded-For" if endpoint == "/traefik" else "X-Real-IP", client))
    if secret is not None:
        question.append(("Turnpike-Proxy", secret))
    return question


def merge(base: dict, changes: dict) -> None:
    """Changes over base; None removes a key, a nested mapping is merged."""
    for key, value in changes.items():
        if value is None:
            base.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value

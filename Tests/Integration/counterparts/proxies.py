"""Envoy, NGINX, Traefik and Caddy, each run from the project's own example with its ports replaced."""

import pathlib
import shutil

from . import web
from .processes import ROOT, TOOLS, Process, free_port, listening

SECRET = "change-me-to-a-secret"  # as the examples have it


class Proxy:
    """One front door. `port` is where clients knock; `name` is what a failing test prints."""

    name = ""
    example = ""
    machines = "127.0.0.1:8081"  # as the example has it

    def __init__(
        self,
        folder: pathlib.Path,
        app: int,
        proxy: int,
        grpc: int,
        example: str | None = None,
        replace: dict[str, str] | None = None,
        port: int | None = None,
        machines: int | None = None,
    ):
        self.port = port or free_port()
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.example = example or self.example
        self.ports = {"app": app, "proxy": proxy, "grpc": grpc}
        self.replace = replace or {}  # further literal changes to the example
        if machines:  # Turnpike's public listener, for the machine route of the hardened examples
            self.replace = self.replace | {self.machines: self.machines.replace("8081", str(machines))}
        self.process = Process(self.name, self.command(), self.folder, cwd=self.folder)
        self.write()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def replacements(self) -> dict[str, str]:
        """Text of the example → text here. Each must occur, so an example cannot drift from its test."""
        raise NotImplementedError

    def command(self) -> list:
        raise NotImplementedError

    def sources(self) -> dict[pathlib.Path, str]:
        """File of the example → name in the run's folder; the first one is the file that gets replacements checked."""
        return {ROOT / self.example: pathlib.Path(self.example).name}

    def write(self) -> None:
        """Copies the example with the replacements made."""
        pending = dict.fromkeys(self.replacements(), 0)
        for source, name in self.sources().items():
            text = source.read_text()
            for old, new in self.replacements().items():
                pending[old] += text.count(old)
                text = text.replace(old, new)
            (self.folder / name).write_text(text)
        missing = [old for old, count in pending.items() if count == 0]
        assert not missing, f"{self.example} has no {missing}"

    def begin(self) -> "Proxy":
        self.process.start()
        return self

    def await_ready(self) -> "Proxy":
        self.process.await_ready(lambda: listening(self.port))
        return self

    def start(self) -> "Proxy":
        return self.begin().await_ready()

    def stop(self) -> None:
        self.process.stop(3)
        self.process.kill()

    def fetch(
        self, target: str = "/", method: str = "GET", headers=(), body: bytes | None = None, **how
    ) -> web.Answer:
        return web.fetch(self.port, target, method, headers, body, **how)

    def connect(self, **how) -> web.Connection:
        return web.Connection(self.port, **how)


class Envoy(Proxy):
    name = "envoy"
    example = "envoy/hardened.yaml"
    listen = 10000
    machines = "port_value: 8081"

    def replacements(self):
        return {
            f"port_value: {self.listen}": f"port_value: {self.port}",
            "port_value: 3000": f"port_value: {self.ports['app']}",
            "port_value: 9001": f"port_value: {self.ports['grpc']}",
            **self.replace,
        }

    def command(self):
        name = pathlib.Path(self.example).name
        return [TOOLS / "envoy", "-c", name, "--concurrency", "2", "--disable-hot-restart", "-l", "warning"]


class IstioGateway(Envoy):
    """Envoy with what istiod generates for a CUSTOM policy."""

    name = "istio"
    example = "istio/gateway-envoy.yaml"
    listen = 10040


class Nginx(Proxy):
    """Pattern E: one call, `X-Accel-Redirect`. `auth_request_port` of the same process is pattern F."""

    name = "nginx"
    example = "nginx/hardened.conf"

    def __init__(self, *positional, auth_request_port: int | None = None, **named):
        self.auth_request_port = auth_request_port or free_port()
        super().__init__(*positional, **named)

    def replacements(self):
        return {
            "127.0.0.1:10010": f"127.0.0.1:{self.port}",
            "127.0.0.1:10011": f"127.0.0.1:{self.auth_request_port}",
            "127.0.0.1:3000": f"127.0.0.1:{self.ports['app']}",
            "127.0.0.1:8080": f"127.0.0.1:{self.ports['proxy']}",
            **self.replace,
        }

    def sources(self):
        here = ROOT / "nginx"
        return {ROOT / self.example: "nginx.conf", here / "ask.inc": "ask.inc", here / "app.inc": "app.inc"}

    def command(self):
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        return [nginx, "-e", "stderr", "-p", self.folder, "-c", self.folder / "nginx.conf"]

    @property
    def by_auth_request(self) -> "Door":
        return Door("nginx-auth-request", self.auth_request_port)


class IngressNginx(Nginx):
    """Pattern G: what ingress-nginx generates, by hand."""

    name = "ingress-nginx"
    example = "nginx/ingress-nginx.conf"

    def replacements(self):
        return {
            "127.0.0.1:10012": f"127.0.0.1:{self.port}",
            "127.0.0.1:3000": f"127.0.0.1:{self.ports['app']}",
            "127.0.0.1:8080": f"127.0.0.1:{self.ports['proxy']}",
            **self.replace,
        }


class Traefik(Proxy):
    name = "traefik"
    example = "traefik/hardened"

    def replacements(self):
        return {
            "127.0.0.1:10020": f"127.0.0.1:{self.port}",
            "127.0.0.1:3000": f"127.0.0.1:{self.ports['app']}",
            "127.0.0.1:8080": f"127.0.0.1:{self.ports['proxy']}",
            **self.replace,
        }

    def sources(self):
        return {ROOT / self.example / name: name for name in ("traefik.yml", "dynamic.yml")}

    def command(self):
        return [TOOLS / "traefik", "--configFile=traefik.yml"]

    def await_ready(self):
        # The entry point listens before the routes are loaded; until then every path is Traefik's own 404.
        def routed() -> bool:
            if not listening(self.port):
                return False
            try:
                answer = web.fetch(self.port, "/free/ready", timeout=5)
            except (OSError, web.Closed):
                return False
            return not (answer.status == 404 and answer.body == b"404 page not found\n")

        self.process.await_ready(routed)
        return self


class Caddy(Proxy):
    name = "caddy"
    example = "caddy/hardened.Caddyfile"

    def replacements(self):
        return {
            "http://:10030": f"http://:{self.port}",
            "127.0.0.1:3000": f"127.0.0.1:{self.ports['app']}",
            "127.0.0.1:8080": f"127.0.0.1:{self.ports['proxy']}",
            **self.replace,
        }

    def command(self):
        return [TOOLS / "caddy", "run", "--config", pathlib.Path(self.example).name, "--adapter", "caddyfile"]


class Door:
    """A second port of a running proxy."""

    def __init__(self, name: str, port: int):
        self.name = name
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    fetch = Proxy.fetch
    connect = Proxy.connect

"""A mint that misbehaves on order: a proxy in front of the real one, which can fail before or after the real one acted."""

import collections
import http.client
import http.server
import socket
import threading
import time

from .processes import free_port

# What happens to a call of the given path. `forward` is the honest way.
FORWARD = ("forward",)


def slow(seconds: float):
    """The real answer, late."""
    return ("slow", seconds)


def status(code: int, body: bytes = b'{"detail":"scripted"}'):
    """This answer, and the real mint hears nothing."""
    return ("status", code, body)


def garbage():
    """200 with bytes that are no JSON; the real mint hears nothing."""
    return ("status", 200, b"\x00\xffthis is not what you asked for")


def status_after(code: int, body: bytes = b'{"detail":"scripted"}'):
    """The real mint acts, the caller is told of a failure."""
    return ("status after", code, body)


def drop():
    """The connection closes before the real mint hears anything."""
    return ("drop",)


def drop_after():
    """The real mint acts, then the connection closes without an answer."""
    return ("drop after",)


def after(change):
    """The real mint acts, and `change(code, body)` is the answer instead of its own."""
    return ("after", change)


RATE_LIMITED = status(429, b'{"detail":"Rate limit exceeded."}')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_call(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        behaviour = self.server.called(self.path, self.client_address)
        match behaviour[0]:
            case "forward":
                self.reply(*self.forward(body))
            case "slow":
                answer = self.forward(body)
                time.sleep(behaviour[1])
                self.reply(*answer)
            case "status":
                self.reply(behaviour[1], behaviour[2])
            case "status after":
                self.forward(body)
                self.reply(behaviour[1], behaviour[2])
            case "after":
                self.reply(*behaviour[1](*self.forward(body)))
            case "drop":
                self.hang_up()
            case "drop after":
                self.forward(body)
                self.hang_up()

    do_GET = do_POST = handle_call

    def forward(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.real_port, timeout=30)
        try:
            connection.request(self.command, self.path, body or None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 502, b"{}"
        finally:
            connection.close()

    def reply(self, code: int, body: bytes) -> None:
        try:
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the caller has given up

    def hang_up(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log_message(self, *_) -> None:
        pass


class ScriptedMint(http.server.ThreadingHTTPServer):
    """Tokens name its `url`; `on["/v1/swap"] = drop_after()` orders, `calls["/v1/swap"]` counts.

    A list is one behaviour for each call, and honesty after them.
    """

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, real_port: int, port: int | None = None):
        self.port = port or free_port()
        super().__init__(("127.0.0.1", self.port), Handler)
        self.real_port = real_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.on: dict[str, tuple] = {}
        self.calls: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()
        self.open = True

    def start(self) -> "ScriptedMint":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def called(self, path: str, _address) -> tuple:
        with self.lock:
            self.calls[path.split("?")[0]] += 1
            if not self.open:
                return drop()
            for prefix, behaviour in self.on.items():
                if path.startswith(prefix):
                    if isinstance(behaviour, list):
                        return behaviour.pop(0) if behaviour else FORWARD
                    return behaviour
            return FORWARD

    def everything(self, behaviour: tuple) -> None:
        self.on = {"/": behaviour}

    def honest(self) -> None:
        self.on = {}

    @property
    def spending_calls(self) -> int:
        """Calls that a token causes: swap, restore and checkstate."""
        with self.lock:
            return sum(
                count
                for path, count in self.calls.items()
                if path in ("/v1/swap", "/v1/restore", "/v1/checkstate")
            )

    def handle_error(self, request, client_address) -> None:
        pass

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

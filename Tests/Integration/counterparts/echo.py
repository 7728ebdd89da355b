"""usage: echo.py PORT

The app behind the proxies: answers every request with JSON {method, path, headers, bodySHA256}, and remembers what
it saw. A path that ends in /status/NNN is answered with that status.
"""

import hashlib
import http.client
import http.server
import json
import sys
import threading

http.client._MAXLINE = 4 << 20  # tokens are long; the proxies' own limits are what the tests look at
http.client._MAXHEADERS = 1000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "echo"

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            whole = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self) -> None:
        body = self.body()
        pairs = [(name.lower(), value) for name, value in self.headers.items()]
        fields: dict[str, str] = {}
        for name, value in pairs:
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": fields,
            "bodySHA256": hashlib.sha256(body).hexdigest(),
        }
        self.server.remember({**seen, "pairs": pairs, "body": body})
        parts = self.path.split("?")[0].rsplit("/status/", 1)
        status = int(parts[1]) if len(parts) == 2 and parts[1].isdigit() else 200
        text = json.dumps(seen).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "public, max-age=60")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *_) -> None:
        pass


class Echo(http.server.ThreadingHTTPServer):
    """The same app inside the test's process. `seen` holds what arrived since `forget()`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int):
        super().__init__(("127.0.0.1", port), Handler)
        self.port = port
        self.lock = threading.Lock()
        self.everything: list[dict] = []
        self.mark = 0

    def start(self) -> "Echo":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def remember(self, seen: dict) -> None:
        with self.lock:
            self.everything.append(seen)

    def forget(self) -> None:
        """Starts a new page: `seen` is empty until the next request. `everything` keeps all."""
        with self.lock:
            self.mark = len(self.everything)

    @property
    def seen(self) -> list[dict]:
        with self.lock:
            return self.everything[self.mark :]

    def handle_error(self, request, client_address) -> None:
        pass  # a proxy that goes away in the middle of a request is part of the tests


class Forgetful(Echo):
    """The app of the demo, which runs for long and remembers nothing."""

    def remember(self, seen: dict) -> None:
        pass


if __name__ == "__main__":
    Forgetful(int(sys.argv[1])).serve_forever()

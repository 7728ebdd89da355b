"""HTTP/1.1 by hand: bytes go out exactly as the test wrote them, and the answer comes back unfolded."""

import dataclasses
import json as jsonlib
import socket
import ssl as ssllib


class Closed(Exception):
    """The peer closed before a whole answer arrived."""


@dataclasses.dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]  # in order of arrival, names in lower case
    body: bytes
    closed: bool = False  # the answer said, or its framing means, that the connection ends here

    def header(self, name: str) -> str | None:
        values = self.all(name)
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def json(self):
        return jsonlib.loads(self.body)


class Connection:
    """One client connection; requests one after another, as keep-alive allows."""

    def __init__(
        self, port: int, host: str = "127.0.0.1", timeout: float = 40, tls: ssllib.SSLContext | None = None
    ):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(
        self, method: str, target: str, headers=(), body: bytes | None = None, host: str = "localhost"
    ) -> Answer:
        self.send(head(method, target, headers, body, host))
        return self.answer(method)

    def _more(self) -> bytes:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.buffer += data
        return data

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, interim ones (1xx) skipped."""
        while True:
            status_line = self._line().decode("latin1").split(" ", 2)
            status, headers = int(status_line[1]), []
            while line := self._line():
                name, value = line.decode("latin1").split(":", 1)
                headers.append((name.strip().lower(), value.strip()))
            if status >= 200 or status == 101:
                break
        answer = Answer(status, headers, b"")
        connection = (answer.header("connection") or "").lower()
        answer.closed = "close" in connection or (
            status_line[0] == "HTTP/1.0" and "keep-alive" not in connection
        )
        if method == "HEAD" or status in (101, 204, 304):
            return answer
        if (answer.header("transfer-encoding") or "").lower() == "chunked":
            while size := int(self._line().split(b";")[0], 16):
                answer.body += self._exactly(size)
                self._exactly(2)
            while self._line():
                pass
        elif (length := answer.header("content-length")) is not None:
            answer.body = self._exactly(int(length))
        else:
            answer.closed = True
            try:
                while True:
                    self._more()
            except Closed:
                answer.body, self.buffer = self.buffer, b""
        return answer


def head(
    method: str, target: str, headers=(), body: bytes | None = None, host: str | None = "localhost"
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1"]
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    if host is not None and not any(name.lower() == "host" for name, _ in pairs):
        lines.append(f"Host: {host}")
    if body is not None and not any(name.lower() == "content-length" for name, _ in pairs):
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in pairs]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin1") + (body or b"")


def fetch(
    port: int,
    target: str = "/",
    method: str = "GET",
    headers=(),
    body: bytes | None = None,
    host: str = "localhost",
    timeout: float = 40,
) -> Answer:
    """One request on a connection of its own."""
    with Connection(port, timeout=timeout) as connection:
        return connection.request(method, target, headers, body, host)


def raw(port: int, data: bytes, timeout: float = 3) -> bytes:
    """Everything the peer sends back to these bytes until it closes or stays silent for `timeout` seconds."""
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(data)
            while chunk := connection.recv(65536):
                received += chunk
    except OSError:
        pass
    return received


def statuses(received: bytes) -> list[int]:
    """The status codes of all answers in a byte stream, in order."""
    return [
        int(line.split(b" ")[1])
        for line in received.split(b"\r\n")
        if line.startswith(b"HTTP/1.") and b" " in line
    ]

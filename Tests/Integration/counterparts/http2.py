"""An HTTP/2 client whose frames are under the test's control."""

import socket
import struct
import time

import h2.config
import h2.connection
import h2.events

from .grpc_caller import CHECK
from .proxies import SECRET


class RawHTTP2:
    """One connection; the calls go out as gRPC, and any frame may be sent by hand."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=3)
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True,
                header_encoding="utf-8",
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        self.raw(
            struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
        )

    def call(self, message: bytes, extra=(), path: str = CHECK, end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(
            stream,
            [
                (":method", "POST"),
                (":path", path),
                (":scheme", "http"),
                (":authority", "turnpike"),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                ("turnpike-proxy", SECRET),
                *extra,
            ],
        )
        if message or end:
            self.h2.send_data(stream, message, end_stream=end)
        self.flush()
        return stream

    def events(self, seconds: float = 3) -> list:
        """What arrives until the peer is silent for a moment, closes, or the time is over."""
        seen: list = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.socket.settimeout(max(0.05, min(1.0, deadline - time.monotonic())))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                if seen:
                    break
                continue
            except OSError:
                break
            if not data:
                seen.append("closed")
                break
            seen += self.h2.receive_data(data)
            self.flush_quietly()
        return seen

    def flush_quietly(self) -> None:
        try:
            self.flush()
        except OSError:
            pass


def framed(message: bytes, compressed: int = 0) -> bytes:
    return bytes([compressed]) + struct.pack(">I", len(message)) + message


def statuses(events: list) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in events:
        if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
            found |= {name: value for name, value in event.headers}
    return found


def closes(client: RawHTTP2, seconds: float = 10) -> bool:
    """Whether the server ends the connection (GOAWAY or close)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            seen = client.events(1)
        except Exception:  # h2 refuses what follows our own nonsense; the connection is over either way
            return True
        if "closed" in seen or any(isinstance(event, h2.events.ConnectionTerminated) for event in seen):
            return True
    return False

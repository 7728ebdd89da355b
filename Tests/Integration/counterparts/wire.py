"""A wire that can be cut: relays TCP, and on order loses every answer of one moment."""

import contextlib
import socket
import struct
import threading
import time

from .processes import free_port


class Wire:
    """Relays to `target`. `cut(seconds)` lets questions through but no answer, and resets those connections at the end."""

    def __init__(self, target: int):
        self.target = target
        self.port = free_port()
        self.cut_until = 0.0
        self.server = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self, seconds: float) -> None:
        self.cut_until = time.monotonic() + seconds

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.server.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                threading.Thread(target=self.relay, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self.relay, args=(far, near, True), daemon=True).start()

    def relay(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                remaining = self.cut_until - time.monotonic()
                if answers and remaining > 0:
                    time.sleep(remaining)
                    self.reset(sink)
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def reset(end: socket.socket) -> None:
        """Closes by RST, as a machine that died does."""
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()

    def stop(self) -> None:
        self.server.close()

"""One request over HTTP/2 as any client may write it: no library in between mends names, values or pseudo-headers."""

import socket
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from .web import Answer


def fields(method: str, path: str, headers=(), authority: str = "localhost") -> list[tuple[str, str]]:
    """What a decent client would send."""
    return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path), *headers]


def exchange(
    port: int, request: list[tuple[str, str]], body: bytes = b"", seconds: float = 10
) -> Answer | None:
    """The answer; nil where the peer resets the stream, closes, or says nothing in time."""
    connection = h2.connection.H2Connection(
        h2.config.H2Configuration(
            client_side=True,
            header_encoding="latin1",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=False,
        )
    )
    answer = Answer(0, [], b"")
    deadline = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as link:
        connection.initiate_connection()
        stream = connection.get_next_available_stream_id()
        connection.send_headers(stream, request, end_stream=not body)
        if body:
            connection.send_data(stream, body, end_stream=True)
        try:
            link.sendall(connection.data_to_send())
            while (left := deadline - time.monotonic()) > 0:
                link.settimeout(left)
                if not (data := link.recv(65536)):
                    return None
                for event in connection.receive_data(data):
                    if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                        found = [(name, value) for name, value in event.headers]
                        answer.status = answer.status or int(dict(found)[":status"])
                        answer.headers += [pair for pair in found if not pair[0].startswith(":")]
                    elif isinstance(event, h2.events.DataReceived):
                        answer.body += event.data
                        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        return answer
                    elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                        return None
                link.sendall(connection.data_to_send())
        except (OSError, h2.exceptions.ProtocolError):
            return None
    return None

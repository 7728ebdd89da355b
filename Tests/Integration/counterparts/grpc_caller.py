"""Turnpike's gRPC face, asked as Envoy asks it, and by hand where a real client would never send such bytes."""

import grpc
from envoy.service.auth.v3 import external_auth_pb2

CHECK = "/envoy.service.auth.v3.Authorization/Check"
HEALTH = "/grpc.health.v1.Health/Check"


class GRPCCaller:
    """One HTTP/2 connection; metadata may carry the proxy's secret."""

    def __init__(self, port: int, secret: str | None = None):
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )
        self.metadata = [("turnpike-proxy", secret)] if secret is not None else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def call(self, method: str, message: bytes, timeout: float = 30) -> bytes:
        identity = lambda data: data  # noqa: E731  the bytes are the message
        stub = self.channel.unary_unary(method, request_serializer=identity, response_deserializer=identity)
        return stub(message, timeout=timeout, metadata=self.metadata)

    def check(
        self,
        path: str,
        method: str = "GET",
        headers: dict | None = None,
        host: str = "localhost",
        id: str = "",
        raw: bool = False,
        **extensions: str,
    ) -> external_auth_pb2.CheckResponse:
        answer = self.call(
            CHECK, question(path, method, headers, host, id, raw, **extensions).SerializeToString()
        )
        return external_auth_pb2.CheckResponse.FromString(answer)

    def health(self, service: str = "") -> int:
        """1 serving, 2 not serving (grpc.health.v1)."""
        name = service.encode()
        answer = self.call(HEALTH, (b"\x0a" + bytes([len(name)]) + name) if name else b"")
        return answer[1] if answer else 0


def question(
    path: str,
    method: str = "GET",
    headers: dict | None = None,
    host: str = "localhost",
    id: str = "",
    raw: bool = False,
    **extensions: str,
) -> external_auth_pb2.CheckRequest:
    asked = external_auth_pb2.CheckRequest()
    http = asked.attributes.request.http
    http.method, http.path, http.host, http.scheme, http.id = method, path, host, "http", id
    http.protocol = "HTTP/1.1"
    asked.attributes.source.address.socket_address.address = "127.0.0.1"
    asked.attributes.source.address.socket_address.port_value = 40000
    for name, value in (headers or {}).items():
        if raw:
            header = http.header_map.headers.add()
            header.key, header.raw_value = name.lower(), value.encode()
        else:
            http.headers[name.lower()] = value
    for name, value in extensions.items():
        asked.attributes.context_extensions[name] = value
    return asked


def outcome(answer: external_auth_pb2.CheckResponse) -> int:
    """The HTTP status that Envoy makes of it: 200 exactly when the status code is 0."""
    if answer.status.code == 0:
        return 200
    return answer.denied_response.status.code if answer.HasField("denied_response") else 403

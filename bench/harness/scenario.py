"""What is asked: the routes, the pass, the measured CheckRequest, and those that must be refused."""

import base64
import hashlib
import hmac
import random
import time
from dataclasses import dataclass

from . import wire

HOST = "api.shop.example.com"
PATH = "/v1/orders/8f14e45f-ceea-467f-a830-1c7b1f8a2c11/items?expand=prices&currency=EUR"
ROUTE = "/v1/orders"
# Each is PREFIX/** and sells passes by time.
ROUTES = [
    "/v1",
    ROUTE,
    "/v1/orders/archive",
    "/v1/items",
    "/v1/customers",
    "/v1/reports",
    "/v1/search",
    "/v1/exports",
    "/v2/orders",
    "/v2/items",
]


def route_id(prefix: str) -> str:
    return prefix.strip("/").replace("/", "-")


def route_tag(prefix: str) -> bytes:
    """FNV-1a with 128 bits over the route's id."""
    tag = 0x6C62272E07BB014262B821756295C58D
    for byte in route_id(prefix).encode():
        tag = (tag ^ byte) * 0x0000000001000000000000000000013B % (1 << 128)
    return tag.to_bytes(16, "big")


@dataclass
class Key:
    id: int
    secret: bytes


def time_pass(key: Key, prefix: str = ROUTE, host: str = HOST, ends_in: int = 86_400) -> str:
    end = int(time.time()) + ends_in
    body = b"\x02" + key.id.to_bytes(4, "big") + end.to_bytes(8, "big") + bytes(range(16)) + route_tag(prefix)
    body += host.encode()
    code = hmac.new(key.secret, b"turnpike pass 1" + body, hashlib.sha256).digest()
    return "tp1." + base64.urlsafe_b64encode(body + code).decode().rstrip("=")


def forged(text: str) -> str:
    """The same pass with one bit of its signature turned."""
    data = bytearray(base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4)))
    data[-7] ^= 1
    return "tp1." + base64.urlsafe_b64encode(data).decode().rstrip("=")


def check_request(passport: str | None, path: str = PATH) -> bytes:
    """About 1.7 KB, as Envoy sends it: an application's own bearer token, mTLS names, fifteen or sixteen headers."""
    token = base64.urlsafe_b64encode(random.Random(42).randbytes(480)).decode()
    headers = {
        ":authority": HOST,
        ":method": "POST",
        ":path": path,
        ":scheme": "https",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate, br",
        "accept-language": "en-GB,en;q=0.9",
        "authorization": "Bearer " + token,
        "content-length": "345",
        "content-type": "application/json",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "x-envoy-external-address": "203.0.113.77",
        "x-forwarded-for": "203.0.113.77, 10.42.7.19",
        "x-forwarded-proto": "https",
        "x-request-id": "b7c9e7d2-0a1f-4b53-9d0e-3c5b7a9e1f20",
    }
    if passport is not None:
        headers["turnpike-pass"] = passport
    return wire.message(
        1,
        peer(1, "10.42.7.19", 51514, "spiffe://cluster.local/ns/web/sa/frontend"),
        peer(2, "10.42.3.8", 8443, "spiffe://cluster.local/ns/shop/sa/orders"),
        wire.message(
            4,
            wire.message(1, wire.number(1, 1795225135), wire.number(2, 123456789)),
            wire.message(
                2,
                wire.text(1, "12889231276561275842"),
                wire.text(2, "POST"),
                *(
                    wire.message(3, wire.text(1, name), wire.text(2, headers[name]))
                    for name in sorted(headers)
                ),
                wire.text(4, path),
                wire.text(5, HOST),
                wire.text(6, "https"),
                wire.number(9, 345),
                wire.text(10, "HTTP/2"),
            ),
        ),
    )


def peer(field: int, address: str, port: int, principal: str) -> bytes:
    socket = wire.message(1, wire.text(2, address), wire.number(3, port))
    return wire.message(field, wire.message(1, socket), wire.text(4, principal))


@dataclass
class Answer:
    code: int
    is_ok: bool
    set: list[tuple[str, str]]
    removed: list[str]
    to_client: int
    size: int

    @property
    def allows(self) -> bool:
        return self.code == 0 and self.is_ok


def read_answer(body: bytes) -> Answer:
    """A CheckResponse as Envoy reads it: the code first, then the oneof."""
    ok = wire.only(body, 3, None)
    answer = Answer(wire.only(wire.only(body, 1, b""), 1, 0), ok is not None, [], [], 0, len(body))
    for field, value in wire.fields(ok or b""):
        if field == 2:
            header = wire.only(value, 1, b"")
            answer.set.append((wire.only(header, 1, b"").decode(), wire.only(header, 2, b"").decode()))
        elif field == 5:
            answer.removed.append(value.decode())
        else:
            answer.to_client += 1
    return answer


def refusals(key: Key) -> dict[str, bytes]:
    """Requests like the measured one that no server may allow."""
    good = time_pass(key)
    return {
        "a forged pass": check_request(forged(good)),
        "a pass of another key": check_request(time_pass(Key(key.id, bytes(32)))),
        "a pass of another route": check_request(time_pass(key, prefix="/v1")),
        "a pass of another host": check_request(time_pass(key, host="example.com")),
        "an expired pass": check_request(time_pass(key, ends_in=-1)),
        "two passes": check_request(good + "," + good),
        "no pass": check_request(None),
        "no route": check_request(good, path="/v3/orders"),
        "a more special route": check_request(good, path="/v1/orders/archive/1"),
    }

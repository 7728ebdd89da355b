"""Clients that speak HTTP/2 to the proxies: the same decisions, and the ways past a gate that only its framing has."""

import concurrent.futures

import pytest
from conftest import DOORS
from counterparts.http2_client import exchange, fields
from counterparts.processes import free_port
from counterparts.proxies import Caddy, Door, IngressNginx, Nginx
from test_bypass import PATHS, SPOOFS, served


@pytest.fixture(scope="module")
def h2_doors(stage, tmp_path_factory):
    """The shared proxies where they take HTTP/2 without TLS as they are, else one of its own that is told to."""
    folder = tmp_path_factory.mktemp("http2")

    def own(kind, gate, replace, **ports):
        made = folder / kind.name
        return kind(made, stage.app.port, gate.ports["proxy"], gate.ports["grpc"], replace=replace, **ports)

    one, two, three = free_port(), free_port(), free_port()
    listens = {f"listen 127.0.0.1:{port};": f"listen 127.0.0.1:{port} http2;" for port in (one, two)}
    nginx = own(Nginx, stage.gate, listens, port=one, auth_request_port=two)
    ingress = own(
        IngressNginx,
        stage.gate_by_address,
        {f"listen 127.0.0.1:{three};": f"listen 127.0.0.1:{three} http2;"},
        port=three,
    )
    caddy = own(Caddy, stage.gate, {"max_header_size 96KB": "max_header_size 96KB\n\t\tprotocols h1 h2c"})
    started = [nginx, ingress, caddy]
    for proxy in started:
        proxy.begin()
    for proxy in started:
        proxy.await_ready()
    shared = {name: stage.doors[name] for name in ("envoy", "istio", "traefik")}
    yield {
        **shared,
        "nginx": nginx,
        "nginx-auth-request": nginx.by_auth_request,
        "ingress-nginx": ingress,
        "caddy": caddy,
    }
    for proxy in started:
        proxy.stop()


@pytest.fixture(params=DOORS)
def h2_door(request, h2_doors, stage):
    stage.app.forget()
    return h2_doors[request.param]


def test_a_page_is_free_unpaid_and_paid_once_over_http2(h2_door, app, purse):
    token = purse.token(10)
    assert exchange(h2_door.port, fields("GET", "/free/x")).status == 200
    refused = exchange(h2_door.port, fields("GET", "/paid/x"))
    assert refused.status == 402 and refused.header("x-cashu").startswith("creqA")
    assert exchange(h2_door.port, fields("GET", "/paid/x", [("x-cashu", token)])).status == 200
    assert exchange(h2_door.port, fields("GET", "/paid/x", [("x-cashu", token)])).status == 402
    assert len(served(app)) == 1
    assert token not in str(app.seen)


def many(door: Door, requests: list[list[tuple[str, str]]]) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda request: exchange(door.port, request, seconds=3), requests))
    assert any(answers), "the proxy answered nothing at all"


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_no_form_of_a_path_opens_a_priced_page_over_http2(h2_door, app, method):
    many(h2_door, [fields(method, path) for path in PATHS])
    assert served(app) == []


def test_no_header_of_a_client_opens_a_priced_page_over_http2(h2_door, app):
    spoofs = [(name.lower(), value) for name, value in SPOOFS]
    many(
        h2_door,
        [fields("GET", "/paid/x", [pair]) for pair in spoofs]
        + [fields("GET", "/paid/x", [pair, pair]) for pair in spoofs],
    )
    assert served(app) == []


FRAMINGS = {
    "two paths": [*fields("GET", "/free/x"), (":path", "/paid/x")],
    "two paths, the priced one first": [(":path", "/paid/x"), *fields("GET", "/free/x")],
    "a path among the headers": [*fields("GET", "/paid/x", [("a", "b")]), (":path", "/free/x")],
    "an authority and another host": fields("GET", "/paid/x", [("host", "free.example")]),
    "a host and no authority": [pair for pair in fields("GET", "/paid/x", [("host", "localhost")]) if pair[0] != ":authority"],
    "no authority and no host": [pair for pair in fields("GET", "/paid/x") if pair[0] != ":authority"],
    "two authorities": [(":authority", "free.example"), *fields("GET", "/paid/x")],
    "an authority with a path": fields("GET", "/paid/x", authority="localhost/free/x?"),
    "an authority with user information": fields("GET", "/paid/x", authority="free@localhost"),
    "an empty path": fields("GET", ""),
    "a path with a space": fields("GET", "/paid/x HTTP/1.1"),
    "a path that holds a request": fields("GET", "/free/x HTTP/1.1\r\nHost: localhost\r\n\r\nGET /paid/x"),
    "a value that holds a request": fields(
        "GET", "/free/x", [("a", "b\r\n\r\nGET /paid/x HTTP/1.1\r\nHost: localhost\r\n\r\n")]
    ),
    "a value with a line of its own": fields("GET", "/paid/x", [("a", "b\r\nX-Forwarded-Uri: /free/x")]),
    "a value with a bare line feed": fields("GET", "/paid/x", [("a", "b\nX-Original-URI: /free/x")]),
    "a name with a line of its own": fields("GET", "/paid/x", [("x-original-uri: /free/x\r\na", "b")]),
    "a name with a colon": fields("GET", "/paid/x", [("x-original-uri: /free/x", "b")]),
    "names in upper case": fields("GET", "/paid/x", [("X-Original-URI", "/free/x"), ("X-Forwarded-Uri", "/free/x")]),
    "a method that holds a request": fields("GET /free/x HTTP/1.1\r\nHost: localhost\r\n\r\nGET", "/paid/x"),
    "a method with a space": fields("GET /free/x", "/paid/x"),
    "a scheme that is none": [(":scheme", "http://localhost/free/x?"), *[pair for pair in fields("GET", "/paid/x") if pair[0] != ":scheme"]],
    "a transfer coding": fields("POST", "/paid/x", [("transfer-encoding", "chunked")]),
    "a connection header": fields("GET", "/paid/x", [("connection", "x-forwarded-uri, x-original-uri")]),
    "a length that is too short": fields("POST", "/free/x", [("content-length", "0")]),
    "CONNECT": [(":method", "CONNECT"), (":authority", "localhost")],
    "CONNECT with a path": fields("CONNECT", "/paid/x"),
    "CONNECT for a websocket": fields("CONNECT", "/paid/x", [(":protocol", "websocket")]),
    "an unknown pseudo-header": fields("GET", "/paid/x", [(":original-path", "/free/x")]),
}  # fmt: skip


def test_no_framing_of_http2_opens_a_priced_page(h2_door, app):
    hidden = b"GET /paid/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    def send(request) -> None:
        smuggles = ("content-length", "0") in request or ("transfer-encoding", "chunked") in request
        exchange(h2_door.port, request, hidden if smuggles else b"", seconds=2)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(send, FRAMINGS.values()))
    assert served(app) == []
    assert exchange(h2_door.port, fields("GET", "/free/x")).status == 200


def test_two_tokens_in_two_fields_are_400_over_http2(h2_door, app, purse):
    both = [("x-cashu", purse.token(10)), ("x-cashu", purse.token(10))]
    assert exchange(h2_door.port, fields("GET", "/paid/x", both)).status == 400
    assert app.seen == []


def test_a_pass_among_cookies_in_fields_of_their_own_never_reaches_the_app(h2_door, app, purse):
    bought = exchange(h2_door.port, fields("GET", "/hour/x", [("x-cashu", purse.token(100))]))
    assert bought.status == 200
    cookies = [
        value.split(";")[0] for value in bought.all("set-cookie") if value.startswith("turnpike_pass=")
    ]
    assert cookies, "a pass comes as a cookie through every proxy"
    app.forget()
    crumbs = [("cookie", "a=1"), ("cookie", cookies[0]), ("cookie", "b=2")]
    assert exchange(h2_door.port, fields("GET", "/hour/y", crumbs)).status == 200
    assert cookies[0].split("=", 1)[1] not in str(app.seen)


@pytest.mark.parametrize("name", ["envoy", "istio"])
def test_a_grpc_caller_gets_its_challenge_in_headers_and_a_short_message(h2_doors, app, purse, name):
    call = [("content-type", "application/grpc"), ("te", "trailers")]
    unpaid = exchange(h2_doors[name].port, fields("POST", "/paid/pkg.Service/Method", call), b"\0" * 5)
    assert unpaid.status == 200, "gRPC says its status in grpc-status"
    assert unpaid.header("grpc-status") not in (None, "0")
    assert unpaid.header("grpc-message") == "payment_required"
    assert unpaid.header("x-cashu").startswith("creqA")
    assert unpaid.header("www-authenticate").startswith("Cashu")
    assert unpaid.header("turnpike-reason") == "payment_required"
    assert unpaid.body == b""
    assert served(app) == []
    malformed = exchange(
        h2_doors[name].port, fields("POST", "/paid/p.S/M", [*call, ("x-cashu", "cashuBnonsense")]), b"\0" * 5
    )
    assert malformed.header("grpc-status") not in (None, "0")
    assert malformed.header("grpc-message") == malformed.header("turnpike-reason") != "payment_required"
    paid = [*call, ("x-cashu", purse.token(10))]
    assert exchange(h2_doors[name].port, fields("POST", "/paid/p.S/M", paid), b"\0" * 5).status == 200
    assert len(served(app)) == 1

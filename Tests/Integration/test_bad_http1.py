"""HTTP/1.1 that no honest peer sends: a clear error or a closed connection, never a crash, never an allow."""

import socket
import time

import pytest
from counterparts import web
from counterparts.grpc_caller import GRPCCaller, outcome
from counterparts.proxies import SECRET
from counterparts.turnpike import dialect

ALLOWED = dialect("/caddy", "GET", "/free/x", "localhost", SECRET)
HEAD = "".join(f"{name}: {value}\r\n" for name, value in ALLOWED)

HTTP1 = {
    "CL and TE": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two CL": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde",
    "CL list": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: 0, 0\r\n\r\n",
    "CL plus": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: +1\r\n\r\na",
    "CL negative": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: -1\r\n\r\n",
    "CL too long": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: 99999999999999999999\r\n\r\n",
    "TE unknown": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TE twice": f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "bare LF": f"GET /caddy HTTP/1.1\nHost: x\n{HEAD}\n".replace("\r\n", "\n"),
    "bare CR": f"GET /caddy HTTP/1.1\r\nHost: x\rX-Y: z\r\n{HEAD}\r\n",
    "obs-fold": f"GET /caddy HTTP/1.1\r\nHost: x\r\nX-Y: a\r\n b\r\n{HEAD}\r\n",
    "space before the colon": f"GET /caddy HTTP/1.1\r\nHost: x\r\nX-Y : a\r\n{HEAD}\r\n",
    "NUL in a value": f"GET /caddy HTTP/1.1\r\nHost: x\r\nX-Y: a\0b\r\n{HEAD}\r\n",
    "no colon": f"GET /caddy HTTP/1.1\r\nHost: x\r\nnonsense\r\n{HEAD}\r\n",
    "two Hosts": f"GET /caddy HTTP/1.1\r\nHost: x\r\nHost: y\r\n{HEAD}\r\n",
    "no Host": f"GET /caddy HTTP/1.1\r\n{HEAD}\r\n",
    "version 3": f"GET /caddy HTTP/3.7\r\nHost: x\r\n{HEAD}\r\n",
    "no version": f"GET /caddy\r\nHost: x\r\n{HEAD}\r\n",
    "a bad method": f"G(T /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}\r\n",
    "a space in the target": f"GET /cad dy HTTP/1.1\r\nHost: x\r\n{HEAD}\r\n",
    "not HTTP at all": "\x00\x01\x02\x03" * 100 + "\r\n\r\n",
    "a bad chunk": f"POST /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "a huge chunk": f"POST /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab",
    "a preface cut short": "PRI * HTTP/2.0\r\n\r\nSM",
    "a preface and noise": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\xff" * 200,
}


@pytest.mark.parametrize("kind", HTTP1)
def test_malformed_http1_is_an_error_or_a_closed_connection(sturdy, kind):
    answer = web.statuses(web.raw(sturdy.ports["proxy"], HTTP1[kind].encode("latin1"), timeout=2))
    assert 200 not in answer, f"{kind} was allowed: {answer}"
    assert all(400 <= status < 600 for status in answer)


def test_a_request_smuggled_behind_a_refused_one_is_never_read(sturdy):
    for kind in ("CL and TE", "two CL", "TE unknown", "a bad chunk", "CL list"):
        hidden = f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}\r\n"
        assert 200 not in web.statuses(
            web.raw(sturdy.ports["proxy"], (HTTP1[kind] + hidden).encode("latin1"), timeout=2)
        )


def test_a_header_of_a_mebibyte_is_refused(sturdy):
    port = sturdy.ports["proxy"]
    for header in (
        f"X-Cashu: {'A' * (1 << 20)}\r\n",
        "".join(f"X-{n}: {'b' * 100}\r\n" for n in range(10_000)),
    ):
        received = web.raw(port, f"GET /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}{header}\r\n".encode(), timeout=5)
        assert 200 not in web.statuses(received)


def test_a_target_of_a_mebibyte_is_refused(sturdy):
    assert 200 not in web.statuses(
        web.raw(
            sturdy.ports["proxy"], f"GET /{'a' * (1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), timeout=5
        )
    )
    assert sturdy.ask("/free/" + "a" * 30_000).status in (200, 400, 414, 431)


def test_a_body_beyond_the_limit_is_refused(sturdy):
    answer = web.statuses(
        web.raw(
            sturdy.ports["proxy"],
            f"POST /caddy HTTP/1.1\r\nHost: x\r\n{HEAD}Content-Length: 100000000\r\n\r\n".encode()
            + b"a" * (8 << 20),
            timeout=5,
        )
    )
    assert 200 not in answer


def test_a_client_that_sends_a_byte_now_and_then_is_cut_off(sturdy):
    """Slow headers: the connection ends within the header time-out, whatever drips in."""
    with socket.create_connection(("127.0.0.1", sturdy.ports["proxy"]), timeout=1) as slow:
        slow.sendall(b"GET /caddy HTTP/1.1\r\nHost: x\r\n")
        ended = False
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not ended:
            try:
                slow.sendall(b"X-Y: z\r\n")
                ended = slow.recv(4096) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
        assert ended


def test_a_thousand_idle_connections_stop_nobody(sturdy):
    opened = []
    try:
        for _ in range(1000):
            try:
                opened.append(socket.create_connection(("127.0.0.1", sturdy.ports["proxy"]), timeout=2))
            except OSError:
                break
        time.sleep(0.2)
        with GRPCCaller(sturdy.ports["grpc"], SECRET) as caller:
            assert outcome(caller.check("/free/x")) == 200
    finally:
        for connection in opened:
            connection.close()

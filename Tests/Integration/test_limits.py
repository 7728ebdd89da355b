"""Floods, together and for a while: free routes are answered meanwhile, the process lives, and its memory is bounded."""

import contextlib
import resource
import socket
import threading
import time

import h2.errors
import pytest
from conftest import MAX_RESIDENT_MIB, resident_mib
from counterparts import web
from counterparts.grpc_caller import GRPCCaller, outcome
from counterparts.http2 import RawHTTP2
from counterparts.processes import wait_until
from counterparts.proxies import SECRET
from counterparts.turnpike import binary, dialect
from test_bad_messages import cbor_token

FLOOD_SECONDS = 5
MAX_CONNECTIONS = 4096  # of one listener


def rapid_resets(gate) -> None:
    with RawHTTP2(gate.ports["grpc"]) as client:
        for _ in range(2000):
            client.h2.reset_stream(client.call(b"", end=False), h2.errors.ErrorCodes.CANCEL)
            client.flush()


def large_headers(gate) -> None:
    web.raw(gate.ports["proxy"], b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * (1 << 20), timeout=1)


def many_headers(gate) -> None:
    web.raw(gate.ports["proxy"], b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-B: b\r\n" * 100_000, timeout=1)


def cbor_bombs(gate) -> None:
    for bomb in (b"\x81" * 15_000, b"\x9b" + b"\x7f" * 8, b"\xa1\x61t\x9a\x00\xff\xff\xff" + b"\x80" * 10_000):
        gate.ask("/paid/x", {"X-Cashu": cbor_token(bomb)})


def huge_frames(gate) -> None:
    with RawHTTP2(gate.ports["grpc"]) as client:
        for _ in range(50):
            client.call(b"\0\x7f\xff\xff\xff" + b"a" * 10_000, end=False)


def slow_clients(gate) -> None:
    with contextlib.ExitStack() as held:
        for port in ("proxy", "grpc", "public", "admin"):
            for start in (b"", b"GET /x HTTP/1.1\r\nHo", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
                slow = held.enter_context(socket.create_connection(("127.0.0.1", gate.ports[port]), timeout=1))
                slow.sendall(start)
        time.sleep(0.5)


FLOODS = (rapid_resets, large_headers, many_headers, cbor_bombs, huge_frames, slow_clients)


def test_free_routes_are_answered_while_every_flood_runs_at_once(stage, lone):
    gate = lone([stage.mint.url]).start()
    over = time.monotonic() + FLOOD_SECONDS

    def keep_on(flood) -> None:
        while time.monotonic() < over:
            # A flood is cut off again and again; that is what it is for.
            with contextlib.suppress(Exception):
                flood(gate)

    threads = [threading.Thread(target=keep_on, args=(flood,), daemon=True) for flood in FLOODS]
    for thread in threads:
        thread.start()
    answered = 0
    with GRPCCaller(gate.ports["grpc"], SECRET) as caller:
        while time.monotonic() < over:
            assert outcome(caller.check("/free/x")) == 200
            assert gate.ask("/free/x").status == 200
            assert resident_mib(gate.pid) < MAX_RESIDENT_MIB
            answered += 1
    for thread in threads:
        thread.join(30)
    assert answered > 0
    assert gate.admin("/livez").status == 200
    assert gate.ask("/paid/x").status == 402
    assert gate.stop() == 0


def test_connections_beyond_the_limit_are_closed_and_the_other_listeners_do_not_notice(stage, lone):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < MAX_CONNECTIONS * 2:
        pytest.fail(f"this test opens {MAX_CONNECTIONS} sockets; the system allows {most} files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gate = lone([stage.mint.url]).start()
    opened = []
    try:
        for number in range(MAX_CONNECTIONS + 500):
            # From several addresses, so that no one pair of addresses runs out of ports.
            source = (f"127.0.0.{number % 4 + 2}", 0)
            with contextlib.suppress(OSError):
                opened.append(
                    socket.create_connection(
                        ("127.0.0.1", gate.ports["proxy"]), timeout=5, source_address=source
                    )
                )
        assert len(opened) > MAX_CONNECTIONS
        with GRPCCaller(gate.ports["grpc"], SECRET) as caller:
            assert outcome(caller.check("/free/x")) == 200
        assert gate.admin("/readyz").status == 200
        assert resident_mib(gate.pid) < MAX_RESIDENT_MIB
        with pytest.raises((OSError, web.Closed)):
            gate.ask("/free/x", timeout=5)
    finally:
        for connection in opened:
            connection.close()
    wait_until(lambda: served(gate), "the listener takes connections again", seconds=20)


def served(gate) -> bool:
    with contextlib.suppress(OSError, web.Closed):
        return gate.ask("/free/x", timeout=5).status == 200
    return False


def test_few_open_files_are_shared_and_the_store_keeps_its_own(stage, lone, tmp_path, monkeypatch):
    """A system that allows 256 files in all: one listener's idle connections leave the others and the store theirs."""
    few = tmp_path / "few-files"
    few.write_text(f'#!/bin/sh\nulimit -n 256\nexec {binary()} "$@"\n')
    few.chmod(0o755)
    monkeypatch.setenv("TURNPIKE_BINARY", str(few))
    gate = lone([stage.mint.url]).start()
    token = stage.purse.token(10)
    with contextlib.ExitStack() as held:
        for _ in range(260):
            with contextlib.suppress(OSError, web.Closed):
                idle = held.enter_context(web.Connection(gate.ports["public"], timeout=1))
                idle.request("GET", "/nothing")  # one that has asked may stay for minutes
        with GRPCCaller(gate.ports["grpc"], SECRET) as caller:
            assert outcome(caller.check("/free/x")) == 200
            assert outcome(caller.check("/paid/x", headers={"x-cashu": token})) == 200
        assert gate.admin("/readyz").status == 200


def test_a_soft_limit_of_open_files_is_raised(stage, lone):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        gate = lone([stage.mint.url]).start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    now, _ = resource.prlimit(gate.pid, resource.RLIMIT_NOFILE)
    assert now == min(hard, 65_536)


def test_an_http1_connection_that_waits_for_its_answer_holds_no_one_up(stage, lone):
    """A client that asks and never reads: its answers wait within bounds, and others get theirs."""
    gate = lone([stage.mint.url]).start()
    question = web.head("GET", "/caddy", dialect("/caddy", "GET", "/paid/x", "localhost", SECRET))
    with socket.create_connection(("127.0.0.1", gate.ports["proxy"]), timeout=1) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(OSError):
            for _ in range(20_000):
                deaf.sendall(question)
        assert gate.ask("/free/x").status == 200
        assert resident_mib(gate.pid) < MAX_RESIDENT_MIB

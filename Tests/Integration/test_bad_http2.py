"""HTTP/2 and gRPC frames that no honest peer sends: a status or a closed connection, and everyone else is served."""

import struct

import h2.errors
import pytest
from counterparts import web
from counterparts.grpc_caller import question
from counterparts.http2 import RawHTTP2, closes, framed, statuses
from counterparts.proxies import SECRET
from counterparts.turnpike import dialect

GOOD = question("/free/x").SerializeToString()


def test_a_good_check_by_hand_is_answered(sturdy):
    with RawHTTP2(sturdy.ports["grpc"]) as client:
        client.call(framed(GOOD))
        assert statuses(client.events())["grpc-status"] == "0"


GRPC_FRAMES = {
    "compressed without a name": (framed(GOOD, 1), ()),
    "compressed by gzip": (framed(GOOD, 1), (("grpc-encoding", "gzip"),)),
    "a length too long": (b"\0\xff\xff\xff\xff" + GOOD, ()),
    "a length too short": (b"\0\0\0\0\x01" + GOOD, ()),
    "two messages": (framed(GOOD) + framed(GOOD), ()),
    "no frame": (b"abc", ()),
    "no message": (b"", ()),
    "flag 7": (framed(GOOD, 7), ()),
    "a bad time-out": (framed(GOOD), (("grpc-timeout", "soon"),)),
}


@pytest.mark.parametrize("kind", GRPC_FRAMES)
def test_a_malformed_grpc_frame_is_a_status_and_never_an_allow(sturdy, kind):
    data, extra = GRPC_FRAMES[kind]
    with RawHTTP2(sturdy.ports["grpc"]) as client:
        client.call(data, extra)
        answer = statuses(client.events())
        assert answer.get("grpc-status", "reset") != "0" or kind == "a bad time-out"


def test_rapid_resets_end_the_connection(sturdy):
    with RawHTTP2(sturdy.ports["grpc"]) as client:
        try:
            for _ in range(5000):
                stream = client.call(b"", end=False)
                client.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                client.flush()
        except OSError:
            return  # cut off already
        except Exception:
            pass
        assert closes(client)


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("ping flood", (0x6, 0, 0, b"12345678")),
        ("settings flood", (0x4, 0, 0, b"")),
        ("empty data flood", (0x0, 0, 1, b"")),
        ("priority flood", (0x2, 0, 1, b"\0\0\0\0\0")),
        ("window flood", (0x8, 0, 0, b"\0\0\0\x01")),
    ],
)
def test_a_flood_of_frames_ends_or_is_borne(sturdy, kind, frame):
    """Bounded work either way: the process answers others while the flood runs, and does not grow."""
    with RawHTTP2(sturdy.ports["grpc"]) as client:
        client.call(b"", end=False)
        try:
            for _ in range(200):
                client.raw(
                    (
                        struct.pack(">I", len(frame[3]))[1:]
                        + bytes([frame[0], frame[1]])
                        + struct.pack(">I", frame[2])
                        + frame[3]
                    )
                    * 100
                )
        except OSError:
            pass
        assert sturdy.ask("/free/x").status == 200


def test_a_continuation_flood_ends_the_connection(sturdy):
    with RawHTTP2(sturdy.ports["grpc"]) as client:
        try:
            client.frame(0x1, 0, 1, b"\x40\x01a" + bytes([127]) + b"")
            for _ in range(20_000):
                client.frame(0x9, 0, 1, b"\x00\x01b\x0a" + b"c" * 10)
        except OSError:
            return
        assert closes(client)


BROKEN_FRAMES = {
    "an unknown type": (0xEE, 0, 1, b"x"),
    "headers on stream 0": (0x1, 4, 0, b"\x82"),
    "data on an idle stream": (0x0, 0, 9, b"x"),
    "an even stream": (0x1, 5, 2, b"\x82\x86\x84"),
    "a bad HPACK index": (0x1, 5, 1, b"\xff\xff\xff\xff\x0f"),
    "settings of 5 bytes": (0x4, 0, 0, b"12345"),
    "a window of zero": (0x8, 0, 0, b"\0\0\0\0"),
    "a window too large": (0x8, 0, 0, b"\x7f\xff\xff\xff"),
    "a push": (0x5, 4, 1, b"\0\0\0\x02\x82"),
}


@pytest.mark.parametrize("kind", BROKEN_FRAMES)
def test_a_broken_http2_frame_hurts_only_its_connection(sturdy, kind):
    with RawHTTP2(sturdy.ports["grpc"]) as client:
        try:
            client.frame(*BROKEN_FRAMES[kind])
            client.frame(*BROKEN_FRAMES[kind])
        except OSError:
            pass
        try:
            client.events(1)
        except Exception:
            pass
    assert sturdy.ask("/free/x").status == 200


def test_a_frame_larger_than_was_agreed_ends_the_connection(sturdy):
    with RawHTTP2(sturdy.ports["grpc"]) as client:
        try:
            client.frame(0x0, 0, 1, b"a" * 100_000)
        except OSError:
            return
        assert closes(client)


def test_http2_by_prior_knowledge_works_on_the_proxy_listener_and_http1_on_the_others(stage):
    with RawHTTP2(stage.gate.ports["proxy"]) as client:
        stream = client.h2.get_next_available_stream_id()
        question_headers = [
            (name.lower(), value) for name, value in dialect("/caddy", "GET", "/free/x", "localhost", SECRET)
        ]
        client.h2.send_headers(
            stream,
            [
                (":method", "GET"),
                (":path", "/caddy"),
                (":scheme", "http"),
                (":authority", "localhost"),
                *question_headers,
            ],
            end_stream=True,
        )
        client.flush()
        assert statuses(client.events())[":status"] == "200"
    assert web.fetch(stage.gate.ports["grpc"], "/nothing").status >= 400

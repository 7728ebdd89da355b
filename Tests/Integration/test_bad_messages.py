"""Tokens and messages made to hurt: refused within bounds, never a crash, never an allow."""

import base64
import os

import grpc
import pytest
from counterparts.grpc_caller import CHECK, GRPCCaller, outcome
from counterparts.proxies import SECRET


def cbor_token(data: bytes) -> str:
    return "cashuB" + base64.urlsafe_b64encode(data).decode().rstrip("=")


TOKENS = {
    "nested arrays": cbor_token(b"\x81" * 50_000 + b"\x00"),
    "nested maps": cbor_token(b"\xa1\x61a" * 20_000 + b"\x00"),
    "an array of 2^32": cbor_token(b"\xa1\x61t\x9a\xff\xff\xff\xff"),
    "an array of 2^63": cbor_token(b"\xa1\x61t\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"),
    "a string of 2^62": cbor_token(b"\xa1\x61m\x7b\x40\x00\x00\x00\x00\x00\x00\x00abc"),
    "indefinite length": cbor_token(b"\xbf\x61m\x7f\x61a\xff\xff"),
    "a tag": cbor_token(b"\xc2\x49" + b"\xff" * 9),
    "an empty map": cbor_token(b"\xa0"),
    "half a map": cbor_token(b"\xa3\x61m"),
    "duplicate keys": cbor_token(b"\xa2\x61m\x61a\x61m\x61b"),
    "no bytes": "cashuB",
    "bad base64": "cashuB!!!!",
    "an unknown version": "cashuZabcdef",
    "JSON nested": "cashuA" + base64.urlsafe_b64encode(b'{"token":' + b"[" * 30_000).decode(),
    "JSON numbers": "cashuA"
    + base64.urlsafe_b64encode(b'{"token":[{"mint":"x","proofs":[{"amount":1e308}]}]}').decode(),
    "JSON cut": "cashuA" + base64.urlsafe_b64encode(b'{"token":[{"mi').decode(),
    "random bytes": cbor_token(os.urandom(4000)),
    "UTF-8 no one knows": cbor_token(b"\xa1\x61m\x64\xff\xfe\xfd\xfc"),
}


@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_made_to_hurt_is_400(sturdy, kind):
    token = TOKENS[kind]
    assert sturdy.ask("/paid/x", {"X-Cashu": token}).status in (400, 431)
    with GRPCCaller(sturdy.ports["grpc"], SECRET) as caller:
        assert outcome(caller.check("/paid/x", headers={"x-cashu": token})) == 400


MESSAGES = {
    "noise": os.urandom(500),
    "a field cut short": b"\x0a\xff\xff\xff\x7fabc",
    "a varint without an end": b"\x0a" + b"\xff" * 20,
    "a group": b"\x0b\x0b\x0b",
    "field number 0": b"\x02\x00",
    "deep nesting": b"\x0a\x80\x01" * 5000,
    "empty": b"",
    "a mebibyte of nothing": b"\x1a\x80\x80\x40" + b"\0" * (1 << 20),
    "a wrong wire type": b"\x08\x01",
    "invalid UTF-8 in the path": b"\x0a\x0a\x22\x08\x12\x06\x22\x04\xff\xfe\xfd\xfc",
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_malformed_check_is_refused(sturdy, kind):
    with GRPCCaller(sturdy.ports["grpc"], SECRET) as caller:
        from envoy.service.auth.v3 import external_auth_pb2

        try:
            answer = external_auth_pb2.CheckResponse.FromString(caller.call(CHECK, MESSAGES[kind]))
            assert outcome(answer) != 200
        except grpc.RpcError as error:
            assert error.code() != grpc.StatusCode.OK


def test_an_unknown_method_is_unimplemented(sturdy):
    with GRPCCaller(sturdy.ports["grpc"], SECRET) as caller:
        for method in ("/envoy.service.auth.v3.Authorization/Nothing", "/a.b/C", "/"):
            with pytest.raises(grpc.RpcError) as refused:
                caller.call(method, b"")
            assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED

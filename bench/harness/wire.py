"""Just enough protobuf to write a CheckRequest and read a CheckResponse (Sources/Proto has the definitions)."""

import struct
from collections.abc import Iterator


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def message(field: int, *parts: bytes) -> bytes:
    return text(field, b"".join(parts))


def grpc_frame(body: bytes) -> bytes:
    return b"\0" + struct.pack(">I", len(body)) + body


def grpc_unframe(data: bytes) -> bytes:
    if len(data) < 5 or data[0] != 0 or struct.unpack(">I", data[1:5])[0] != len(data) - 5:
        raise ValueError("not one uncompressed gRPC message")
    return data[5:]


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Every field of a message, in order; numbers and length-delimited ones only."""
    at = 0

    def read() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = read()
        value = read()
        if tag & 7 == 2:
            if at + value > len(data):
                raise ValueError("a field is longer than its message")
            yield tag >> 3, data[at : at + value]
            at += value
        elif tag & 7 == 0:
            yield tag >> 3, value
        else:
            raise ValueError(f"unexpected wire type {tag & 7}")


def only(data: bytes, field: int, default):
    """The last value of a field, as protobuf has it."""
    return {key: value for key, value in fields(data)}.get(field, default)

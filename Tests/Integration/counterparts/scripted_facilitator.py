"""A facilitator that misbehaves on order: a proxy in front of the stock one, faults before or after the money moved."""

import json

from .chain import NETWORK
from .scripted_mint import ScriptedMint, after, status

HTML_502 = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def truncated():
    """The stock facilitator settles; half of its answer arrives, as a whole one."""
    return after(lambda code, body: (code, body[: len(body) // 2]))


def not_json():
    return after(lambda code, body: (200, b"settled, thank you"))


def unavailable_with_success():
    """503 with the body of a success; the money moved."""
    return after(lambda code, body: (503, body))


def bad_gateway():
    """502 in HTML; nothing moved."""
    return status(502, HTML_502)


def bad_gateway_after():
    return after(lambda code, body: (502, HTML_502))


def pending():
    """The transaction is sent, and not yet final (x402 V2 §9)."""

    def change(code: int, body: bytes) -> tuple[int, bytes]:
        answer = json.loads(body)
        return (
            200,
            json.dumps(
                answer | {"success": False, "errorReason": "settlement_pending", "network": NETWORK}
            ).encode(),
        )

    return after(change)


def refused(reason: str, transaction: str = ""):
    """Nothing is sent, and the answer says why."""
    body = {"success": False, "errorReason": reason, "transaction": transaction, "network": NETWORK}
    return status(200, json.dumps(body).encode())


def invalid(reason: str):
    """Of `/verify`."""
    return status(200, json.dumps({"isValid": False, "invalidReason": reason}).encode())


def failed_after(reason: str):
    """The money moved, and the answer says that it did not, naming no transaction."""
    body = {"success": False, "errorReason": reason, "transaction": "", "network": NETWORK}
    return after(lambda code, _: (200, json.dumps(body).encode()))


class ScriptedFacilitator(ScriptedMint):
    """`on["/settle"] = [drop_after()]` orders, `calls["/settle"]` counts."""

    @property
    def settles(self) -> int:
        with self.lock:
            return self.calls["/settle"]

"""Buyers with a key: the stock x402 client in a process of its own, and payloads made by hand."""

import base64
import dataclasses
import json
import pathlib

from . import web
from .chain import X402_PYTHON
from .coprocess import Coprocess


def encoded(content) -> str:
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def decoded(text: str):
    return json.loads(base64.b64decode(text))


@dataclasses.dataclass
class Bought:
    """What the stock client saw: each try's answer, and every payment header that it sent."""

    answers: list[web.Answer]
    payments: list[str]

    @property
    def last(self) -> web.Answer:
        return self.answers[-1]

    @property
    def nonces(self) -> set[str]:
        return {decoded(one)["payload"]["authorization"]["nonce"] for one in self.payments}


class Signers(Coprocess):
    """The process that signs; accounts are pairs of key and address."""

    def __init__(self, folder: pathlib.Path):
        script = pathlib.Path(__file__).with_name("stock_payer.py")
        super().__init__("payer", [X402_PYTHON, script], folder)

    def account(self) -> "Payer":
        return self.accounts(1)[0]

    def accounts(self, count: int) -> list["Payer"]:
        return [Payer(self, **made) for made in self.ask(do="createMany", count=count)]


@dataclasses.dataclass
class Payer:
    """One account. Money comes from `chain.mint(payer.address)`."""

    signers: Signers
    key: str
    address: str

    def buy(self, url: str, **how) -> Bought:
        """The stock client as it comes: asks, meets the 402, pays, asks again. `tries` starts afresh after a failure."""
        seen = self.signers.ask(do="pay", key=self.key, url=url, **how)
        answers = [
            web.Answer(
                one["status"], [(name.lower(), value) for name, value in one["headers"]], one["body"].encode()
            )
            for one in seen["answers"]
        ]
        return Bought(answers, seen["payments"])

    def sign(self, wanted: dict, **changes) -> dict:
        return self.signers.ask(do="sign", key=self.key, wanted=wanted, **changes)

    def v2(self, required: dict, extensions: dict | None = None, **changes) -> dict:
        """A whole V2 payment for the first offer of a decoded PAYMENT-REQUIRED."""
        offer = required["accepts"][0]
        payment = {
            "x402Version": 2,
            "resource": required["resource"],
            "accepted": offer,
            "payload": self.sign(offer, **changes),
        }
        return payment | ({"extensions": extensions} if extensions else {})

    def v1(self, body: dict, **changes) -> dict:
        """A whole V1 payment for the first offer of a 402's JSON body."""
        offer = body["accepts"][0]
        return {
            "x402Version": 1,
            "scheme": offer["scheme"],
            "network": offer["network"],
            "payload": self.sign(offer, **changes),
        }


def as_v2(payment: dict) -> dict[str, str]:
    return {"PAYMENT-SIGNATURE": encoded(payment)}


def as_v1(payment: dict) -> dict[str, str]:
    return {"X-PAYMENT": encoded(payment)}


def required(answer: web.Answer) -> dict:
    """The decoded PAYMENT-REQUIRED of a 402."""
    return decoded(answer.header("payment-required"))


def receipt(answer: web.Answer) -> dict | None:
    text = answer.header("payment-response") or answer.header("x-payment-response")
    return decoded(text) if text else None


def of_calldata(chain, transaction: str, offer: dict) -> dict:
    """A V2 payment rebuilt from what everybody can read on the chain."""
    data = bytes.fromhex(chain.rpc("eth_getTransactionByHash", transaction)["input"][2:])[4:]
    words = [data[start : start + 32] for start in range(0, 9 * 32, 32)]
    whole = lambda word: str(int.from_bytes(word, "big"))  # noqa: E731
    return {
        "x402Version": 2,
        "accepted": offer,
        "payload": {
            "signature": "0x" + words[7].hex() + words[8].hex() + words[6][-1:].hex(),
            "authorization": {
                "from": "0x" + words[0][12:].hex(),
                "to": "0x" + words[1][12:].hex(),
                "value": whole(words[2]),
                "validAfter": whole(words[3]),
                "validBefore": whole(words[4]),
                "nonce": "0x" + words[5].hex(),
            },
        },
    }

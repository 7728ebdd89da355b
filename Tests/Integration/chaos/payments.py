"""One payment in the hand of one payer: what it sends, and where its money is by the counterpart's own word."""

import dataclasses
import enum
import hashlib
import json
import time

from counterparts import tokens, web
from counterparts.chain import PAY_TO, TRANSFER, USDC, Chain, topic
from counterparts.payer import Payer, as_v2, required

SAT_PRICE = 8  # one proof
USD_PRICE = "0.01"
USD_UNITS = 10_000
LONG_SECONDS = 1800  # a storm takes longer than the two minutes that a buyer's signature is good for
# In the order in which a payment passes them; some kinds pass by some of them.
CRASH_POINTS = ("verified", "reserved", "sending", "settled", "concluded", "delivering", "answered")


class Money(enum.Enum):
    """Where the money of one payment is, by the word of the mint or the chain."""

    GOOD = "good"  # the payer may still spend it
    LEFT = "left"  # it has left the payer
    HELD = "held"  # the mint holds it: neither


@dataclasses.dataclass
class Payment:
    """What is sent, and what came back. `served` counts the payer's own 200s."""

    id: str  # of the ledger's row
    kind: str
    path: str
    amount: int
    headers: dict[str, str]
    points: list[str] = dataclasses.field(default_factory=list)  # of ecash
    payer: str = ""  # of dollars; each payer pays once
    served: int = 0
    statuses: dict[int, int] = dataclasses.field(default_factory=dict)

    def seen(self, status: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.served += status == 200

    @property
    def is_ecash(self) -> bool:
        return bool(self.points)


def ecash(token: str, kind: str) -> Payment:
    """An ecash token, unlocked (`online`) or locked to Turnpike's key (`offline`)."""
    points = tokens.points(token)
    id = hashlib.sha256(b"".join(sorted(points))).hexdigest()[:32]
    return Payment(
        id, kind, f"/paid/{id}", sum(tokens.amounts(token)), {"X-Cashu": token}, [one.hex() for one in points]
    )


def dollars(payer: Payer, asked: web.Answer) -> Payment:
    """An x402 payment for a 402 of its own, whose secret it gives back."""
    made = payer.v2(required(asked), validBefore=int(time.time()) + LONG_SECONDS)
    said = made["payload"]["authorization"]
    identity = (
        b"turnpike x402 eip3009 eip155:84532 "
        + USDC.lower().encode()
        + bytes.fromhex(said["from"][2:])
        + bytes.fromhex(said["nonce"][2:])
    )
    nullifier = hashlib.sha256(identity).digest()
    id = hashlib.sha256(b"turnpike x402 payment " + nullifier).hexdigest()[:32]
    return Payment(id, "dollars", f"/usd/{id}", USD_UNITS, as_v2(made), payer=payer.address.lower())


def ecash_money(port: int, payments: list[Payment]) -> dict[str, Money]:
    """Asks the mint about every proof (NUT-07)."""
    states: dict[str, str] = {}
    points = [point for payment in payments for point in payment.points]
    for start in range(0, len(points), 500):
        body = json.dumps({"Ys": points[start : start + 500]}).encode()
        answer = web.fetch(port, "/v1/checkstate", "POST", {"Content-Type": "application/json"}, body)
        assert answer.status == 200, answer.body
        states |= {one["Y"]: one["state"] for one in answer.json["states"]}
    found = {}
    for payment in payments:
        of = {states[point] for point in payment.points}
        assert of != {"SPENT", "UNSPENT"}, f"half of payment {payment.id} is spent"
        found[payment.id] = Money.HELD if "PENDING" in of else Money.LEFT if "SPENT" in of else Money.GOOD
    return found


def dollar_money(chain: Chain, payments: list[Payment]) -> dict[str, Money]:
    """Asks the chain for every transfer to the seller. A payer who was charged twice fails the count here."""
    topics = [TRANSFER, None, topic(PAY_TO)]
    asked = {"fromBlock": "0x0", "toBlock": "latest", "address": USDC, "topics": topics}
    paid: dict[str, int] = {}
    for log in chain.rpc("eth_getLogs", asked):
        payer = "0x" + log["topics"][1][-40:]
        paid[payer] = paid.get(payer, 0) + int(log["data"], 16)
    for payment in payments:
        assert paid.get(payment.payer, 0) in (
            0,
            payment.amount,
        ), f"{payment.payer} paid {paid[payment.payer]}"
    return {payment.id: Money.LEFT if paid.get(payment.payer) else Money.GOOD for payment in payments}

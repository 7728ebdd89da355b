"""The sum afterwards: what left the payers is granted or recorded as stuck, and no use was served that is not accounted for."""

import collections
import dataclasses

from .payments import Money, Payment

GRANTED = {"settled", "accepted"}
OPEN = {"reserved", "settling", "unknown", "stuck"}


@dataclasses.dataclass
class Audit:
    """Counts of payments; `faults` says in words what does not add up."""

    payments: int = 0
    granted: int = 0
    good: int = 0
    stuck: int = 0
    redelivered: int = 0
    lost: int = 0
    doubled: int = 0
    sums: dict[str, collections.Counter] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(collections.Counter)
    )
    faults: list[str] = dataclasses.field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.faults)

    def line(self, kills: int) -> str:
        return (
            f"kills {kills} payments {self.payments} granted {self.granted} redelivered {self.redelivered} "
            f"stuck {self.stuck} lost {self.lost} doubled {self.doubled}"
        )


def audit(
    payments: list[Payment], money: dict[str, Money], rows: list[dict], again: list[dict], gone: list[dict]
) -> Audit:
    """`rows`: the ledger's payments; `again`: its redelivered uses; `gone`: its stuck ones; `money`: the counterparts' word."""
    made = Audit(payments=len(payments))
    book = {row["id"]: row for row in rows}
    redelivered = collections.Counter(use["payment"] for use in again)
    lost_uses = collections.Counter(use["payment"] for use in gone)
    for payment in payments:
        row = book.get(payment.id)
        state = row["state"] if row else None
        granted = state in GRANTED and row["grant"] is not None
        # A grant whose money is not fetched is not stuck for the payer: he has what he paid for.
        stuck = state in OPEN and not granted
        where = money[payment.id]
        sums = made.sums["dollars" if payment.payer else "ecash"]
        sums["paid"] += payment.amount * (where is Money.LEFT)
        sums["held"] += payment.amount * (where is Money.HELD)
        sums["granted"] += payment.amount * granted
        sums["good"] += payment.amount * (where is Money.GOOD and not granted and not stuck)
        sums["stuck"] += payment.amount * stuck
        made.granted += granted
        made.stuck += stuck or (granted and bool(lost_uses[payment.id]))
        made.good += where is Money.GOOD and not granted and not stuck
        made.redelivered += redelivered[payment.id]
        extra = payment.served - 1 - redelivered[payment.id]
        made.doubled += max(0, extra)
        fault = None
        if where is not Money.GOOD and not granted and not stuck:
            made.lost += 1
            fault = "the money left and bought nothing"
        elif granted and not payment.served and not lost_uses[payment.id]:
            made.lost += 1
            fault = "granted, never served, and not listed"
        elif granted and where is Money.GOOD and state == "settled":
            fault = "granted, and the payer still has the money"
        elif granted and row["value"] != payment.amount:
            fault = f"the book says {row['value']} of {payment.amount}"
        elif payment.served and not granted:
            fault = "served without a grant"
        elif extra > 0:
            fault = f"served {extra} times more than granted and redelivered"
        elif set(payment.statuses) & {400, 409}:
            fault = "refused as if the payer were at fault"
        if fault:
            made.faults.append(
                f"{payment.kind} {payment.id}: {fault} (row {state}, money {where.value}, "
                f"served {payment.served}, answers {payment.statuses})"
            )
    for kind, sums in made.sums.items():
        # Held by the mint: recorded as stuck, or as granted on trust and not yet fetched.
        left = sums["granted"] + sums["stuck"] + sums["good"]
        total = sum(one.amount for one in payments if bool(one.payer) == (kind == "dollars"))
        if left != total:
            made.faults.append(f"{kind}: granted, stuck and good make {left} of {total}")
    return made

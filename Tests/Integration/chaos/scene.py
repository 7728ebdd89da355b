"""The stage of a storm: a mint, a chain with its facilitator, and one or two Turnpikes on one store."""

import itertools
import json
import pathlib
import random

from counterparts import web
from counterparts.chain import Chain, Facilitator
from counterparts.locks import Issuer
from counterparts.mint import Mint, Wallet
from counterparts.payer import Signers
from counterparts.postgres import Postgres
from counterparts.processes import wait_until
from counterparts.tokens import request
from counterparts.turnpike import Turnpike, x402

from .payments import SAT_PRICE, USD_PRICE, Money, Payment, dollar_money, dollars, ecash, ecash_money

KINDS = ("online", "offline", "dollars")
ROUTES = [
    {"path": "/paid/**", "price": {"sat": SAT_PRICE}, "pass": {"uses": 1}},
    {"path": "/usd/**", "price": {"usd": USD_PRICE}, "pass": {"uses": 1}},
    {"path": "/free/**", "access": "free"},
]
UNSETTLED = ("reserved", "settling", "unknown")


class Scene:
    """`payments(n)` buys, `ask` presents one payment to a living replica, `book()` is what the ledger says."""

    def __init__(self, folder: pathlib.Path, kinds=KINDS, replicas: int = 1, on_postgres: bool = False):
        self.folder = folder
        self.kinds = kinds
        self.mint = Mint(folder / "mint").begin()
        self.postgres = Postgres(folder / "postgres").begin() if on_postgres else None
        self.chain = Chain(folder / "chain").begin()
        self.signers = Signers(folder / "payers")
        self.chain.await_ready()
        self.facilitator = Facilitator(folder / "facilitator", self.chain).start()
        self.mint.await_ready()
        payments: dict = {}
        if "dollars" in kinds:
            payments["x402"] = x402(self.facilitator.url, self.chain.url, timeout="5s")
        if "offline" in kinds:
            payments["cashu"] = {
                "offline": "preferred",
                "mints": [{"url": self.mint.url, "exposure": 10_000_000}],
                "redeem": {"proofs": 20, "every": "1s"},
            }
        routes = [one for one in ROUTES if "usd" not in one.get("price", {}) or "dollars" in kinds]
        shared = {"routes": routes, "payments": payments, "deadline": "5s", "keys": str(folder / "keys")}
        if self.postgres:
            self.postgres.await_ready()
            shared["store"] = self.postgres.database()
        else:
            shared["store"] = f"sqlite:{folder / 'turnpike.db'}"
        self.gates = [
            Turnpike(folder / name, [self.mint.url], name=name, **shared)
            for name in ("first", "second")[:replicas]
        ]
        for gate in self.gates:
            gate.start()

    def stop(self) -> None:
        for gate in self.gates:
            if gate.process:
                gate.kill()
        self.facilitator.stop()
        self.signers.stop()
        self.chain.stop()
        self.mint.stop()
        if self.postgres:
            self.postgres.stop()

    def payments(self, count: int) -> list[Payment]:
        """So many, of all kinds in turn."""
        each = {kind: len(range(n, count, len(self.kinds))) for n, kind in enumerate(self.kinds)}
        made: dict[str, list[Payment]] = {}
        gate = self.gates[0]
        if "online" in each:
            wallet = Wallet(self.mint.url, self.folder / "wallet")
            made["online"] = [ecash(token, "online") for token in wallet.tokens(SAT_PRICE, each["online"])]
            wallet.stop()
        if "offline" in each:
            key = request(gate.ask("/paid/x").header("x-cashu"))["nut10"]["d"]
            bought = Issuer(self.mint.port).locked(key, SAT_PRICE, each["offline"])
            made["offline"] = [ecash(token, "offline") for token in bought]
        if "dollars" in each:
            payers = self.signers.accounts(each["dollars"])
            self.chain.mint([payer.address for payer in payers], 10**6)
            made["dollars"] = [dollars(payer, gate.ask("/usd/x")) for payer in payers]
        turns = itertools.zip_longest(*(made[kind] for kind in self.kinds))
        return [payment for turn in turns for payment in turn if payment]

    def ask(self, payment: Payment, chance: random.Random) -> int:
        return chance.choice(self.gates).ask(payment.path, payment.headers, timeout=20).status

    def money(self, payments: list[Payment]) -> dict[str, Money]:
        found = ecash_money(self.mint.port, [one for one in payments if one.is_ecash])
        return found | dollar_money(self.chain, [one for one in payments if not one.is_ecash])

    def listed(self, *words: str) -> list[dict]:
        gate = self.gates[0]
        words = ("ledger", "list", "--config", str(gate.config_file), "--json", "--limit", "100000", *words)
        done = gate.command(*words, seconds=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def is_quiet(self, payments: list[Payment]) -> bool:
        """Nothing is under way or waits to be fetched, but for what the mint holds for ever (a swap it died in)."""
        states = (*UNSETTLED, "accepted") if "offline" in self.kinds else UNSETTLED
        waiting = {row["id"] for state in states for row in self.listed("--state", state)}
        if not waiting:
            return True
        money = ecash_money(self.mint.port, [one for one in payments if one.is_ecash])
        held = {id for id, where in money.items() if where is Money.HELD}
        ours = {one.id for one in payments}
        # What is neither of a payer is a transfer of the treasury's; it waits only with what it transfers.
        return waiting & ours <= held and (waiting <= ours or bool(held))

    def await_quiet(self, payments: list[Payment], seconds: float) -> bool:
        try:
            return wait_until(lambda: self.is_quiet(payments), "everything is settled", seconds, 1)
        except AssertionError:
            return False

    def reconcile(self) -> str:
        """Empty when `ledger reconcile` finds everything accounted for; else what it says."""
        gate = self.gates[0]
        done = gate.command("ledger", "reconcile", "--config", str(gate.config_file), seconds=60)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def await_answers(self) -> None:
        def up() -> bool:
            try:
                return all(gate.ask("/free/x", timeout=5).status == 200 for gate in self.gates)
            except (OSError, web.Closed):
                return False

        wait_until(up, "every replica answers", 60)

"""Lightning without a node: invoices that a mint is paid for, and payouts to a Lightning address."""

import http.server
import json
import re
import threading
import urllib.parse

import pytest
from counterparts import web
from counterparts.mint import Mint, Wallet
from counterparts.processes import wait_until
from counterparts.turnpike import Turnpike

ROUTES = [
    {"path": "/five/**", "price": {"sat": 10}, "pass": {"uses": 5}},
    {"path": "/paid/**", "price": {"sat": 10}, "pass": {"uses": 1}},
]


@pytest.fixture(scope="module")
def mint(tmp_path_factory):
    """Its fake Lightning wallet finds every invoice paid half a second after it was made."""
    made = Mint(tmp_path_factory.mktemp("mint"), fee_ppk=100, FAKEWALLET_DELAY_INCOMING_PAYMENT="0.5").start()
    yield made
    made.stop()


def selling(lone, mint: Mint, **changes) -> Turnpike:
    cashu = {"lightning": {"mint": mint.url}, **changes}
    return lone([mint.url], routes=ROUTES, payments={"cashu": cashu})


def order(gate: Turnpike) -> str:
    """A fresh invoice's address at the public API."""
    answer = web.fetch(
        gate.ports["public"], "/v1/invoices?url=http://localhost/five/x", "POST", {}, b"", timeout=10
    )
    assert answer.status == 201, answer.body
    assert answer.json["invoice"].startswith("lnbc100n1")
    return re.sub(r"^https?://[^/]+", "", answer.header("location"))


def bought(gate: Turnpike, where: str) -> dict:
    """The pass, once the invoice is paid and minted."""

    def paid():
        answer = web.fetch(gate.ports["public"], where, timeout=10)
        assert answer.json["state"] in ("open", "settling", "paid"), answer.body
        return answer.json["state"] == "paid" and answer

    return {"Turnpike-Pass": wait_until(paid, "the invoice is paid", 60, every=0.5).json["pass"]["pass"]}


def held(gate: Turnpike) -> int:
    done = gate.command("treasury", "balance", "--config", str(gate.config_file), "--json")
    assert done.returncode == 0, done.stderr
    totals = json.loads(done.stdout)["totals"]
    return totals[0]["amount"] if totals else 0


def reconciles(gate: Turnpike) -> None:
    done = gate.command("ledger", "reconcile", "--config", str(gate.config_file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_paid_invoices_are_minted_and_give_a_pass_each(lone, mint):
    gate = selling(lone, mint).start()
    places = [order(gate) for _ in range(3)]
    passes = [bought(gate, where) for where in places]
    assert len({given["Turnpike-Pass"] for given in passes}) == 3
    assert [gate.ask("/five/x", passes[0]).status for _ in range(6)] == [200] * 5 + [402]
    assert held(gate) == 30
    reconciles(gate)


@pytest.mark.parametrize("point", ["reserved", "sending", "settled", "concluded"])
def test_a_paid_invoice_survives_a_gate_that_is_killed(lone, mint, point):
    gate = selling(lone, mint)
    gate.start(TURNPIKE_CRASH_AT=point)
    where = order(gate)
    wait_until(lambda: not gate.running, f"the gate dies at {point}", 30)
    gate.start()
    assert gate.ask("/five/x", bought(gate, where)).status == 200
    assert held(gate) == 10
    reconciles(gate)


def test_an_invoice_is_paid_while_no_gate_runs(lone, mint):
    gate = selling(lone, mint).start()
    where = order(gate)
    gate.kill()
    gate.start()
    assert gate.ask("/five/x", bought(gate, where)).status == 200


class Payee:
    """A Lightning address (LUD-16) whose invoices a mint makes; it remembers what it was asked for."""

    def __init__(self, mint: Mint, beside: int = 0):
        self.asked: list[int] = []
        payee = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                if url.path == "/.well-known/lnurlp/shop":
                    answer = {
                        "tag": "payRequest",
                        "callback": f"http://127.0.0.1:{payee.port}/invoice?for=shop",
                        "minSendable": 1000,
                        "maxSendable": 10**9,
                        "metadata": "[]",
                    }
                else:
                    amount = int(urllib.parse.parse_qs(url.query)["amount"][0]) // 1000
                    payee.asked.append(amount)
                    quote = web.fetch(
                        mint.port,
                        "/v1/mint/quote/bolt11",
                        "POST",
                        [("Content-Type", "application/json")],
                        json.dumps({"amount": amount + beside, "unit": "sat"}).encode(),
                    )
                    answer = {"pr": quote.json["request"], "routes": []}
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"shop@127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("beside", [0, 1])
def test_what_is_above_the_threshold_is_paid_out_if_the_invoice_is_over_what_was_asked(
    lone, mint, tmp_path, beside
):
    other = Mint(tmp_path / "other", FAKEWALLET_DELAY_INCOMING_PAYMENT="1").start()
    payee = Payee(other, beside)
    wallet = Wallet(mint.url, tmp_path / "wallet")
    gate = selling(lone, mint, payout={"above": 100, "keep": 40, "to": payee.address, "maxFeePercent": 5})
    try:
        gate.start()
        for token in wallet.tokens(20, 8):
            assert gate.ask("/paid/x", {"X-Cashu": token}).status == 200
        before = held(gate)
        # The first look is at the start.
        gate.stop()
        gate.start()
        wait_until(lambda: payee.asked, "the payee is asked for an invoice", 30)
        assert payee.asked[0] == before - 40 - 10
        if beside:
            wait_until(lambda: "payout" in gate.log or "invoice" in gate.log, "the failure is logged", 30)
            assert held(gate) == before
        else:
            wait_until(lambda: 40 <= held(gate) < before - payee.asked[0] + 1, "the payout", 30, every=0.5)
        assert len(payee.asked) == 1
        reconciles(gate)
    finally:
        gate.stop()
        wallet.stop()
        payee.stop()
        other.stop()

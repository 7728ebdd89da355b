"""The operator's money: exported to a stock wallet, paid over Lightning, found again from the seed, kept through crashes."""

import dataclasses
import json
import shutil
import subprocess
import time

import pytest
from counterparts import web
from counterparts.mint import Mint, Wallet
from counterparts.processes import free_port, wait_until
from counterparts.turnpike import Turnpike, binary

EARNED = 10  # a payment each


def told(done, code: int = 0):
    """What a command with --json printed."""
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def treasury(gate: Turnpike, *words: str):
    return gate.command("treasury", *words, "--config", str(gate.config_file), seconds=90)


def held(gate: Turnpike) -> int:
    totals = told(treasury(gate, "balance", "--json"))["totals"]
    return totals[0]["amount"] if totals else 0


def earn(gate: Turnpike, wallet: Wallet, payments: int) -> int:
    """Has the gate paid that often, and tells what it holds then."""
    for token in wallet.tokens(EARNED, payments):
        assert gate.ask("/paid/x", {"X-Cashu": token}).status == 200
    return held(gate)


def invoice(mint: Mint, amount: int) -> str:
    answer = web.fetch(
        mint.port,
        "/v1/mint/quote/bolt11",
        "POST",
        [("Content-Type", "application/json")],
        json.dumps({"amount": amount, "unit": "sat"}).encode(),
    )
    return answer.json["request"]


def reconciles(gate: Turnpike) -> None:
    done = gate.command("ledger", "reconcile", "--config", str(gate.config_file))
    assert done.returncode == 0, done.stdout + done.stderr


@dataclasses.dataclass
class Till:
    """The mint whose ecash is earned, and the wallet of those who pay with it."""

    mint: Mint
    wallet: Wallet


@pytest.fixture(scope="module")
def till(tmp_path_factory):
    folder = tmp_path_factory.mktemp("till")
    mint = Mint(folder / "mint", fee_ppk=100).start()
    wallet = Wallet(mint.url, folder / "wallet")
    yield Till(mint, wallet)
    wallet.stop()
    mint.stop()


@pytest.fixture(scope="module")
def payee(tmp_path_factory):
    """A mint whose invoices others pay: it believes them paid only after a second, so nobody is first."""
    mint = Mint(tmp_path_factory.mktemp("payee"), FAKEWALLET_DELAY_INCOMING_PAYMENT="1").start()
    yield mint
    mint.stop()


def test_an_exported_token_is_taken_by_a_stock_wallet_and_printed_again(till, lone):
    gate = lone([till.mint.url]).start()
    before = earn(gate, till.wallet, 5)
    exported = told(treasury(gate, "export", "--amount", "21", "--json"))
    assert exported["amount"] == 21 and exported["unit"] == "sat"
    assert exported["token"].startswith("cashuB")
    again = told(treasury(gate, "export", "--again", exported["transfer"], "--json"))
    assert again["token"] == exported["token"]
    assert held(gate) == before - 21 - exported["fee"]
    till.wallet.redeem(exported["token"])
    with pytest.raises(RuntimeError):
        till.wallet.redeem(exported["token"])
    reconciles(gate)


def test_an_export_of_more_than_is_held_says_so_and_changes_nothing(till, lone):
    gate = lone([till.mint.url]).start()
    before = earn(gate, till.wallet, 1)
    assert "holds" in told(treasury(gate, "export", "--amount", "100000"), code=1)
    assert "not among the configured" in told(
        treasury(gate, "export", "--amount", "1", "--mint", "http://127.0.0.1:1"), code=1
    )
    assert treasury(gate, "export", "--amount", "0").returncode == 64
    assert held(gate) == before


def test_an_invoice_of_another_mint_is_paid_once_and_the_change_comes_back(till, lone, payee):
    gate = lone([till.mint.url]).start()
    before = earn(gate, till.wallet, 10)
    request = invoice(payee, 32)
    paid = told(treasury(gate, "pay", request, "--json"))
    assert paid["amount"] == 32
    assert held(gate) == before - 32 - paid["fee"]
    assert treasury(gate, "pay", request).returncode == 1
    assert held(gate) == before - 32 - paid["fee"]
    assert "no Lightning invoice" in told(treasury(gate, "pay", "lnbc1qqqq"), code=1)
    rows = told(treasury(gate, "transfers", "--json"))
    assert [(row["kind"], row["state"], row["left"], row["fee"]) for row in rows] == [
        ("melt", "settled", 32, paid["fee"])
    ]
    reconciles(gate)


def test_an_empty_store_gets_the_same_balance_back_from_the_seed(till, lone, payee, tmp_path):
    gate = lone([till.mint.url]).start()
    earn(gate, till.wallet, 6)
    told(treasury(gate, "pay", invoice(payee, 16), "--json"))
    exported = told(treasury(gate, "export", "--amount", "5", "--json"))
    till.wallet.redeem(exported["token"])
    before = held(gate)
    gate.stop()
    other = Turnpike(tmp_path / "restored", [till.mint.url])
    other.write_config()
    shutil.copytree(gate.folder / "keys", other.folder / "keys")
    added = sum(row["added"] for row in told(treasury(other, "restore", "--json")))
    assert added == before == held(other)
    assert sum(row["added"] for row in told(treasury(other, "restore", "--json"))) == 0
    # Its next outputs are new ones, so that it can go on earning and paying.
    with other.start():
        earn(other, till.wallet, 1)
        told(treasury(other, "export", "--amount", "3", "--json"))
        reconciles(other)


def test_a_mint_that_does_not_answer_has_not_said_that_there_is_nothing_to_restore(tmp_path):
    gate = Turnpike(tmp_path, [f"http://127.0.0.1:{free_port()}"])
    gate.write_config()
    done = treasury(gate, "restore")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("after", [0.2, 2.0])
def test_a_mint_that_is_killed_during_a_payment_costs_nothing_but_time(tmp_path, payee, after):
    mint = Mint(tmp_path / "mint", fee_ppk=100, FAKEWALLET_DELAY_OUTGOING_PAYMENT="4").start()
    wallet = Wallet(mint.url, tmp_path / "wallet")
    gate = Turnpike(tmp_path / "gate", [mint.url]).start()
    try:
        before = earn(gate, wallet, 10)
        words = ["treasury", "pay", invoice(payee, 32), "--config", str(gate.config_file)]
        process = subprocess.Popen([str(binary()), *words], cwd=gate.folder)
        time.sleep(after)
        mint.kill()
        code = process.wait(60)
        assert code in (1, 75)
        mint.start()
        row = wait_until(
            lambda: (rows := told(treasury(gate, "transfers", "--json"))) == []
            or rows[0]["state"] == "settled",
            "the payment's end is found out",
            seconds=60,
            every=0.5,
        )
        assert row
        rows = told(treasury(gate, "transfers", "--json"))
        spent = sum(row["left"] + row["fee"] for row in rows)
        assert held(gate) == before - spent
        assert spent == 0 or rows[0]["left"] == 32
        reconciles(gate)
    finally:
        gate.stop()
        wallet.stop()
        mint.stop()


CRASH_POINTS = ["reserved", "sending", "settled", "concluded"]


def killed(gate: Turnpike, point: str, *words: str) -> list[dict]:
    """The transfers, once the one that was killed at `point` has an end: by the process that serves, or none at all."""
    gate.environment = {"TURNPIKE_CRASH_AT": point}
    done = treasury(gate, *words)
    gate.environment = {}
    assert done.returncode == -9 and done.stdout == ""

    def ended():
        rows = told(treasury(gate, "transfers", "--json"))
        return [rows] if all(row["state"] == "settled" for row in rows) else None

    return wait_until(ended, "the transfer's end", seconds=60, every=0.5)[0]


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_an_export_that_is_killed_is_finished_by_the_process_that_serves(till, lone, point):
    gate = lone([till.mint.url]).start()
    before = earn(gate, till.wallet, 5)
    # Not to be made of eights and ones, so that it takes a swap.
    rows = killed(gate, point, "export", "--amount", "15")
    if point in ("settled", "concluded"):
        assert len(rows) == 1
    if not rows:
        assert held(gate) == before
    else:
        again = told(treasury(gate, "export", "--again", rows[0]["transfer"], "--json"))
        assert again["amount"] == 15
        till.wallet.redeem(again["token"])
        assert held(gate) == before - 15 - rows[0]["fee"]
    reconciles(gate)


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_payment_that_is_killed_is_finished_by_the_process_that_serves(till, lone, payee, point):
    gate = lone([till.mint.url]).start()
    before = earn(gate, till.wallet, 5)
    rows = killed(gate, point, "pay", invoice(payee, 16))
    # Up to the call nothing was paid; behind it, it was, and its change is ours.
    assert [row["left"] for row in rows] == ([] if point in ("reserved", "sending") else [16])
    assert held(gate) == before - sum(row["left"] + row["fee"] for row in rows)
    reconciles(gate)


def test_the_seed_is_shown_only_when_asked_for(till, lone):
    gate = lone([till.mint.url]).start()
    shown = treasury(gate, "seed", "--show")
    hidden = treasury(gate, "seed")
    assert shown.returncode == hidden.returncode == 0
    assert "Secret" in shown.stderr
    words = [word for word in shown.stdout.split() if word.isalpha()]
    assert len(words) in (12, 24) or len(shown.stdout.strip()) == 128
    assert not any(word in hidden.stdout.split() for word in words)
    assert "fingerprint" in hidden.stdout

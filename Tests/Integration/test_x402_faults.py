"""A facilitator that fails before or after the money moved: nobody pays twice, nobody is served for nothing.

The catalogue of x402conf (R0-R24), as far as it holds for a seller who settles upfront and does not see the app's answer:

| checks | where |
|---|---|
| R0, R1, R10, R17, R19, R22, R24 | test_x402.py and here: 402, our facilitator, receipt, caching, settle first, status, malformed |
| R2, R12, R20a, R20b | test_x402.py: one payment or one identifier, in parallel and again |
| R3-R9, R18 | here: FAULTS and `settlement_pending` |
| R11a, R11b, R11e | test_x402.py: other route, payee, asset, network, spelling of the path |
| R11c, R11d | here: routes by method; Turnpike prices no query |
| R13 | test_replicas.py |
| R14, R23 | here and test_x402.py: killed between settlement and answer; client gone |
| R16, R16a | test_x402.py: HEAD |
| R11f (sign-in-with-x), R15 (settle after a 2xx) | wait for the gateway, which sees the app's answer |
"""

import json

import pytest
from counterparts import web
from counterparts.chain import NETWORK
from counterparts.hostile import MODES, PATIENCE_SECONDS, HostileFacilitator
from counterparts.payer import as_v1, as_v2, receipt, required
from counterparts.processes import wait_until
from counterparts.proxies import Envoy
from counterparts.scripted_facilitator import (
    bad_gateway,
    bad_gateway_after,
    failed_after,
    invalid,
    not_json,
    pending,
    refused,
    truncated,
    unavailable_with_success,
)
from counterparts.scripted_mint import after, drop, drop_after, garbage, slow, status
from counterparts.turnpike import DOLLAR_ROUTES, x402

FAKE = {"success": True, "transaction": "0x" + "ab" * 32, "network": NETWORK, "payer": "0x" + "11" * 20}
# What /settle does the first time → whether the money has moved then.
FAULTS = {
    "it hangs up": (drop(), False),
    "it hangs up after it has settled": (drop_after(), True),
    "it says 502 in HTML": (bad_gateway(), False),
    "it says 502 in HTML after it has settled": (bad_gateway_after(), True),
    "it says 503 with the body of a success": (unavailable_with_success(), True),
    "it says 503 with the body of a success that was none": (status(503, json.dumps(FAKE).encode()), False),
    "it says 200 in prose after it has settled": (not_json(), True),
    "it says 200 with garbage": (garbage(), False),
    "its answer is cut off": (truncated(), True),
    "it says pending": (pending(), True),
    "it says invalid_transaction_state": (refused("invalid_transaction_state", "0x" + "cd" * 32), False),
    "it says transaction_failed after it has settled": (failed_after("transaction_failed"), True),
    "it says a word that nobody knows after it has settled": (failed_after("moon_in_the_wrong_house"), True),
    "it is too slow": (slow(4), True),
    "it redirects": (status(302, b""), False),
    "it says 200 with nothing": (status(200, b""), False),
    "it sends a flood": (status(200, b'{"success":true,"transaction":"' + b"a" * 9_000_000 + b'"}'), False),
}


@pytest.fixture
def dollars(lone, moody, bank):
    """Makes a gate whose facilitator does as it is told."""

    def make(name: str | None = None, rpc: str | None = bank.chain.url, **changes):
        section = x402(moody.url, rpc, timeout="2s")
        return lone(name=name, payments={"x402": section, "cashu": None}, routes=DOLLAR_ROUTES, **changes)

    return make


def final(ask, seconds: float = 90) -> web.Answer:
    return wait_until(lambda: (answer := ask()).status != 503 and answer, "an answer", seconds, 0.5)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_settlement_gone_wrong_is_never_charged_twice_and_never_lost(dollars, moody, bank, fault):
    behaviour, moved = FAULTS[fault]
    gate = dollars().start()
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    moody.on = {"/settle": [behaviour]}
    first = gate.ask("/usd/x", payment)
    assert first.status in (200, 402, 503), first.body
    if first.status == 503:
        assert int(first.header("retry-after")) >= 1
        assert first.json["payment"]
    if first.status == 200:
        assert bank.settled(payer) == 1, "served, and the money has not moved"
    if first.status == 402:
        assert not moved, "money moved, and a fresh payment is asked for"
        assert bank.settled(payer) == 0
        return
    again = final(lambda: gate.ask("/usd/x", payment))
    assert (first.status, again.status) in ((200, 402), (503, 200)), again.body
    if again.status == 200:
        assert receipt(again)["success"] is True
        assert gate.ask("/usd/x", payment).status == 402
    assert bank.settled(payer) == 1


@pytest.mark.parametrize(
    "fault", ["it hangs up after it has settled", "it says 502 in HTML after it has settled"]
)
def test_without_a_node_to_ask_a_lost_answer_is_never_a_402(dollars, moody, bank, fault):
    gate = dollars(rpc=None).start()
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    moody.on = {"/settle": FAULTS[fault][0]}
    first = gate.ask("/usd/x", payment)
    assert first.status == 503 and first.json["payment"], first.body
    assert gate.ask("/usd/x", payment).status == 503
    rows = gate.ledger()
    assert [row["state"] for row in rows] in (["stuck"], ["unknown"]), "it is shown"
    assert bank.settled(payer) == 1


def test_a_verification_that_refuses_costs_nothing_and_its_reason_is_told(dollars, moody, bank):
    gate = dollars().start()
    payer = bank.payer()
    moody.on = {"/verify": [invalid("insufficient_funds")]}
    answer = gate.ask("/usd/x", as_v2(payer.v2(required(gate.ask("/usd/x")))))
    assert (answer.status, answer.json["reason"]) == (402, "insufficient_funds")
    assert moody.settles == 0


def test_a_facilitator_that_is_away_costs_503_only_those_who_pay(dollars, moody, bank):
    gate = dollars().start()
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    moody.everything(drop())
    refusal = gate.ask("/usd/x", payment)
    assert refusal.status == 503 and refusal.header("retry-after")
    assert gate.ask("/free/x").status == 200
    assert gate.ask("/usd/x").status == 402
    assert gate.ready()
    moody.honest()
    assert final(lambda: gate.ask("/usd/x", payment)).status == 200
    assert bank.settled(payer) == 1


def test_a_facilitator_that_is_away_at_the_start_does_not_stop_the_gate(dollars, moody, bank):
    moody.everything(drop())
    gate = dollars().start()
    assert gate.ask("/free/x").status == 200
    assert gate.ask("/usd/x").status == 402
    moody.honest()
    payer = bank.payer()
    assert final(lambda: gate.ask("/usd/x", as_v2(payer.v2(required(gate.ask("/usd/x")))))).status == 200


def test_a_pending_settlement_is_served_once_when_it_is_final(dollars, moody, bank):
    """R18: the chain holds the transaction back for a while."""
    gate = dollars().start()
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    bank.chain.rpc("test_hold", 6)
    first = gate.ask("/usd/x", payment)
    assert first.status in (200, 503)
    if first.status == 503:
        assert first.json["payment"]
        assert final(lambda: gate.ask("/usd/x", payment)).status == 200
    assert gate.ask("/usd/x", payment).status == 402
    assert bank.settled(payer) == 1


def test_a_node_that_rests_while_a_settlement_is_looked_up_is_waited_for(dollars, moody, bank):
    gate = dollars().start()
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))

    def rest(_code: int, _body: bytes) -> tuple[int, bytes]:
        bank.chain.rpc("test_deaf", 3)
        return 502, b""

    moody.on = {"/settle": [after(rest)]}
    first = gate.ask("/usd/x", payment)
    answer = final(lambda: gate.ask("/usd/x", payment))
    assert (first.status, answer.status) in ((503, 200), (200, 402))
    bank.chain.rpc("test_deaf", 0)
    assert bank.settled(payer) == 1


@pytest.mark.parametrize("point", ["verified", "reserved", "sending", "settled", "concluded"])
def test_a_crash_around_the_settlement_settles_once_and_serves_once(dollars, moody, bank, point):
    """R14."""
    gate = dollars().start(TURNPIKE_CRASH_AT=point)
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    with pytest.raises((web.Closed, OSError)):
        gate.ask("/usd/x", payment)
    wait_until(lambda: not gate.running, "the process ends at its crash point", seconds=20)
    gate.start()
    assert final(lambda: gate.ask("/usd/x", payment)).status == 200
    assert final(lambda: gate.ask("/usd/x", payment)).status == 402
    assert bank.settled(payer) == 1


@pytest.mark.parametrize("point", ["verified", "reserved", "sending"])
def test_without_a_node_a_crash_before_the_answer_sends_the_same_payment_again(dollars, moody, bank, point):
    gate = dollars(rpc=None).start(TURNPIKE_CRASH_AT=point)
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    with pytest.raises((web.Closed, OSError)):
        gate.ask("/usd/x", payment)
    wait_until(lambda: not gate.running, "the process ends at its crash point", seconds=20)
    gate.start()
    assert final(lambda: gate.ask("/usd/x", payment)).status == 200
    assert bank.settled(payer) == 1


def test_without_a_node_a_crash_after_the_money_moved_is_never_a_402(dollars, moody, bank):
    """The stock facilitator does not know its own settlement again: an operator has to look."""
    gate = dollars(rpc=None).start(TURNPIKE_CRASH_AT="settled")
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    with pytest.raises((web.Closed, OSError)):
        gate.ask("/usd/x", payment)
    wait_until(lambda: not gate.running, "the process ends at its crash point", seconds=20)
    gate.start()
    wait_until(lambda: moody.settles > 1, "the same payment is sent again", seconds=20)
    assert gate.ask("/usd/x", payment).status == 503
    assert bank.settled(payer) == 1


@pytest.mark.parametrize("point", ["delivering", "answered"])
def test_a_crash_in_delivery_repeats_at_most_that_use_and_lists_it(dollars, bank, point):
    gate = dollars().start(TURNPIKE_CRASH_AT=point)
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    try:
        before = gate.ask("/usd/x", payment).status
    except (web.Closed, OSError):
        before = None
    wait_until(lambda: not gate.running, "the process ends at its crash point", seconds=20)
    gate.start()
    after = final(lambda: gate.ask("/usd/x", payment)).status
    if after == 200:
        assert gate.ledger("redelivered"), "a repeated use is listed"
    else:
        assert (before, after) == (200, 402)
    assert bank.settled(payer) == 1


def test_the_facilitator_is_killed_in_the_middle_and_the_payment_survives(lone, bank, tmp_path):
    from counterparts.chain import Facilitator

    mine = Facilitator(tmp_path / "facilitator", bank.chain).start()
    gate = lone(
        payments={"x402": x402(mine.url, bank.chain.url), "cashu": None}, routes=DOLLAR_ROUTES
    ).start()
    payer = bank.payer()
    payment = as_v2(payer.v2(required(gate.ask("/usd/x"))))
    try:
        bank.chain.rpc("test_hold", 3)
        connection = web.Connection(gate.ports["proxy"])
        from counterparts.proxies import SECRET
        from counterparts.turnpike import dialect

        question = dialect("/caddy", "GET", "/usd/x", "localhost", SECRET)
        connection.send(web.head("GET", "/caddy", [*question, *payment.items()]))
        wait_until(
            lambda: [row for row in gate.ledger("settling")], "the settlement is under way", seconds=10
        )
        mine.kill()
        mine.start()
        first = connection.answer().status
        connection.close()
        assert first in (200, 503)
        if first == 503:
            assert final(lambda: gate.ask("/usd/x", payment)).status == 200
        assert final(lambda: gate.ask("/usd/x", payment)).status == 402
        assert bank.settled(payer) == 1
    finally:
        mine.stop()


def test_the_app_runs_after_the_settlement_and_not_before(dollars, moody, bank, stage, tmp_path):
    """R19: a payment that is refused at /settle never reaches the app."""
    gate = dollars().start()
    door = Envoy(tmp_path / "envoy", stage.app.port, gate.ports["proxy"], gate.ports["grpc"]).start()
    try:
        stage.app.forget()
        payer = bank.payer()
        moody.on = {"/settle": [refused("insufficient_funds")]}
        refusal = door.fetch("/usd/x", headers=as_v2(payer.v2(required(door.fetch("/usd/x")))))
        assert refusal.status in (402, 503) and stage.app.seen == []
        assert bank.settled(payer) == 0
        assert payer.buy(door.url + "/usd/x").last.status == 200
        assert len(stage.app.seen) == 1
    finally:
        door.stop()


def test_a_route_by_method_asks_the_price_of_the_method(lone, bank):
    """R11c."""
    routes = [
        {"path": "/doc/**", "methods": ["GET"], "price": {"usd": "0.01"}, "pass": {"uses": 1}},
        {"path": "/doc/**", "methods": ["POST"], "price": {"usd": "0.02"}, "pass": {"uses": 1}},
    ]
    gate = lone(
        payments={"x402": x402(bank.facilitator.url, bank.chain.url), "cashu": None}, routes=routes
    ).start()
    payer = bank.payer()
    cheap = as_v2(payer.v2(required(gate.ask("/doc/x"))))
    answer = gate.ask("/doc/x", cheap, method="POST")
    assert answer.status == 400 and answer.json["reason"] in ("wrong_amount", "too_little")
    assert bank.settled(payer) == 0
    assert gate.ask("/doc/x", cheap).status == 200


@pytest.mark.parametrize("node", ["with a node", "without a node"])
@pytest.mark.parametrize("mode", MODES)
def test_the_stock_client_pays_a_hostile_facilitator_once_and_gets_its_page(
    lone, bank, stage, tmp_path, mode, node
):
    """hostile-facilitator's battery, by a client that starts afresh three times; the SDK's own seller passes 3 of 10."""
    hostile = HostileFacilitator(tmp_path / "hostile", mode).start()
    rpc = bank.chain.url if node == "with a node" else None
    section = x402(hostile.url, rpc, timeout=f"{PATIENCE_SECONDS}s")
    gate = lone(payments={"x402": section, "cashu": None}, routes=DOLLAR_ROUTES).start()
    door = Envoy(tmp_path / "envoy", stage.app.port, gate.ports["proxy"], gate.ports["grpc"]).start()
    try:
        stage.app.forget()
        bought = bank.signers.account().buy(door.url + "/usd/x", tries=3)
        assert hostile.verdict() == 1, [answer.status for answer in bought.answers]
        assert bought.last.status == 200, [(answer.status, answer.body) for answer in bought.answers]
        assert len(stage.app.seen) == 1
    finally:
        door.stop()
        hostile.stop()


def test_v1_settlements_are_looked_up_too(dollars, moody, bank):
    gate = dollars().start()
    payer = bank.payer()
    payment = as_v1(payer.v1(gate.ask("/usd/x").json))
    moody.on = {"/settle": [drop_after()]}
    first = gate.ask("/usd/x", payment)
    assert first.status in (200, 503)
    if first.status == 503:
        answer = final(lambda: gate.ask("/usd/x", payment))
        assert answer.status == 200
    assert bank.settled(payer) == 1

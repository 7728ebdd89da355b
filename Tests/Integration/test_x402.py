"""Dollars: the stock client pays unmodified, each payment buys once, and what is not a payment is refused by its own code."""

import concurrent.futures
import subprocess
import time

import pytest
from counterparts import web
from counterparts.chain import NETWORK, PAY_TO, USDC, X402_PYTHON
from counterparts.payer import as_v1, as_v2, decoded, encoded, of_calldata, receipt, required
from counterparts.processes import wait_until
from counterparts.proxies import Caddy, Traefik


def at_once(ask, count: int) -> list:
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def final(ask) -> web.Answer:
    """The answer when it is no longer 503."""
    return wait_until(lambda: (answer := ask()).status != 503 and answer, "an answer", 60, 0.5)


def test_the_stock_client_pays_and_gets_its_page_with_a_receipt(dollar_door, app, bank):
    payer = bank.payer()
    bought = payer.buy(dollar_door.url + "/usd/report?q=1")
    assert bought.last.status == 200, bought.last.body
    paid = receipt(bought.last)
    assert paid["success"] is True and paid["network"] == NETWORK
    assert paid["payer"].lower() == payer.address.lower()
    assert bank.chain.rpc("eth_getTransactionReceipt", paid["transaction"])["status"] == "0x1"
    assert len(bought.payments) == 1 and bank.settled(payer) == 1
    assert len(app.seen) == 1
    seen = app.seen[0]["headers"]
    assert seen["x-payment-verified"] and seen["x-payment-amount"]
    assert seen["x-user-id"].lower() == payer.address.lower()
    assert not {"payment-signature", "x-payment"} & set(seen), "the app saw the payment"


@pytest.mark.parametrize("kind", [Traefik, Caddy])
def test_dollars_pass_the_proxies_that_hand_no_receipt_on_too(dollar_gate, stage, bank, tmp_path, kind):
    payer = bank.payer()
    door = kind(
        tmp_path / kind.name, stage.app.port, dollar_gate.ports["proxy"], dollar_gate.ports["grpc"]
    ).start()
    stage.app.forget()  # how it was found ready
    try:
        payment = as_v2(payer.v2(required(door.fetch("/usd/x"))))
        answer = door.fetch("/usd/x", headers=payment | {"X-User-ID": "admin"})
        assert answer.status == 200, answer.body
        assert "no-store" in ", ".join(answer.all("cache-control"))
        assert door.fetch("/usd/x", headers=payment).status in (402, 409)
    finally:
        door.stop()
    (seen,) = stage.app.seen
    assert seen["headers"]["x-user-id"].lower() == payer.address.lower()
    assert not {"payment-signature", "x-payment"} & set(seen["headers"]), "the app saw the payment"


def test_a_v1_payload_pays(dollar_door, app, bank):
    payer = bank.payer()
    asked = dollar_door.fetch("/usd/x")
    offer = asked.json["accepts"][0]
    assert asked.json["x402Version"] == 1
    assert (offer["network"], offer["maxAmountRequired"]) == ("base-sepolia", "10000")
    answer = dollar_door.fetch("/usd/x", headers=as_v1(payer.v1(asked.json)))
    assert answer.status == 200, answer.body
    assert receipt(answer)["success"] is True
    assert answer.header("x-payment-response")
    assert len(app.seen) == 1 and bank.settled(payer) == 1


def test_one_402_carries_every_way_to_pay_in_less_than_3_kilobytes(dollar_door, stage):
    answer = dollar_door.fetch("/both/x")
    assert answer.status == 402
    assert required(answer)["x402Version"] == 2
    assert answer.json["x402Version"] == 1 and answer.json["accepts"]
    assert answer.header("x-cashu").startswith("creqA")
    assert any(one.startswith("Cashu") for one in answer.all("www-authenticate"))
    assert sum(len(name) + len(value) + 4 for name, value in answer.headers) < 3 * 1024


def test_the_offer_is_what_the_configuration_says(dollar_gate):
    offer = required(dollar_gate.ask("/usd-two/x"))["accepts"][0]
    assert (offer["scheme"], offer["network"], offer["amount"]) == ("exact", NETWORK, "20000")
    assert (offer["asset"].lower(), offer["payTo"].lower()) == (USDC.lower(), PAY_TO.lower())
    assert (offer["extra"]["name"], offer["extra"]["version"]) == ("USDC", "2")
    assert offer["extra"]["paymentFlow"] == "upfront"


def test_x402conf_passes_on_the_402(dollar_door):
    done = subprocess.run(
        [X402_PYTHON.parent / "x402conf", "resource", dollar_door.url + "/usd/x", "--fail-on-error"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_x402conf_passes_on_ecash_and_dollars_together(dollar_door):
    command = [X402_PYTHON.parent / "x402conf", "resource", dollar_door.url + "/both/x", "--fail-on-error"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_of_10_parallel_requests_with_one_payment_one_is_served_by_one_transaction(dollar_door, app, bank):
    payer = bank.payer()
    payment = as_v2(payer.v2(required(dollar_door.fetch("/usd/x"))))
    before = bank.chain.writes
    statuses = at_once(lambda _: dollar_door.fetch("/usd/x", headers=payment).status, 10)
    assert statuses.count(200) == 1, statuses
    assert set(statuses) <= {200, 402, 503}
    assert len(app.seen) == 1
    assert bank.settled(payer) == 1
    assert bank.chain.writes - before == 1, "one transaction, reverted ones counted"
    assert final(lambda: dollar_door.fetch("/usd/x", headers=payment)).status == 402


def test_three_uses_are_served_three_times_to_whoever_gives_the_secret_back(dollar_gate, bank):
    payer = bank.payer()
    payment = as_v2(payer.v2(required(dollar_gate.ask("/usd-three/x"))))
    statuses = [dollar_gate.ask("/usd-three/x", payment).status for _ in range(4)]
    assert statuses == [200, 200, 200, 402]
    assert bank.settled(payer) == 1


@pytest.mark.parametrize("path", ["/usd-three/x", "/usd-hour/x"])
def test_a_payment_rebuilt_from_calldata_gets_no_use_and_no_pass(dollar_gate, bank, path):
    payer = bank.payer()
    paid = dollar_gate.ask(path, as_v2(payer.v2(required(dollar_gate.ask(path)))))
    assert paid.status == 200
    offer = required(dollar_gate.ask(path))["accepts"][0]
    without = offer | {"extra": {key: offer["extra"][key] for key in ("name", "version", "paymentFlow")}}
    for wanted in (offer, without):
        rebuilt = of_calldata(bank.chain, receipt(paid)["transaction"], wanted)
        answer = dollar_gate.ask(path, as_v2(rebuilt))
        assert answer.status in (402, 409), answer.body
        assert not answer.header("turnpike-pass") and not answer.header("set-cookie")
        old = {"x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": rebuilt["payload"]}
        answer = dollar_gate.ask(path, as_v1(old))
        assert answer.status in (402, 409), answer.body
        assert not answer.header("turnpike-pass")
        by_api = web.fetch(
            dollar_gate.ports["public"], f"/v1/passes?url=http://localhost{path}", "POST", as_v2(rebuilt), b""
        )
        assert by_api.status in (402, 409), by_api.body
        assert b"tp1." not in by_api.body
    assert bank.settled(payer) == 1


def test_a_v1_payment_gets_its_rest_through_the_pass_only(dollar_gate, bank):
    payer = bank.payer()
    payment = as_v1(payer.v1(dollar_gate.ask("/usd-three/x").json))
    first = dollar_gate.ask("/usd-three/x", payment)
    assert first.status == 200
    assert dollar_gate.ask("/usd-three/x", payment).status in (402, 409)
    given = first.header("turnpike-pass")
    assert given, "a payment with uses left comes with its pass"
    statuses = [dollar_gate.ask("/usd-three/x", {"Turnpike-Pass": given}).status for _ in range(3)]
    assert statuses == [200, 200, 402]


def changed(payment: dict, *path_and_value) -> dict:
    """A copy with one member, reached by its path, replaced."""
    *path, value = path_and_value
    if not path:
        return value
    return payment | {path[0]: changed(payment.get(path[0], {}), *path[1:], value)}


NOW = int(time.time())
OTHER = "0x" + "33" * 20
# What is wrong → (status, reason codes that say so, the payment)
REFUSALS = {
    "too little": (400, {"wrong_amount", "too_little"}, lambda p, r: p.v2(r, value=9999)),
    "too much": (400, {"wrong_amount"}, lambda p, r: p.v2(r, value=10001)),
    "to somebody else": (400, {"wrong_payee"}, lambda p, r: p.v2(r, to=OTHER)),
    "over already": (402, {"expired"}, lambda p, r: p.v2(r, validBefore=NOW - 100)),
    "over in two seconds": (402, {"expired"}, lambda p, r: p.v2(r, validBefore=int(time.time()) + 2)),
    "not yet good": (402, {"invalid"}, lambda p, r: p.v2(r, validAfter=NOW + 3600)),
    "signed for another chain": (402, {"invalid"}, lambda p, r: p.v2(r, chain=1)),
    "signed for another token": (402, {"invalid"}, lambda p, r: p.v2(r, domain={"verifyingContract": OTHER})),
    "signed under another name": (402, {"invalid"}, lambda p, r: p.v2(r, domain={"name": "USD Coin"})),
    "another payer's": (
        402,
        {"invalid"},
        lambda p, r: changed(p.v2(r), "payload", "authorization", "from", OTHER),
    ),
    "another nonce": (
        402,
        {"invalid"},
        lambda p, r: changed(p.v2(r), "payload", "authorization", "nonce", "0x" + "11" * 32),
    ),
    "a short nonce": (
        400,
        {"malformed"},
        lambda p, r: changed(p.v2(r), "payload", "authorization", "nonce", "0x12"),
    ),
    "a short signature": (
        {400, 402},
        {"malformed", "invalid"},
        lambda p, r: changed(p.v2(r), "payload", "signature", "0x00"),
    ),
    "for another network": (
        400,
        {"wrong_network"},
        lambda p, r: changed(p.v2(r), "accepted", "network", "eip155:1"),
    ),
    "in another token": (400, {"wrong_asset"}, lambda p, r: changed(p.v2(r), "accepted", "asset", OTHER)),
    "by its own price": (
        400,
        {"wrong_amount", "too_little"},
        lambda p, r: changed(p.v2(r, value=1), "accepted", "amount", "1"),
    ),
    "of another scheme": (400, {"wrong_scheme"}, lambda p, r: changed(p.v2(r), "accepted", "scheme", "upto")),
    "in another flow": (
        400,
        {"malformed", "wrong_scheme"},
        lambda p, r: changed(p.v2(r), "accepted", "extra", "paymentFlow", "authorization"),
    ),
    "of version 3": (400, {"malformed", "wrong_scheme"}, lambda p, r: p.v2(r) | {"x402Version": 3}),
    "without a payload": (400, {"malformed"}, lambda p, r: p.v2(r) | {"payload": {}}),
}


@pytest.mark.parametrize("wrong", REFUSALS)
def test_what_is_no_payment_is_refused_before_anybody_is_asked(dollar_gate, bank, wrong):
    status, reasons, make = REFUSALS[wrong]
    payer = bank.payer()
    payment = make(payer, required(dollar_gate.ask("/usd/x")))
    answer = dollar_gate.ask("/usd/x", as_v2(payment))
    assert answer.status in (status if isinstance(status, set) else {status}), answer.body
    assert answer.json["reason"] in reasons
    assert bank.settled(payer) == 0


@pytest.mark.parametrize(
    "text", ["%%%", "e30=", "", "bm90IGpzb24=", "W10=", encoded({"x402Version": 2}), "A" * 40_000]
)
@pytest.mark.parametrize("field", ["PAYMENT-SIGNATURE", "X-PAYMENT"])
def test_a_malformed_payment_header_is_400_and_nothing_breaks(dollar_gate, field, text):
    """R24."""
    answer = dollar_gate.ask("/usd/x", {field: text})
    assert answer.status == (402 if text == "" else 400), answer.body
    assert dollar_gate.ask("/free/x").status == 200


def test_two_payments_in_one_request_are_refused(dollar_gate, bank):
    payer = bank.payer()
    asked = dollar_gate.ask("/usd/x")
    both = as_v2(payer.v2(required(asked))) | as_v1(payer.v1(asked.json))
    answer = dollar_gate.ask("/usd/x", both)
    assert (answer.status, answer.json["reason"]) == (400, "two_offers")
    assert bank.settled(payer) == 0


def test_a_payer_without_money_is_402_and_may_pay_again(dollar_gate, bank):
    payer = bank.signers.account()
    answer = dollar_gate.ask("/usd/x", as_v2(payer.v2(required(dollar_gate.ask("/usd/x")))))
    assert answer.status == 402
    assert answer.json["reason"] == "insufficient_funds"
    bank.chain.mint(payer.address)
    assert dollar_gate.ask("/usd/x", as_v2(payer.v2(required(dollar_gate.ask("/usd/x"))))).status == 200


def test_a_payment_for_one_route_buys_nothing_on_another(dollar_gate, bank):
    """R11a: a payment bought for /usd is 409 on /usd-hour, which asks the same price."""
    payer = bank.payer()
    payment = as_v2(payer.v2(required(dollar_gate.ask("/usd/x"))))
    assert dollar_gate.ask("/usd/x", payment).status == 200
    answer = dollar_gate.ask("/usd-hour/x", payment)
    assert (answer.status, answer.json["reason"]) == (409, "other_route")
    dear = dollar_gate.ask("/usd-two/x", as_v2(payer.v2(required(dollar_gate.ask("/usd/x")))))
    assert dear.status == 400 and dear.json["reason"] in ("wrong_amount", "too_little")
    assert bank.settled(payer) == 1


IDENTIFIER = "payment-identifier"


def named(asked: dict, name: str) -> dict:
    extension = asked["extensions"][IDENTIFIER]
    return {IDENTIFIER: extension | {"info": extension["info"] | {"id": name}}}


def test_the_same_identifier_and_payment_are_charged_once(dollar_gate, bank):
    """R12, R20b: in parallel, and again."""
    payer = bank.payer()
    asked = required(dollar_gate.ask("/usd/x"))
    payment = as_v2(payer.v2(asked, named(asked, f"purchase-{payer.address}")))
    statuses = at_once(lambda _: dollar_gate.ask("/usd/x", payment).status, 8)
    assert statuses.count(200) == 1, statuses
    assert bank.settled(payer) == 1


def test_the_same_identifier_with_another_payment_is_409(dollar_gate, bank):
    """R20a: a client that signs afresh for the same purchase is not charged again."""
    payer = bank.payer()
    asked = required(dollar_gate.ask("/usd/x"))
    extensions = named(asked, f"purchase-{payer.address}")
    assert dollar_gate.ask("/usd/x", as_v2(payer.v2(asked, extensions))).status == 200
    again = dollar_gate.ask("/usd/x", as_v2(payer.v2(asked, extensions)))
    assert again.status == 409, again.body
    assert bank.settled(payer) == 1


def test_a_head_request_is_neither_charged_nor_free(dollar_door, app, bank):
    """R16."""
    payer = bank.payer()
    assert dollar_door.fetch("/usd/x", "HEAD").status == 402
    payment = as_v2(payer.v2(required(dollar_door.fetch("/usd/x"))))
    assert dollar_door.fetch("/usd/x", "HEAD", payment).status == 402
    assert app.seen == [] and bank.settled(payer) == 0
    assert dollar_door.fetch("/usd/x", headers=payment).status == 200


def test_the_paid_answer_keeps_the_apps_own_status(dollar_door, bank):
    """R22."""
    payer = bank.payer()
    bought = payer.buy(dollar_door.url + "/usd/status/201", method="POST", body="x")
    assert bought.last.status == 201
    assert receipt(bought.last)["success"] is True


def test_a_paid_answer_is_not_for_shared_caches(dollar_door, bank):
    """R17."""
    payer = bank.payer()
    bought = payer.buy(dollar_door.url + "/usd/x")
    said = ", ".join(bought.last.all("cache-control")).lower()  # auth_request adds to the app's own
    assert "no-store" in said or "private" in said


def test_another_spelling_of_the_path_is_the_same_route(dollar_door, bank, app):
    """R11e: what Turnpike prices is what the app gets."""
    for path in ("/usd%2Fx", "/%75sd/x", "//usd/x", "/free/../usd/x"):
        app.forget()
        assert dollar_door.fetch(path).status in (400, 402, 403), path
        assert app.seen == []


def test_a_client_that_goes_away_during_the_settlement_is_not_charged_again(dollar_door, bank):
    """R23."""
    payer = bank.payer()
    payment = as_v2(payer.v2(required(dollar_door.fetch("/usd/x"))))
    bank.chain.rpc("test_hold", 1.5)
    connection = dollar_door.connect()
    connection.send(web.head("GET", "/usd/x", payment))
    time.sleep(0.6)
    connection.close()
    answer = final(lambda: dollar_door.fetch("/usd/x", headers=payment))
    assert answer.status in (200, 402)
    assert bank.settled(payer) == 1


def test_a_payment_by_pass_top_up_adds_to_the_pass(dollar_gate, bank):
    payer = bank.payer()
    public = dollar_gate.ports["public"]

    def exchange(headers) -> web.Answer:
        return web.fetch(public, "/v1/passes?url=http://localhost/usd-three/x", "POST", headers, b"")

    asked = exchange({})
    assert asked.status == 402
    made = exchange(as_v2(payer.v2(required(asked))))
    assert made.status == 200, made.body
    assert made.json["remaining"]["uses"] == 3
    more = exchange(as_v2(payer.v2(required(asked))) | {"Turnpike-Pass": made.json["pass"]})
    assert more.json["pass"] == made.json["pass"]
    assert more.json["remaining"]["uses"] == 6
    assert decoded(more.header("payment-response"))["success"] is True
    assert bank.settled(payer) == 2

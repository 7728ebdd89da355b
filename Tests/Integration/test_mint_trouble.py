"""A mint that is down, slow, mad, or dies in the middle: 503 with Retry-After, nothing lost, and the token passes later."""

import pytest
from counterparts import tokens
from counterparts.mint import Mint, Wallet
from counterparts.processes import wait_until
from counterparts.scripted_mint import RATE_LIMITED, drop, drop_after, garbage, slow, status, status_after

TROUBLES = {
    "it hangs up": drop(),
    "it hangs up after it has swapped": drop_after(),
    "it answers garbage": garbage(),
    "it says 429": RATE_LIMITED,
    "it says 500": status(500),
    "it says 500 after it has swapped": status_after(500),
    "it says 502 in HTML": status(502, b"<html>bad gateway</html>"),
    "it says 200 with nothing": status(200, b""),
    "it says 200 with other JSON": status(200, b'{"signatures":[]}'),
    "it says 400 with a code nobody knows": status(400, b'{"detail":"?","code":99999}'),
    "it says pending": status(400, b'{"detail":"proofs are pending","code":11002}'),
    "it says 422": status(422, b'{"detail":[{"msg":"field required"}]}'),
    "it sends a flood": status(200, b'{"signatures":[' + b"0," * 4_000_000 + b"0]}"),
    "it redirects": status(302, b""),
}


def passes_later(gate, token: str) -> None:
    """The same token is served once the mint is back, and once only."""
    answer = wait_until(
        lambda: (again := gate.ask("/paid/x", {"X-Cashu": token})).status != 503 and again,
        "the token passes when the mint is back",
        seconds=90,
        every=0.5,
    )
    assert answer.status == 200
    assert gate.ask("/paid/x", {"X-Cashu": token}).status == 402


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_mint_that_misbehaves_in_a_swap_costs_a_503_and_no_money(lone, scripted, scripted_purse, trouble):
    gate = lone([scripted.url]).start()
    free_of = scripted_purse.token(10)
    assert gate.ask("/paid/x", {"X-Cashu": free_of}).status == 200
    token = scripted_purse.token(10)
    scripted.on = {"/v1/swap": TROUBLES[trouble], "/v1/restore": drop(), "/v1/checkstate": drop()}
    answer = gate.ask("/paid/x", {"X-Cashu": token})
    assert answer.status == 503
    assert int(answer.header("retry-after")) >= 1
    assert answer.json["reason"] in ("unknown", "outage", "in_flight", "mint_budget")
    assert gate.ask("/free/x").status == 200
    assert gate.ask("/paid/x").status == 402
    scripted.honest()
    passes_later(gate, token)


def test_a_mint_that_is_down_from_the_start_stops_no_free_route_and_no_pass(
    lone, scripted, scripted_purse, stage
):
    token = scripted_purse.token(10)
    gate = lone([scripted.url])
    scripted.everything(drop())
    gate.begin()
    wait_until(lambda: gate.ready(), "it decides without its mint", seconds=30)
    assert gate.ask("/free/x").status == 200
    assert gate.ask("/paid/x").status in (402, 503)
    assert gate.ask("/paid/x", {"X-Cashu": token}).status == 503
    scripted.honest()
    passes_later(gate, token)


def test_a_time_pass_goes_on_while_the_mint_is_down(lone, scripted, scripted_purse):
    gate = lone([scripted.url]).start()
    given = gate.ask("/hour/x", {"X-Cashu": scripted_purse.token(100)}).header("turnpike-pass")
    scripted.everything(drop())
    for _ in range(5):
        assert gate.ask("/hour/y", {"Turnpike-Pass": given}).status == 200


def test_a_slow_mint_is_waited_for(lone, scripted, scripted_purse):
    gate = lone([scripted.url]).start()
    scripted.on = {"/v1/swap": slow(3)}
    assert gate.ask("/paid/x", {"X-Cashu": scripted_purse.token(10)}).status == 200


def test_a_mint_that_lies_about_its_signatures_is_not_believed(lone, scripted, scripted_purse, stage):
    """Signatures of another swap: right in form, wrong in DLEQ."""
    gate = lone([scripted.url]).start()
    token = scripted_purse.token(8)
    lie = b'{"signatures":[{"id":"00ad268c4d1f5826","amount":8,"C_":"02' + b"ab" * 32 + b'"}]}'
    scripted.on = {"/v1/swap": status(200, lie), "/v1/restore": drop(), "/v1/checkstate": drop()}
    gate.config["routes"] = [{"path": "/paid/**", "price": {"sat": 8}, "pass": {"uses": 1}}]
    gate.stop()
    gate.start()
    assert gate.ask("/paid/x", {"X-Cashu": token}).status == 503
    scripted.honest()
    passes_later(gate, token)


def test_one_sick_mint_does_not_touch_another(lone, scripted, scripted_purse, stage):
    gate = lone([scripted.url, stage.foreign_mint.url]).start()
    sick = scripted_purse.token(10)
    scripted.everything(drop())
    assert gate.ask("/paid/x", {"X-Cashu": sick}).status == 503
    assert gate.ask("/paid/x", {"X-Cashu": stage.foreign_wallet.token(10)}).status == 200


@pytest.mark.parametrize("fee_ppk", [0, 100, 1000])
def test_a_price_is_a_face_value_whatever_the_mints_fee(lone, tmp_path, fee_ppk):
    mint = Mint(tmp_path / "mint", fee_ppk=fee_ppk).start()
    wallet = Wallet(mint.url, tmp_path / "wallet")
    try:
        gate = lone([mint.url]).start()
        # Two proofs of 1000 ppk cost 2 sat of 10: a fifth, the most that is borne.
        assert gate.ask("/paid/x", {"X-Cashu": wallet.token(10)}).status == 200
        if fee_ppk == 1000:
            shredded = gate.ask("/paid/x", {"X-Cashu": wallet.token(10, split=[1] * 10)})
            assert shredded.status == 400
            assert shredded.json["reason"] == "fee_too_high"
    finally:
        wallet.stop()
        mint.stop()


def test_several_mints_are_accepted_and_named_in_the_request(lone, stage):
    gate = lone([stage.mint.url, stage.foreign_mint.url]).start()
    asked = tokens.request(gate.ask("/paid/x").header("x-cashu"))
    assert sorted(asked["m"]) == sorted([stage.mint.url, stage.foreign_mint.url])
    assert gate.ask("/paid/x", {"X-Cashu": stage.wallet.token(10)}).status == 200
    assert gate.ask("/paid/x", {"X-Cashu": stage.foreign_wallet.token(10)}).status == 200


STOCK = {
    "cashu": {"requestsPerMinute": 20, "perAddressPerMinute": 5}
}  # a stock mint takes 20 a minute


def test_tokens_without_proof_have_a_budget_and_tokens_with_it_do_not_starve(lone, scripted, scripted_purse):
    gate = lone([scripted.url], payments=STOCK).start()
    unproven = [tokens.without_dleq(tokens.forged(scripted_purse.token(10))) for _ in range(20)]
    answers = [
        gate.ask("/paid/x", {"X-Cashu": token}, client=f"192.0.2.{n}") for n, token in enumerate(unproven)
    ]
    assert {answer.status for answer in answers} <= {402, 503}
    assert "mint_budget" in [answer.json["reason"] for answer in answers]
    assert scripted.calls["/v1/swap"] <= 5
    assert gate.ask("/paid/x", {"X-Cashu": scripted_purse.token(10)}, client="192.0.2.99").status == 200


def test_one_address_cannot_use_up_a_mints_budget(lone, scripted, scripted_purse):
    gate = lone([scripted.url], payments=STOCK).start()
    statuses = [
        gate.ask("/paid/x", {"X-Cashu": scripted_purse.token(10)}, client="192.0.2.1").status
        for _ in range(8)
    ]
    assert statuses.count(200) == 5
    assert statuses[-1] == 503
    assert gate.ask("/paid/x", {"X-Cashu": scripted_purse.token(10)}, client="192.0.2.2").status == 200


def test_proofs_that_a_killed_mint_leaves_pending_are_shown_as_stuck(lone, tmp_path):
    """The mint is killed in mid-swap until it leaves proofs PENDING for good; each payment ends served or visibly stuck."""
    import concurrent.futures
    import time

    mint = Mint(tmp_path / "mint").start()
    wallet = Wallet(mint.url, tmp_path / "wallet")
    bought = wallet.tokens(10, 16)
    wallet.stop()
    gate = lone([mint.url]).start()
    try:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            running = [
                pool.submit(lambda token=token: gate.ask("/paid/x", {"X-Cashu": token}).status)
                for token in bought
            ]
            time.sleep(0.15)
            mint.kill()
            statuses = [one.result() for one in running]
        assert set(statuses) <= {200, 503}
        mint.start()

        def all_told() -> bool:
            shown = len(gate.ledger("stuck"))
            now = [gate.ask("/paid/x", {"X-Cashu": token}).status for token in bought]
            return now.count(402) + shown >= len(bought) and now.count(503) <= shown

        wait_until(all_told, "every payment is served or stuck", seconds=150, every=2)
    finally:
        mint.stop()


def test_a_mint_killed_in_mid_swap_loses_no_payment(lone, tmp_path):
    mint = Mint(tmp_path / "mint").start()
    wallet = Wallet(mint.url, tmp_path / "wallet")
    token = wallet.token(10)
    wallet.stop()
    gate = lone([mint.url]).start()
    try:
        assert gate.ask("/free/x").status == 200
        mint.kill()
        assert gate.ask("/paid/x", {"X-Cashu": token}).status == 503
        mint.start()
        passes_later(gate, token)
    finally:
        mint.stop()

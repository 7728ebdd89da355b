"""Offline ecash through every proxy and every crash: served once, fetched from the mint afterwards. What a lock is worth: test_locks.py."""

import concurrent.futures

import pytest
from counterparts import tokens, web
from counterparts.locks import Issuer
from counterparts.mint import Mint
from counterparts.processes import wait_until
from counterparts.proxies import Envoy, Nginx

AT_ONCE = {"proofs": 1, "every": "1s"}


def offline(url: str, mode: str = "preferred", redeem: dict = AT_ONCE) -> dict:
    cashu = {"offline": mode, "mints": [{"url": url, "exposure": 1_000_000}], "redeem": redeem}
    return {"payments": {"cashu": cashu}}


class Buyer:
    """Buys tokens locked to one gate's key."""

    def __init__(self, mint: Mint, gate):
        self.issuer = Issuer(mint.port)
        self.key = tokens.request(gate.ask("/paid/x").header("x-cashu"))["nut10"]["d"]

    def token(self, amount: int = 16) -> str:
        return self.issuer.locked(self.key, amount, 1)[0]

    def is_spent(self, token: str) -> bool:
        return self.issuer.states(tokens.points(token)) == {"SPENT"}


def final(ask) -> web.Answer:
    return wait_until(lambda: (answer := ask()).status != 503 and answer, "an answer", 90, 0.5)


@pytest.fixture(scope="module")
def gate(stage, tmp_path_factory):
    from counterparts.turnpike import Turnpike

    made = Turnpike(tmp_path_factory.mktemp("offline"), **offline(stage.mint.url)).start()
    yield made
    made.stop()


@pytest.fixture(scope="module", params=[Envoy, Nginx], ids=lambda kind: kind.name)
def front(request, gate, stage, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param.name)
    made = request.param(folder, stage.app.port, gate.ports["proxy"], gate.ports["grpc"]).start()
    yield made
    made.stop()


def test_of_32_parallel_requests_with_one_locked_token_one_is_served(front, gate, app, stage):
    buyer = Buyer(stage.mint, gate)
    token = buyer.token(10)
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        statuses = list(
            pool.map(lambda _: front.fetch("/paid/x", headers={"X-Cashu": token}).status, range(32))
        )
    assert statuses.count(200) == 1, statuses
    assert set(statuses) <= {200, 402, 503}
    assert len(app.seen) == 1
    assert final(lambda: front.fetch("/paid/x", headers={"X-Cashu": token})).status == 402
    wait_until(lambda: buyer.is_spent(token), "the mint calls it spent", 60, 0.5)


@pytest.mark.parametrize("point", ["verified", "concluded"])
def test_a_crash_before_delivery_loses_nothing_and_serves_once(stage, lone, point):
    """An accepted token passes no other point: it is reserved and granted in one transaction, and nobody is asked."""
    gate = lone(**offline(stage.mint.url)).start()
    buyer = Buyer(stage.mint, gate)
    token = buyer.token()
    gate.stop()
    gate.start(TURNPIKE_CRASH_AT=point)
    with pytest.raises((web.Closed, OSError)):
        gate.ask("/paid/x", {"X-Cashu": token})
    wait_until(lambda: not gate.running, "the process ends at its crash point", seconds=20)
    gate.start()
    assert final(lambda: gate.ask("/paid/x", {"X-Cashu": token})).status == 200
    assert final(lambda: gate.ask("/paid/x", {"X-Cashu": token})).status == 402
    wait_until(lambda: buyer.is_spent(token), "the mint calls it spent", 60, 0.5)


def test_a_crash_while_a_batch_is_fetched_loses_no_proof(stage, lone):
    gate = lone(**offline(stage.mint.url, redeem={"proofs": 500, "every": "300s"})).start()
    buyer = Buyer(stage.mint, gate)
    bought = [buyer.token() for _ in range(5)]
    for token in bought:
        assert gate.ask("/paid/x", {"X-Cashu": token}).status == 200
    gate.stop()
    gate.config["payments"]["cashu"]["redeem"] = AT_ONCE
    gate.begin(TURNPIKE_CRASH_AT="sending")
    wait_until(lambda: not gate.running, "the process ends at its crash point", seconds=60)
    gate.start()
    for token in bought:
        wait_until(lambda token=token: buyer.is_spent(token), "the mint calls it spent", 120, 0.5)
        assert final(lambda token=token: gate.ask("/paid/x", {"X-Cashu": token})).status == 402
    wait_until(
        lambda: gate.command("ledger", "reconcile", "--config", str(gate.config_file)).returncode == 0,
        "everything is accounted for",
        90,
        1,
    )


def test_two_processes_on_one_store_take_a_locked_token_once(stage, lone):
    first = lone(name="first", **offline(stage.mint.url)).start()
    second = lone(
        name="second",
        keys=first.config["keys"],
        store=first.config["store"],
        **offline(stage.mint.url),
    ).start()
    buyer = Buyer(stage.mint, first)
    for _ in range(3):
        token = buyer.token()
        gates = [first, second] * 8
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            statuses = list(
                pool.map(lambda n, token=token: gates[n].ask("/paid/x", {"X-Cashu": token}).status, range(16))
            )
        assert statuses.count(200) == 1, statuses


def test_a_mint_that_is_killed_while_it_is_asked_for_a_batch_comes_back_to_the_same_sum(lone, tmp_path):
    mint = Mint(tmp_path / "mint").start()
    try:
        gate = lone(**offline(mint.url, redeem={"proofs": 500, "every": "1s"})).start()
        buyer = Buyer(mint, gate)
        bought = buyer.issuer.locked(buyer.key, 16, 20)
        for n, token in enumerate(bought):
            if n == 10:
                mint.kill()
            assert gate.ask("/paid/x", {"X-Cashu": token}).status == 200, "no payer waits for the mint"
        mint.start()

        def told() -> bool:
            shown = {row["id"] for row in gate.ledger("stuck") if row["kind"] == "payment"}
            return bool(shown) or all(buyer.is_spent(token) for token in bought)

        wait_until(told, "every token is fetched, or shown as stuck", 150, 1)
    finally:
        mint.stop()

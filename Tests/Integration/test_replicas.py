"""Two Turnpikes on one PostgreSQL behind one Envoy: what holds for one process holds for both."""

import concurrent.futures

import pytest
from counterparts import web
from counterparts.payer import as_v2, required
from counterparts.postgres import Postgres
from counterparts.processes import wait_until
from counterparts.proxies import Envoy
from counterparts.turnpike import DOLLAR_ROUTES, ROUTES, Turnpike, x402

MORE = [
    {"path": "/five/**", "price": {"sat": 10}, "pass": {"uses": 5}},
    {
        "path": "/taste/**",
        "price": {"sat": 10},
        "pass": {"uses": 1},
        "free": {"requests": 10, "per": "1h"},
    },
]


class Balanced(Envoy):
    """The example with both replicas in its cluster."""

    def __init__(self, folder, app: int, first: Turnpike, second: Turnpike, **how):
        self.second = second.ports["grpc"]
        super().__init__(folder, app, first.ports["proxy"], first.ports["grpc"], **how)

    def replacements(self):
        place = "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %s}}}}"
        both = ", ".join(place % port for port in (self.ports["grpc"], self.second))
        changes = super().replacements()
        del changes["port_value: 9001"]
        return {place % 9001: both, **changes}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("postgres")).start()
    yield server
    server.stop()


def replicas_of(postgres, folder, stage, bank) -> list[Turnpike]:
    """Two processes with one store and one directory of keys."""
    shared = {
        "store": postgres.database(),
        "keys": str(folder / "keys"),
        "routes": [*ROUTES, *MORE, *[route for route in DOLLAR_ROUTES if route["path"] != "/free/**"]],
        "payments": {"x402": x402(bank.facilitator.url, bank.chain.url)},
    }
    first = Turnpike(folder / "first", [stage.mint.url], name="first", **shared).start()
    second = Turnpike(folder / "second", [stage.mint.url], name="second", **shared).start()
    return [first, second]


@pytest.fixture(scope="module")
def replicas(postgres, stage, bank, tmp_path_factory):
    made = replicas_of(postgres, tmp_path_factory.mktemp("replicas"), stage, bank)
    yield made
    for gate in made:
        gate.stop()


@pytest.fixture(scope="module")
def balanced(replicas, stage, tmp_path_factory):
    door = Balanced(tmp_path_factory.mktemp("balanced"), stage.app.port, *replicas).start()
    wait_until(lambda: door.fetch("/free/x").status == 200, "envoy opens")
    yield door
    door.stop()


def at_once(ask, count: int) -> list:
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def final(ask) -> web.Answer:
    return wait_until(lambda: (answer := ask()).status != 503 and answer, "an answer", 90, 0.5)


def test_both_replicas_are_asked(balanced, replicas, stage):
    for _ in range(60):
        assert balanced.fetch("/free/x").status == 200
    for gate in replicas:
        counted = [value for name, value in gate.metrics().items() if "decision" in name and "free" in name]
        assert sum(counted) > 0


def test_of_32_parallel_requests_with_one_token_one_is_served(balanced, app, purse):
    for _ in range(3):
        app.forget()
        token = purse.token(10)
        statuses = at_once(
            lambda _, token=token: balanced.fetch("/paid/x", headers={"X-Cashu": token}).status, 32
        )
        assert statuses.count(200) == 1, statuses
        assert set(statuses) <= {200, 402, 503}
        assert len(app.seen) == 1
        assert final(lambda token=token: balanced.fetch("/paid/x", headers={"X-Cashu": token})).status == 402


def test_of_10_parallel_requests_with_one_dollar_payment_one_is_served_by_one_transaction(
    balanced, app, bank
):
    """R13."""
    payer = bank.payer()
    payment = as_v2(payer.v2(required(balanced.fetch("/usd/x"))))
    before = bank.chain.writes
    statuses = at_once(lambda _: balanced.fetch("/usd/x", headers=payment).status, 10)
    assert statuses.count(200) == 1, statuses
    assert len(app.seen) == 1
    assert bank.chain.writes - before == 1 and bank.settled(payer) == 1
    assert final(lambda: balanced.fetch("/usd/x", headers=payment)).status == 402


def test_the_stock_client_pays_through_both(balanced, bank):
    payer = bank.payer()
    for _ in range(4):
        assert payer.buy(balanced.url + "/usd/x").last.status == 200
    assert bank.settled(payer) == 4


def test_counted_passes_stay_exact(balanced, purse):
    bought = balanced.fetch("/five/x", headers={"X-Cashu": purse.token(10)})
    given = {"Turnpike-Pass": bought.header("turnpike-pass")}
    statuses = at_once(lambda _: balanced.fetch("/five/x", headers=given).status, 16)
    assert statuses.count(200) == 4, statuses


def test_a_pass_of_one_replica_opens_the_other_and_its_revocation_closes_both(replicas, purse):
    first, second = replicas
    bought = first.ask("/hour/x", {"X-Cashu": purse.token(100)})
    given = {"Turnpike-Pass": bought.header("turnpike-pass")}
    assert second.ask("/hour/x", given).status == 200
    import json

    words = ["--config", str(first.config_file)]
    id = json.loads(first.command("ledger", "list", *words, "--json", "--limit", "1").stdout)[0]["id"]
    assert second.command("ledger", "revoke", id, *words).returncode == 0
    for gate in replicas:
        wait_until(lambda gate=gate: gate.ask("/hour/x", given).status == 402, "revoked", seconds=15)


def test_a_free_quota_is_exact_over_both(balanced, replicas):
    gates = replicas * 10
    statuses = at_once(lambda n: gates[n].ask("/taste/x", client="192.0.2.77").status, 20)
    assert sorted(statuses) == [200] * 10 + [402] * 10


@pytest.mark.parametrize("point", ["reserved", "sending", "settled", "concluded"])
@pytest.mark.parametrize("money", ["ecash", "dollars"])
def test_what_one_replica_began_and_died_of_the_other_ends(postgres, stage, bank, tmp_path, point, money):
    """R14 across processes: the survivor takes the row over when its owner's lease has ended or it is known to be dead."""
    first, second = replicas_of(postgres, tmp_path, stage, bank)
    first.stop()
    first.start(TURNPIKE_CRASH_AT=point)
    try:
        payer = bank.payer()
        if money == "ecash":
            path, payment = "/paid/x", {"X-Cashu": stage.purse.token(10)}
        else:
            path, payment = "/usd/x", as_v2(payer.v2(required(second.ask("/usd/x"))))
        with pytest.raises((web.Closed, OSError)):
            first.ask(path, payment)
        wait_until(lambda: not first.running, "the process ends at its crash point", seconds=20)
        assert final(lambda: second.ask(path, payment)).status == 200
        assert final(lambda: second.ask(path, payment)).status == 402
        assert bank.settled(payer) == (1 if money == "dollars" else 0)
    finally:
        for gate in (first, second):
            if gate.running:
                gate.kill()


def test_a_database_that_goes_away_is_503_for_those_who_pay_and_comes_back(stage, bank, tmp_path):
    server = Postgres(tmp_path / "postgres").start()
    first, second = replicas_of(server, tmp_path, stage, bank)
    try:
        time_pass = first.ask("/hour/x", {"X-Cashu": stage.purse.token(100)}).header("turnpike-pass")
        assert time_pass
        server.kill()
        token = stage.purse.token(10)
        assert first.ask("/free/x").status == 200
        refused = first.ask("/paid/x", {"X-Cashu": token})
        assert refused.status == 503 and refused.header("retry-after")
        server.start()
        assert final(lambda: second.ask("/paid/x", {"X-Cashu": token})).status == 200
        assert final(lambda: first.ask("/paid/x", {"X-Cashu": token})).status == 402
    finally:
        for gate in (first, second):
            if gate.running:
                gate.kill()
        server.kill()

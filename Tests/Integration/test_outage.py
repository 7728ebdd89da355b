"""What clients see when Turnpike is away, slow, or away from its mint. Nothing of it ever opens a page."""

import signal
import time

import pytest
from counterparts.processes import wait_until
from counterparts.proxies import Caddy, Envoy, Nginx, Traefik
from counterparts.scripted_mint import drop

# What each proxy makes of a Turnpike that does not answer; Traefik has no setting for it.
AWAY = {"envoy": 503, "nginx": 503, "nginx-auth-request": 503, "traefik": 500, "caddy": 503}
FASTER = {  # the examples' 30 s, shortened so that a frozen gate is met in a test's time
    "envoy": {"timeout: 30s": "timeout: 1s"},
    "nginx": {},
    "traefik": {},
    "caddy": {"response_header_timeout 30s": "response_header_timeout 1s"},
}


@pytest.fixture(scope="module")
def lonely(stage, tmp_path_factory):
    """A gate that may be killed, and proxies of its own."""
    from counterparts.turnpike import Turnpike

    folder = tmp_path_factory.mktemp("lonely")
    gate = Turnpike(folder / "gate", [stage.mint.url]).start()
    doors = {}
    for kind in (Envoy, Nginx, Traefik, Caddy):
        doors[kind.name] = kind(
            folder / kind.name,
            stage.app.port,
            gate.ports["proxy"],
            gate.ports["grpc"],
            replace=FASTER[kind.name],
        ).begin()
    ask = folder / "nginx" / "ask.inc"
    ask.write_text(ask.read_text().replace("proxy_read_timeout 30s", "proxy_read_timeout 1s"))
    nginx = doors["nginx"]
    nginx.stop()
    nginx.start()
    for proxy in doors.values():
        proxy.await_ready()
    started = list(doors.values())
    doors["nginx-auth-request"] = nginx.by_auth_request
    yield gate, doors
    for proxy in started:
        proxy.stop()
    if gate.running:
        gate.kill()


def test_a_gate_that_is_gone_is_an_outage_and_its_return_is_noticed(lonely, stage):
    gate, doors = lonely
    for door in doors.values():
        wait_until(lambda door=door: door.fetch("/free/x").status == 200, f"{door.name} opens")
    gate.kill()
    stage.app.forget()
    for name, status in AWAY.items():
        for page in ("/free/x", "/paid/x"):
            answer = doors[name].fetch(page)
            assert answer.status == status, name
    assert stage.app.seen == []
    gate.start()
    for door in doors.values():
        wait_until(
            lambda door=door: door.fetch("/free/x").status == 200, f"{door.name} opens again", seconds=15
        )


def test_a_gate_that_hangs_is_an_outage_after_the_time_out(lonely, stage):
    gate, doors = lonely
    for door in doors.values():
        wait_until(lambda door=door: door.fetch("/free/x").status == 200, f"{door.name} opens")
    stage.app.forget()
    gate.process.freeze()
    try:
        for name in ("envoy", "nginx", "nginx-auth-request", "caddy"):  # Traefik waits for 30 s
            assert doors[name].fetch("/free/x").status == AWAY[name], name
            assert doors[name].fetch("/paid/x").status == AWAY[name], name
        assert stage.app.seen == []
    finally:
        gate.process.signal(signal.SIGCONT)
    for door in doors.values():
        wait_until(
            lambda door=door: door.fetch("/free/x").status == 200, f"{door.name} opens again", seconds=15
        )


def test_a_mint_outage_costs_503_only_those_who_offer_a_payment(
    stage, lone, scripted, scripted_purse, tmp_path
):
    gate = lone([scripted.url]).start()
    door = Envoy(tmp_path / "envoy", stage.app.port, gate.ports["proxy"], gate.ports["grpc"]).start()
    try:
        bought = door.fetch("/hour/x", headers={"X-Cashu": scripted_purse.token(100)})
        assert bought.status == 200
        token = scripted_purse.token(10)
        scripted.everything(drop())
        assert door.fetch("/free/x").status == 200
        assert door.fetch("/hour/y", headers={"Turnpike-Pass": bought.header("turnpike-pass")}).status == 200
        refused = door.fetch("/paid/x", headers={"X-Cashu": token})
        assert refused.status == 503 and refused.header("retry-after")
        assert door.fetch("/paid/x").status == 402
        assert gate.ready(), "it can decide, so it is ready"
        scripted.honest()
        answer = wait_until(
            lambda: (again := door.fetch("/paid/x", headers={"X-Cashu": token})).status != 503 and again,
            "the mint is noticed",
            seconds=60,
            every=0.5,
        )
        assert answer.status == 200
    finally:
        door.stop()


def test_failure_mode_allow_opens_no_page_while_turnpike_answers(
    stage, lone, scripted, scripted_purse, tmp_path
):
    token = scripted_purse.token(10)
    gate = lone([scripted.url]).start()
    door = Envoy(
        tmp_path / "envoy",
        stage.app.port,
        gate.ports["proxy"],
        gate.ports["grpc"],
        replace={"failure_mode_allow: false": "failure_mode_allow: true"},
    ).start()
    try:
        scripted.everything(drop())
        stage.app.forget()
        assert door.fetch("/paid/x", headers={"X-Cashu": token}).status == 503
        assert door.fetch("/paid/x").status == 402
        assert door.fetch("/nothing").status == 403
        assert stage.app.seen == []
    finally:
        door.stop()


def test_health_follows_the_drain(stage, lone):
    from counterparts.grpc_caller import GRPCCaller

    gate = lone([stage.mint.url]).start()
    with GRPCCaller(gate.ports["grpc"], "change-me-to-a-secret") as caller:
        assert caller.health() == 1
        assert caller.health("envoy.service.auth.v3.Authorization") == 1
    assert gate.admin("/livez").status == 200
    assert gate.admin("/readyz").status == 200


def test_an_outage_is_noticed_by_health_checks_before_a_client_is_hurt(lonely):
    gate, doors = lonely
    envoy = doors["envoy"]
    wait_until(lambda: envoy.fetch("/free/x").status == 200, "envoy opens")
    gate.stop()
    time.sleep(2.5)
    assert envoy.fetch("/free/x").status == 503
    gate.start()
    wait_until(lambda: envoy.fetch("/free/x").status == 200, "envoy opens again", seconds=15)

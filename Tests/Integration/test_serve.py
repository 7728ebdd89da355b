"""The program: its configuration, its signals, its commands, and what it tells its operator."""

import json
import re
import signal
import socket
import time

import pytest
import yaml
from counterparts import web
from counterparts.grpc_caller import GRPCCaller, outcome
from counterparts.processes import wait_until
from counterparts.proxies import SECRET
from counterparts.scripted_mint import slow
from counterparts.turnpike import dialect


def first_change(good: str, bad: str) -> int:
    """The number of the first line that differs, from 1."""
    return next(
        number
        for number, (one, other) in enumerate(zip(good.splitlines(), bad.splitlines()), 1)
        if one != other
    )


MISTAKES = {
    "a typo at the top": ("default: deny", "defualt: deny", "defualt"),
    "a typo in a listener": ("  admin:", "  admni:", "admni"),
    "a typo in a route": ("access: free", "acces: free", "acces"),
    "a typo in a mint": ("- url:", "- ulr:", "ulr"),
    "a value of the wrong kind": ("sat: 10", "sat: ten", "sat"),
    "a negative price": ("sat: 10", "sat: -1", "sat"),
    "an unknown access": ("access: free", "access: freee", "access"),
    "an unknown default": ("default: deny", "default: denny", "default"),
    "a port out of range": ("127.0.0.1:ADMIN", "127.0.0.1:99999", "admin"),
    "a deadline without a unit": ("deadline: 29s", "deadline: soon", "deadline"),
    "a store of no kind": ("store: sqlite:", "store: sqilte:", "store"),
    "a path that begins with nothing": ("path: /free/**", "path: free/**", "path"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_in_the_configuration_names_its_key_and_line(stage, lone, kind):
    old, new, key = MISTAKES[kind]
    gate = lone([stage.mint.url])
    good = yaml.safe_dump(gate.config, sort_keys=False)
    old = old.replace("ADMIN", str(gate.ports["admin"]))
    bad = good.replace(old, new, 1)
    assert bad != good
    gate.write_config(bad)
    for command in (["check", str(gate.config_file)], ["serve", "--config", str(gate.config_file)]):
        done = gate.command(*command)
        told = done.stderr + done.stdout
        assert done.returncode != 0, told
        assert key in told
        assert re.search(rf"\b{first_change(good, bad)}\b", told), told


@pytest.mark.parametrize(
    "text",
    ["", "listen: [", "- a\n- b\n", "listen: {proxy: 1}\nlisten: {proxy: 2}\n", "\x00\x01", "a: &x [*x]\n"],
)
def test_a_file_that_is_no_configuration_is_refused(stage, lone, text):
    gate = lone([stage.mint.url])
    gate.write_config(text)
    done = gate.command("check", str(gate.config_file))
    assert done.returncode != 0
    assert done.stderr.strip()


def test_a_file_that_is_not_there_is_named(lone):
    done = lone().command("serve", "--config", "/nowhere/turnpike.yaml")
    assert done.returncode != 0
    assert "/nowhere/turnpike.yaml" in done.stderr


def test_check_prints_the_configuration_in_force(stage, lone):
    gate = lone([stage.mint.url])
    done = gate.command("check", str(gate.write_config()))
    assert done.returncode == 0, done.stderr
    effective = yaml.safe_load(done.stdout)
    assert effective["default"] == "deny"
    assert stage.mint.url in done.stdout
    assert SECRET not in done.stdout


def test_version_and_help_say_what_they_should(lone):
    gate = lone()
    assert gate.command("version").returncode == 0
    for words in (
        ["--help"],
        ["serve", "--help"],
        ["check", "--help"],
        ["ledger", "list", "--help"],
        ["treasury", "balance", "--help"],
    ):
        done = gate.command(*words)
        assert done.returncode == 0 and "USAGE" in done.stdout.upper()
    assert gate.command("no-such-command").returncode != 0


def test_a_reload_brings_new_routes_and_drops_no_request(stage, lone):
    gate = lone([stage.mint.url]).start()
    assert gate.ask("/new/x").status == 403
    gate.config["routes"].append({"path": "/new/**", "access": "free"})
    with web.Connection(gate.ports["proxy"]) as connection:
        headers = dialect("/caddy", "GET", "/new/x", "localhost", SECRET)
        assert connection.request("GET", "/caddy", headers).status == 403
        gate.reload()
        wait_until(
            lambda: connection.request("GET", "/caddy", headers).status == 200,
            "the new route is served on the same connection",
            seconds=15,
        )


def test_a_bad_reload_keeps_the_old_configuration_and_says_so(stage, lone):
    gate = lone([stage.mint.url]).start()
    gate.config["routse"] = []
    gate.reload()
    wait_until(lambda: "routse" in gate.log, "the mistake is in the log", seconds=15)
    assert gate.running
    assert gate.ask("/free/x").status == 200
    assert gate.ask("/paid/x").status == 402


def test_a_pass_survives_a_reload_and_a_restart(stage, lone):
    gate = lone([stage.mint.url]).start()
    given = gate.ask("/hour/x", {"X-Cashu": stage.wallet.token(100)}).header("turnpike-pass")
    gate.reload()
    assert gate.ask("/hour/x", {"Turnpike-Pass": given}).status == 200
    gate.stop()
    gate.start()
    assert gate.ask("/hour/x", {"Turnpike-Pass": given}).status == 200


def test_a_spent_token_stays_spent_over_a_restart(stage, lone):
    gate = lone([stage.mint.url]).start()
    token = stage.wallet.token(10)
    assert gate.ask("/paid/x", {"X-Cashu": token}).status == 200
    assert gate.stop() == 0
    gate.start()
    assert gate.ask("/paid/x", {"X-Cashu": token}).status == 402


def test_a_stop_lets_open_questions_finish_and_exits_0(lone, scripted, scripted_purse):
    token = scripted_purse.token(10)
    gate = lone([scripted.url]).start()
    scripted.on = {"/v1/swap": slow(2)}
    with web.Connection(gate.ports["proxy"]) as connection, GRPCCaller(gate.ports["grpc"], SECRET) as caller:
        assert outcome(caller.check("/free/x")) == 200
        connection.send(
            web.head(
                "GET",
                "/caddy",
                [*dialect("/caddy", "GET", "/paid/x", "localhost", SECRET), ("X-Cashu", token)],
            )
        )
        time.sleep(0.5)
        gate.process.signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", gate.ports["proxy"]), timeout=1).close()
        answer = connection.answer()
        assert answer.status == 200
        assert answer.closed
    assert gate.process.wait(20) == 0


def test_a_second_signal_ends_it_at_once(lone, scripted, scripted_purse):
    token = scripted_purse.token(10)
    gate = lone([scripted.url]).start()
    scripted.on = {"/v1/swap": slow(20)}
    connection = web.Connection(gate.ports["proxy"])
    connection.send(
        web.head(
            "GET", "/caddy", [*dialect("/caddy", "GET", "/paid/x", "localhost", SECRET), ("X-Cashu", token)]
        )
    )
    time.sleep(0.5)
    gate.process.signal(signal.SIGTERM)
    time.sleep(0.5)
    assert gate.running
    gate.process.signal(signal.SIGTERM)
    wait_until(lambda: not gate.running, "the second signal", seconds=5)
    connection.close()


def test_idle_connections_do_not_hold_up_a_stop(stage, lone):
    gate = lone([stage.mint.url]).start()
    idle = [web.Connection(gate.ports["proxy"]) for _ in range(3)]
    idle[0].request("GET", "/caddy", dialect("/caddy", "GET", "/free/x", "localhost", SECRET))
    gate.process.signal(signal.SIGTERM)
    assert gate.process.wait(15) == 0
    for connection in idle:
        connection.close()


def test_a_port_in_use_stops_the_start_and_is_named(stage, lone):
    gate = lone([stage.mint.url], listen={"admin": f"127.0.0.1:{stage.gate.ports['admin']}"})
    gate.begin()
    assert gate.process.wait(15) != 0
    assert str(stage.gate.ports["admin"]) in gate.log


def test_the_ledger_and_the_treasury_tell_what_was_earned(stage, lone):
    gate = lone([stage.mint.url]).start()
    for _ in range(3):
        assert gate.ask("/paid/x", {"X-Cashu": stage.wallet.token(10)}).status == 200
    rows = gate.await_ledger("settled", 3, seconds=10)
    assert len(rows) == 3
    shown = gate.command("ledger", "show", str(rows[0]["id"]), "--config", str(gate.config_file), "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["id"] == rows[0]["id"]
    done = gate.command("treasury", "balance", "--config", str(gate.config_file), "--json")
    assert done.returncode == 0, done.stderr
    # 10 sat are two proofs; a fee of 100 ppk for two is 1 sat a payment.
    assert "27" in done.stdout and "sat" in done.stdout


def test_the_admin_listener_counts_what_happens(stage, lone):
    gate = lone([stage.mint.url]).start()
    assert (gate.admin("/livez").status, gate.admin("/readyz").status) == (200, 200)
    assert b"turnpike.store" in gate.admin("/readyz?verbose").body
    gate.ask("/free/x")
    gate.ask("/paid/x")
    gate.ask("/paid/x", {"X-Cashu": stage.wallet.token(10)})
    told = gate.admin("/metrics").body.decode()
    assert "# TYPE" in told
    assert "caddy" in told and "/paid/**" in told
    assert any(value >= 1 for value in gate.metrics().values())


def test_nothing_secret_is_logged(stage, lone):
    gate = lone([stage.mint.url], proxies=[{"secret": SECRET}]).start()
    token = stage.wallet.token(100)
    given = gate.ask("/hour/x", {"X-Cashu": token}).header("turnpike-pass")
    gate.ask("/hour/x", {"Turnpike-Pass": given})
    gate.ask("/hour/x", {"X-Cashu": token[:-5]})
    gate.ask("/hour/x", {"Authorization": f"Cashu {token}"})
    gate.stop()
    for secret in (token, token[6:60], given, SECRET):
        assert secret not in gate.log


def test_health_of_payments_is_a_service_of_its_own(lone, scripted, scripted_purse):
    gate = lone([scripted.url]).start()
    with GRPCCaller(gate.ports["grpc"], SECRET) as caller:
        for service in ("", "envoy.service.auth.v3.Authorization", "turnpike.store"):
            assert caller.health(service) == 1, service

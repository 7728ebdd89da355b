"""What becomes of machines when processes are killed, folders are closed and time runs out."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time

import pytest
from counterparts.processes import wait_until
from counterparts.seller import MACHINES, login
from counterparts.ssh import key_pair, processes_of
from counterparts.turnpike import ROUTES

IS_ROOT = os.geteuid() == 0


def process_of(machine: dict, program: str) -> int:
    """Its bubblewrap, or its PID 1."""
    for pid in processes_of(machine):
        with contextlib.suppress(OSError):
            words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
            if machine["id"].encode() in words and words[0].endswith(program.encode()):
                return pid
    raise AssertionError(f"no {program} of {machine['id']}")


def left_of(machine: dict) -> float:
    return machine["expires"] - time.time()


# At the start


def test_who_is_told_that_it_is_ready_gets_a_machine(lone_seller, purse):
    gate = lone_seller()
    for _ in range(3):
        gate.start()
        assert login(gate.machine(purse.token(100))).works
        gate.die()


@pytest.mark.skipif(not IS_ROOT, reason="a plain user's machines run as himself")
def test_a_host_that_makes_no_machines_sells_the_rest_and_says_what_to_do(lone_seller, purse):
    gate = lone_seller()
    closed = gate.folder / "closed"
    closed.mkdir(mode=0o700)
    gate.config["workloads"]["directory"] = str(closed / "machines")
    gate.start()
    token = purse.token(100)
    refused = gate.buy(token)
    assert refused.status == 503 and refused.json["reason"] == "no_vacancy", refused.body
    assert gate.ask("/ssh", {"X-Cashu": token}).status == 503
    # Nobody is asked for money that would buy nothing.
    bare = [gate.ask("/ssh"), gate.public("POST", "/v1/workloads"), gate.public("POST", "/spawn-pod")]
    assert [answer.status for answer in bare] == [503] * 3 and all(answer.header("retry-after") for answer in bare)
    health = gate.public("GET", "/healthz").json
    assert health["accepting_pods"] is False and "chmod o+x" in health["reason"]
    assert str(closed) not in health["reason"]
    offers = gate.public("GET", "/v1/offers").json["routes"]
    assert {route["machine"]["available"] for route in offers if "machine" in route} == {False}
    ready = gate.admin("/readyz?verbose")
    assert ready.status == 200 and b"[-] machines local out: Machines run" in ready.body
    assert b'turnpike_counterpart_ready{kind="machines",name="local"} 0\n' in gate.admin("/metrics").body
    assert gate.ask("/free/x").status == 200
    assert gate.ask("/paid/x", {"X-Cashu": purse.token(10)}).status == 200
    assert f"chmod o+x {closed}" in gate.log
    # Mended, it is found fit without a restart.
    closed.chmod(0o711)
    bought = wait_until(lambda: (answer := gate.buy(token)).status == 201 and answer, "a machine", 60, 1)
    assert login(bought.json).works


# Killed


def test_a_turnpike_killed_while_it_starts_a_machine_completes_it_after_its_restart(lone_seller, purse):
    gate = lone_seller().start()
    states = set()
    for _ in range(8):
        token = purse.token(100)
        # The allow waits for no machine.
        allowed = gate.ask("/ssh", {"X-Cashu": token})
        gate.die()
        assert allowed.status == 200, allowed.body
        (row,) = [row for row in gate.listed if allowed.header("x-provisioned-pod") == "wl-" + row["id"]]
        states.add(row["state"])
        gate.start()
        bought = gate.buy(token)
        assert bought.status == 200 and bought.json["id"] == row["id"], bought.body
        assert login(bought.json).works
        assert 3590 <= left_of(bought.json) <= 3601
        if "starting" in states:
            break
    assert "starting" in states, states
    assert len(gate.ledger()) == len([row for row in gate.listed if row["state"] == "ready"])


def test_a_machine_whose_first_process_is_killed_is_cleared_at_once_and_its_time_is_credit(seller, purse):
    token = purse.token(100)
    machine = seller.machine(token)
    wait_until(lambda: seller.shown(machine)["state"] == "ready", "it runs", 10)
    os.kill(process_of(machine, "workload-init"), signal.SIGKILL)
    wait_until(lambda: seller.is_gone(machine), "nothing is left of it", 5)
    dead = seller.shown(machine)
    assert dead["state"] == "failed" and 3500 < dead["credit_seconds"] <= 3600, dead
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("0.0.0.0", machine["port"]))
        free.listen()
    again = seller.buy(token)
    assert again.status == 201 and again.json["id"] != machine["id"]
    assert login(again.json).works and abs(left_of(again.json) - dead["credit_seconds"]) < 10


def test_a_machine_whose_bubblewrap_is_killed_goes_on_and_ends_as_any_other(lone_seller, purse):
    gate = lone_seller().start()
    short, machine = gate.machine(purse.token(32), spec="quick"), gate.machine(purse.token(100))
    wait_until(lambda: {row["state"] for row in gate.listed} == {"ready"}, "they run", 10)
    for each in (short, machine):
        os.kill(process_of(each, "bwrap"), signal.SIGKILL)
    assert login(machine).works and login(short).works
    gate.die()
    gate.start()
    assert login(machine).works and gate.shown(machine)["state"] == "ready"
    assert gate.extend(machine, purse.token(50)).status == 200
    wait_until(lambda: gate.is_gone(short), "its time was over", max(1, left_of(short) + 5))
    assert gate.shown(short)["state"] == "gone"
    ended = gate.public("DELETE", f"/v1/workloads/{machine['id']}", {"Turnpike-Pass": machine["pass"]})
    assert ended.status == 200 and gate.is_gone(machine)
    assert 5300 < ended.json["credit_seconds"] <= 5400


def test_what_runs_without_a_row_is_removed_by_the_next_start(lone_seller, purse):
    gates = amnesiac, forgetful = [lone_seller().start(), lone_seller().start()]
    lost = amnesiac.machine(purse.token(100))
    orphan, other = forgetful.machine(purse.token(100)), forgetful.machine(purse.token(100))
    for gate in gates:
        wait_until(lambda: {row["state"] for row in gate.listed} == {"ready"}, "they run", 10)
        gate.die()
    amnesiac.config["store"] = f"sqlite:{amnesiac.folder / 'another.db'}"
    with contextlib.closing(sqlite3.connect(forgetful.folder / "turnpike.db")) as store, store:
        assert store.execute("DELETE FROM leases WHERE id = ?", (orphan["id"],)).rowcount == 1
    for gate, machine in zip(gates, (lost, orphan)):
        gate.start()
        assert not gate.is_gone(machine), "a row or its backup may be on its way"
    for gate, machine in zip(gates, (lost, orphan)):
        wait_until(lambda: gate.is_gone(machine), "nothing is left of it", 60, 0.5)
        assert "removed a machine that no lease is for" in gate.log
    assert login(other).works


# The end, told before


def test_the_terminal_is_told_five_minutes_before_the_end_and_of_every_new_end(seller, purse, tmp_path):
    key, public = key_pair(tmp_path)
    # 305 s: a sat is a second.
    machine = seller.machine(purse.token(305), spec="quick", public_key=public)
    with login(machine, password=None, key=key).terminal() as terminal:
        terminal.await_line("This machine ends at", 15)
        warned = terminal.await_line("*** This machine ends in 5 minutes", 15)
        machine = seller.shown(machine) | {"pass": machine["pass"]}
        assert 295 < left_of(machine) <= 300.5, "five minutes before"
        assert time.strftime("%H:%M UTC", time.gmtime(machine["expires"])) in warned
        longer = seller.extend(machine, purse.token(16))
        assert longer.status == 200 and longer.json["expires"] - machine["expires"] == 16
        told = terminal.await_line("*** Extended: this machine now ends at", 10)
        assert time.strftime("%H:%M UTC", time.gmtime(longer.json["expires"])) in told
        terminal.await_line("*** This machine ends in 5 minutes", 30)
        assert 295 < left_of(longer.json) <= 300.5, "five minutes before the new end"


# A way out


@contextlib.contextmanager
def addresses_of_this_host(*addresses: str):
    """As if it had them on a wire."""
    try:
        for address in addresses:
            subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
        yield
    finally:
        for address in addresses:
            subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"])


@pytest.mark.skipif(not IS_ROOT, reason="a plain user's machines have no way out")
def test_a_way_out_leads_to_public_addresses_only(lone_seller, purse):
    public, private = "203.0.113.1", ["10.213.0.1", "192.168.213.1", "172.31.213.1", "198.18.213.1"]
    routes = [*ROUTES, *MACHINES, {"path": "/out", "price": {"satPerHour": 100}, "provision": "out"}]
    gate = lone_seller({"specs": [{"name": "quick"}, {"name": "out", "network": "outbound"}]}, routes=routes)
    gate.start()
    machine = login(gate.machine(purse.token(100), spec="out"))
    shut_off = login(gate.machine(purse.token(100), spec="ssh"))
    with addresses_of_this_host(public, *private), socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]

        def reaches(address: str, who=machine) -> bool:
            return who.run(f"timeout 5 bash -c 'echo > /dev/tcp/{address}/{port}'").returncode == 0

        for address in [public, *private, "127.0.0.1"]:
            socket.create_connection((address, port), timeout=5).close()
        assert reaches(public)
        # 10.0.2.2 is what the way out calls this host.
        for address in [*private, "127.0.0.1", "10.0.2.2", "169.254.169.254"]:
            assert not reaches(address), address
        assert not reaches(public, shut_off)
    listening = gate.ports["admin"]
    assert machine.run(f"timeout 5 bash -c 'echo > /dev/tcp/127.0.0.1/{listening}'").returncode != 0

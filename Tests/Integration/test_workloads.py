"""Machines for money: a real mint's token buys one, the stock `ssh` logs in, and it ends at the paid second, whatever happens to us."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest
from counterparts import web
from counterparts.payer import as_v2, of_calldata, receipt, required
from counterparts.processes import wait_until
from counterparts.proxies import Caddy, Envoy, Nginx, Traefik
from counterparts.seller import ADMIN, login
from counterparts.ssh import Login, key_pair, processes_of

# Machines that a killed Turnpike leaves behind.
SURVIVORS = 20


@pytest.fixture(scope="module")
def fronts(stage, seller, ground):
    """Every proxy's hardened example, whose machine route leads to the seller's public listener."""
    asked = (stage.app.port, seller.ports["proxy"], seller.ports["grpc"])
    made = {}
    with contextlib.ExitStack() as stop:
        for kind in (Envoy, Nginx, Traefik, Caddy):
            proxy = kind(ground / kind.name, *asked, machines=seller.ports["public"]).begin()
            stop.callback(proxy.stop)
            made[kind.name] = proxy
        for proxy in made.values():
            proxy.await_ready()
        yield made | {"nginx-auth-request": made["nginx"].by_auth_request}


@pytest.fixture(params=["envoy", "nginx", "nginx-auth-request", "traefik", "caddy"])
def front(request, fronts, stage):
    stage.app.forget()
    return fronts[request.param]


# Buying, using, prolonging, ending


def test_a_token_buys_a_machine_that_the_stock_ssh_logs_in_to_by_password_and_by_key(seller, purse, tmp_path):
    key, public = key_pair(tmp_path)
    machine = seller.machine(purse.token(100), public_key=public, username="alice")
    assert 3500 < machine["expires"] - time.time() <= 3610
    assert login(machine).told("whoami") == "alice"
    assert login(machine, password=None, key=key).told("id -un; cat /proc/1/comm") == "alice\nworkload-init"
    assert not login(machine, password="another").works
    stranger, _ = key_pair(tmp_path / "stranger")
    assert not login(machine, password=None, key=stranger).works
    assert machine["ssh"] == f"ssh -p {machine['port']} alice@{machine['host']}"


def test_a_file_is_copied_there_and_back(seller, purse, tmp_path):
    key, public = key_pair(tmp_path)
    machine = seller.machine(purse.token(100), public_key=public)
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(300_000))
    known = tmp_path / "known"
    known.write_text(machine["known_hosts"] + "\n")
    options = [
        "-q",
        "-F",
        "none",
        "-P",
        str(machine["port"]),
        "-i",
        str(key),
        "-o",
        f"UserKnownHostsFile={known}",
    ]
    place = f"{machine['username']}@{machine['host']}:copy"
    for way in ([], ["-O"]):  # sftp, and the older protocol
        subprocess.run(["scp", *way, *options, str(there), place], check=True, timeout=30)
        subprocess.run(["scp", *way, *options, place, str(back)], check=True, timeout=30)
        assert back.read_bytes() == there.read_bytes()
        back.unlink()


def test_a_top_up_moves_the_end_also_for_the_machine(seller, purse):
    machine = seller.machine(purse.token(100))
    end = "cut -d. -f1 $TURNPIKE_END_FILE"
    before = int(login(machine).told(end))
    assert abs(before - machine["expires"]) <= 2
    with login(machine).session("echo in; sleep 60") as session:
        assert session.stdout.readline() == "in\n"
        answer = seller.extend(machine, purse.token(50))
        assert answer.status == 200, answer.body
        assert answer.json["expires"] - seller.shown(machine)["expires"] == 0
        assert 1790 <= answer.json["expires"] - machine["expires"] <= 1810
        wait_until(lambda: int(login(machine).told(end)) - before >= 1790, "the machine knows", 10)
        assert session.poll() is None, "a top-up ended a session"
    assert seller.extend(machine | {"pass": "tp1.nobodys"}, purse.token(50)).status in (400, 401, 403)


def test_the_same_payment_again_is_the_same_machine_with_a_new_password(seller, purse):
    token = purse.token(100)
    first = seller.machine(token)
    with login(first).session("echo in; sleep 60") as session:
        assert session.stdout.readline() == "in\n"
        again = seller.buy(token)
        assert again.status == 200 and again.json["id"] == first["id"]
        assert again.json["expires"] - first["expires"] in (0, 1)
        assert login(again.json).works and not login(first).works
        assert session.poll() is None, "a new password ended a session"
    by_payment = seller.public("GET", "/v1/workloads/by-payment", {"X-Cashu": token})
    assert by_payment.json["id"] == first["id"] and login(by_payment.json).works


def test_a_buyer_may_ask_for_less_time_than_he_pays_for(seller, purse):
    token = purse.token(100)
    machine = seller.machine(token, duration_minutes=10)
    assert machine["duration_minutes"] == 10 and 2990 <= machine["credit_seconds"] <= 3000
    assert 590 <= machine["expires"] - time.time() <= 610
    answer = seller.extend(machine, purse.token(100))
    assert answer.status == 200, answer.body
    assert 3600 + 590 <= answer.json["expires"] - time.time() <= 3600 + 610
    assert seller.buy(token, duration_minutes=10).json["duration_minutes"] == 70, "the same wish again is no new one"
    assert seller.buy(purse.token(100), duration_minutes=0).status == 400


def test_what_its_owner_ends_early_is_credit_for_another(seller, purse):
    token = purse.token(100)
    machine = seller.machine(token)
    where = f"/v1/workloads/{machine['id']}"
    assert seller.public("DELETE", where).status == 401
    other = seller.machine(purse.token(100))
    assert seller.public("DELETE", where, {"Turnpike-Pass": other["pass"]}).status == 403
    ended = seller.public("DELETE", where, {"Turnpike-Pass": machine["pass"]})
    assert ended.status == 200 and 3500 < ended.json["credit_seconds"] <= 3600
    wait_until(lambda: seller.is_gone(machine), "the machine is gone", 10)
    again = seller.buy(token)
    assert again.status == 201 and again.json["id"] != machine["id"]
    assert abs(again.json["expires"] - machine["expires"]) < 30
    assert login(again.json).works


def test_at_its_end_every_process_and_file_is_gone(seller, purse):
    machine = seller.machine(purse.token(8), spec="quick")
    leave = "echo mine > ~/file; (setsid nohup sleep 1000 >/dev/null 2>&1 &); "
    assert login(machine).told(leave + "pgrep -c sleep") == "1"
    assert len(processes_of(machine)) >= 3
    with login(machine).session("sleep 1000") as session:
        wait_until(
            lambda: seller.is_gone(machine), "the machine is gone", machine["expires"] - time.time() + 5
        )
        assert time.time() >= machine["expires"] - 1, "it ended before its time"
        assert session.wait(10) == 255
    assert not login(machine).works
    assert seller.shown(machine)["state"] == "gone"
    assert not list(pathlib.Path("/sys/fs/cgroup").glob(f"**/{machine['id']}"))


def test_two_spawns_at_once_with_one_token_are_one_machine(seller, purse):
    token = purse.token(100)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: seller.buy(token), range(6)))
    assert sorted(answer.status for answer in answers) == [200] * 5 + [201], [a.body for a in answers]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert len({answer.json["password"] for answer in answers}) == 1 and login(answers[0].json).works
    payment = answers[0].json["payment"]
    assert len([row for row in seller.listed if row["payment"] == payment]) == 1


def test_either_name_of_a_machine_is_taken_and_its_owner_sees_how_to_log_in(seller, purse):
    machine = seller.machine(purse.token(100))
    own = {"Turnpike-Pass": machine["pass"]}
    for path in (f"/v1/workloads/{machine['pod']}", f"/v1/workloads/{machine['id']}"):
        shown = seller.public("GET", path, own)
        assert shown.status == 200 and shown.json["password"] is None, shown.body
        for name in ("host", "port", "username", "known_hosts", "fingerprint", "ssh"):
            assert shown.json[name] == machine[name]
    assert seller.public("GET", f"/pods/{machine['id']}", own).json["pod_name"] == machine["pod"]
    (row,) = seller.public("GET", "/v1/workloads", own).json["workloads"]
    assert row["fingerprint"] == machine["fingerprint"]
    longer = seller.extend(machine | {"id": machine["pod"]}, purse.token(8))
    assert longer.status == 200 and longer.json["fingerprint"] == machine["fingerprint"]
    for path in ("/v1/workloads/ssh-pod-1", "/pods/ssh-pod-1"):
        wrong = seller.public("GET", path, own)
        assert wrong.status == 404 and "wl- and 16 of" in wrong.json["message"]
    assert login(machine).works, "a look set a new password"


def test_a_pass_of_another_route_gets_no_machine(seller, purse, stage):
    hour = seller.ask("/hour/x", {"X-Cashu": purse.token(100)}).header("turnpike-pass")
    cheap = seller.machine(purse.token(100))
    # What its owner ends leaves credit: an hour of /ssh is 100 sat, one of /quick 3600.
    seller.public("DELETE", f"/v1/workloads/{cheap['id']}", {"Turnpike-Pass": cheap["pass"]})
    before = len(seller.listed)
    for foreign, kind in ((hour, None), (hour, "quick"), (cheap["pass"], "quick")):
        shown, wish = {"Turnpike-Pass": foreign}, {"spec": kind} if kind else {}
        refused = seller.public("POST", "/v1/workloads", shown, wish)
        assert refused.status == 402 and refused.json["reason"] == "pass_route", refused.body
        assert "name the kind that it is for, or pay" in refused.json["message"]
        spawned = seller.public("POST", "/spawn-pod", shown, {"pod_spec_id": kind} if kind else {})
        assert spawned.status == 402 and spawned.json["success"] is False
        proxied = seller.ask("/quick", shown)
        assert proxied.status == 402 and not proxied.header("turnpike-grant")
        assert seller.ask("/quick", shown, method="HEAD").status == 402
        # A payment beside it buys a machine of its own.
        bought = seller.public("POST", "/v1/workloads", shown | {"X-Cashu": purse.token(8)}, {"spec": "quick"})
        assert bought.status == 201 and bought.json["spec"] == "quick", bought.body
        assert 0 < bought.json["expires"] - time.time() <= 10 and bought.json["pass"] != foreign
    assert len(seller.listed) == before + 3
    own = seller.public("POST", "/v1/workloads", {"Turnpike-Pass": cheap["pass"]})
    assert own.status == 201 and own.json["spec"] == "ssh"
    # Nor is it prolonged by who shows another pass, and his payment is not taken.
    token = purse.token(8)
    assert seller.extend(own.json | {"pass": hour}, token).status == 403
    stage.wallet.redeem(token)


@pytest.mark.parametrize(
    "wishes",
    [
        {"username": "root"},
        {"username": "a b"},
        {"public_key": "ssh-rsa"},
        {"image": "evil"},
        {"spec": "none"},
        {"usernam": "alice"},
    ],
    ids=lambda wishes: next(iter(wishes)),
)
def test_a_wish_that_is_not_granted_costs_nothing(seller, purse, stage, wishes):
    token = purse.token(100)
    refused = seller.buy(token, **wishes)
    assert refused.status == 400 and refused.json["message"], refused.body
    stage.wallet.redeem(token)


def test_the_command_buys_prolongs_lists_and_ends(seller, purse, tmp_path):
    key, public = key_pair(tmp_path)
    url = ["--url", f"http://127.0.0.1:{seller.ports['public']}"]

    def text(*words: str, fails: bool = False) -> str:
        done = seller.command("workload", *words, *url)
        assert (done.returncode != 0) == fails, (done.stdout, done.stderr)
        return done.stderr if fails else done.stdout

    def told(*words: str) -> dict:
        return json.loads(text(*words, "--json"))

    token = tmp_path / "token"
    token.write_text(purse.token(100) + "\n")
    machine = told("create", "--token", str(token), "--key", f"{key}.pub", "--minutes", "20")
    assert login(machine, password=None, key=key).works
    secret = tmp_path / "pass"
    secret.write_text(machine["pass"] + "\n")
    longer = told("extend", machine["pod"], "--token", purse.token(100), "--pass", str(secret))
    assert longer["expires"] - machine["expires"] >= 3590
    (row,) = [row for row in seller.listed if row["id"] == machine["id"]]
    assert row["state"] == "ready" and row["port"] == machine["port"]
    assert row["creditSeconds"] == longer["credit_seconds"] > 2000
    # Words, where nobody asked for JSON.
    again = text("create", "--pass", str(secret))
    assert f"  {machine['ssh']}\n" in again and "password: " in again and machine["fingerprint"] in again
    assert machine["ssh"] in text("extend", machine["id"], "--token", purse.token(8), "--pass", str(secret))
    assert "wl- and 16 of" in text("extend", "none", "--token", "cashuA", "--pass", "tp1.x", fails=True)
    refused = text("create", "--token", "cashuBnone", fails=True)
    assert "answers 400: malformed" in refused and "{" not in refused
    assert "bad_wish: The image" in text("create", "--pass", str(secret), "--image", "evil", fails=True)
    gone = text("delete", machine["pod"], "--pass", str(secret))
    assert gone.startswith(f"Your machine {machine['pod']} is gone: ended by its owner.") and "more are paid for" in gone
    # Its credit is another's, which the operator ends.
    second = told("create", "--pass", str(secret))
    assert second["id"] != machine["id"] and second["expires"] - time.time() > 5000
    done = seller.command("workload", "delete", second["pod"], "--config", str(seller.config_file))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: seller.is_gone(second), "the machine is gone", 15)


# Behind a proxy


def test_the_proxied_route_asks_for_money_and_answers_the_login(front, purse, app):
    unpaid = front.fetch("/ssh")
    assert unpaid.status == 402 and unpaid.header("x-cashu").startswith("creqA")
    token = purse.token(100)
    paid = front.fetch("/ssh?any=1", headers={"X-Cashu": token})
    assert paid.status == 200, paid.body
    assert login(paid.json).told("echo hello") == "hello"
    again = front.fetch("/ssh", method="POST", headers={"X-Cashu": token}, body=b"")
    assert again.status == 200 and again.json["id"] == paid.json["id"]
    assert login(again.json).works and not login(paid.json).works
    longer = front.fetch("/ssh", headers={"X-Cashu": purse.token(50), "Turnpike-Pass": paid.json["pass"]})
    assert longer.status == 200 and longer.json["id"] == paid.json["id"], longer.body
    assert longer.json["expires"] - paid.json["expires"] >= 1790
    assert front.fetch("/ssh", headers={"X-Cashu": token, "Accept": "text/html"}).body.startswith(b"<!")
    assert not app.seen, "the app was asked"


def test_what_is_below_the_route_sells_machines_too(front, purse, app):
    unpaid = front.fetch("/ssh/basic")
    assert unpaid.status == 402 and unpaid.json["amount"] == 2, unpaid.body
    assert unpaid.json["sells"] == "100 sat for 1 hour of an SSH machine"
    bought = front.fetch("/ssh/basic", headers={"X-Cashu": purse.token(2)})
    assert bought.status == 200 and bought.json["spec"] == "quick", bought.body
    assert 50 < bought.json["expires"] - time.time() < 80
    assert not app.seen, "the app was asked"


def test_a_key_behind_a_proxy_is_the_machines(front, purse, tmp_path):
    key, public = key_pair(tmp_path)
    token = purse.token(100)

    def post(**wishes):
        fields = {"X-Cashu": token, "Content-Type": "application/json"}
        return front.fetch("/ssh", method="POST", headers=fields, body=json.dumps(wishes).encode())

    for wishes, words in (
        ({"username": "bob", "public_key": public}, "without username"),
        ({"duration_minutes": 5, "image": "x", "spec": "quick"}, "without spec, image, duration_minutes"),
        ({"public_key": "ssh-rsa"}, "authorized_keys"),
    ):
        refused = post(**wishes)
        assert refused.status == 400 and refused.json["reason"] == "bad_wish", refused.body
        assert words in refused.json["message"] and "send the payment again" in refused.json["message"]
    assert post(publickey=public).json["reason"] == "bad_request"
    bought = post(public_key=public)
    assert bought.status == 200, bought.body
    assert login(bought.json, password=None, key=key).told("whoami") == "dev" and login(bought.json).works
    # Another key takes its place, on a machine that runs.
    other, public = key_pair(tmp_path / "other")
    changed = post(public_key=public)
    assert changed.json["id"] == bought.json["id"]
    assert login(changed.json, password=None, key=other).works
    assert not login(changed.json, password=None, key=key).works


def test_a_payment_brought_many_times_at_once_is_one_login(front, purse, seller):
    token = purse.token(100)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: front.fetch("/ssh", headers={"X-Cashu": token}), range(6)))
    assert {answer.status for answer in answers} == {200}, [answer.body for answer in answers]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert login(answers[0].json).works
    assert len({answer.json["password"] for answer in answers}) == 1


def test_a_grant_that_the_client_brings_is_worth_nothing(front, purse, app, seller):
    token = purse.token(100)
    allowed = seller.ask("/ssh", {"X-Cashu": token})
    assert allowed.status == 200, allowed.body
    grant = allowed.header("turnpike-grant")
    assert grant
    assert front.fetch("/ssh", headers={"Turnpike-Grant": grant}).status == 402
    assert front.fetch("/free/x", headers={"Turnpike-Grant": grant}).status == 200
    assert not app.seen[-1]["headers"].get("turnpike-grant"), "the app was told what the client said"


def test_a_grant_answers_the_same_for_its_own_request_only(seller, purse):
    allowed = seller.ask("/ssh?a=1", {"X-Cashu": purse.token(100)})
    grant = {"Turnpike-Grant": allowed.header("turnpike-grant")}
    first = seller.public("GET", "/ssh?a=1", grant)
    assert first.status == 200, first.body
    assert seller.public("GET", "/ssh?a=1", grant).json["password"] == first.json["password"]
    assert login(first.json).works
    assert allowed.header("x-provisioned-pod") == first.json["pod"]
    for method, path in (("POST", "/ssh?a=1"), ("GET", "/quick"), ("GET", "/v1/offers")):
        assert seller.public(method, path, grant).status in (401, 403), path
    other = web.fetch(seller.ports["public"], "/ssh?a=1", "GET", grant, host="other.example")
    assert other.status in (401, 403)
    forged = grant["Turnpike-Grant"][:-4] + "AAAA"
    assert seller.public("GET", "/ssh?a=1", {"Turnpike-Grant": forged}).status in (401, 403)


@pytest.mark.parametrize("name", ["envoy", "nginx", "nginx-auth-request", "caddy", "traefik"])
def test_dollars_buy_a_machine_that_only_their_payer_gets(fronts, bank, name):
    payer = bank.payer()
    asked = fronts[name].fetch("/ssh")
    payment = as_v2(payer.v2(required(asked)))
    bought = fronts[name].fetch("/ssh", headers=payment)
    assert bought.status == 200, bought.body
    assert login(bought.json).works
    # Who has the challenge's secret gets it again.
    again = fronts[name].fetch("/ssh", headers=payment)
    assert again.status == 200 and again.json["id"] == bought.json["id"], again.body
    assert login(again.json).works
    assert bank.settled(payer) == 1


def test_a_payment_that_is_read_off_the_chain_gets_no_login(seller, bank):
    payer = bank.payer()
    payment = as_v2(payer.v2(required(seller.ask("/ssh"))))
    allowed = seller.ask("/ssh", payment)
    assert allowed.status == 200, allowed.body
    by_payment = seller.public("GET", "/v1/workloads/by-payment", payment)
    assert by_payment.status == 200 and login(by_payment.json).works
    offer = required(seller.ask("/ssh"))["accepts"][0]
    without = offer | {"extra": {key: offer["extra"][key] for key in ("name", "version", "paymentFlow")}}
    for wanted in (offer, without):
        rebuilt = as_v2(of_calldata(bank.chain, receipt(allowed)["transaction"], wanted))
        answer = seller.ask("/ssh", rebuilt)
        assert answer.status in (402, 409) and not answer.header("turnpike-grant"), answer.body
        for method, path in (
            ("POST", "/v1/workloads"),
            ("GET", "/v1/workloads/by-payment"),
            ("GET", "/v1/workloads"),
            ("POST", "/spawn-pod"),
            ("GET", "/pods"),
        ):
            answer = seller.public(method, path, rebuilt)
            assert answer.status in (401, 402, 403, 404, 409), (path, answer.status, answer.body)
            assert b'password":"' not in answer.body
    assert login(by_payment.json).works, "a stranger set a new password"
    assert bank.settled(payer) == 1


def test_the_stock_x402_client_gets_a_machine(fronts, bank):
    payer = bank.payer()
    bought = payer.buy(fronts["nginx"].url + "/ssh")
    assert bought.last.status == 200, bought.last.body
    assert login(bought.last.json).told("echo hello") == "hello"
    assert bank.settled(payer) == 1


# Paygress


def test_paygress_clients_find_their_fields_and_strangers_no_password(seller, purse):
    token = purse.token(100)
    ordered = {"cashu_token": token, "ssh_username": "bob", "duration_minutes": 5}
    answer = seller.public("POST", "/spawn-pod", body=ordered)
    assert answer.status == 201 and answer.json["success"] is True, answer.body
    pod = answer.json["pod_info"]
    assert {
        "pod_name",
        "namespace",
        "created_at",
        "expires_at",
        "ssh_port",
        "ssh_username",
        "ssh_password",
    } <= set(pod)
    assert (pod["payment_amount_sats"], pod["ssh_username"]) == (100, "bob")
    assert pod["duration_minutes"] == 5 and "node_port" in pod
    bob = Login(pod["ssh_host"], pod["ssh_port"], "bob", pod["known_hosts"], pod["ssh_password"])
    assert bob.told("whoami") == "bob"

    assert seller.public("GET", "/pods").status == 401
    named = f"/pods/{pod['pod_name']}"
    assert seller.public("GET", named).status == 401
    all_of_them = seller.public("GET", "/pods", {"Authorization": f"Bearer {ADMIN}"})
    assert pod["pod_name"] in [one["pod_name"] for one in all_of_them.json]
    assert all(one["ssh_password"] is None for one in all_of_them.json)
    seen = seller.public("GET", named, {"Authorization": f"Bearer {ADMIN}"})
    assert seen.json["ssh_password"] is None and bob.works
    (own,) = seller.public("GET", "/pods", {"Turnpike-Pass": pod["pass"]}).json
    assert own["pod_name"] == pod["pod_name"]
    # Who looks sets no password, however often.
    for owner in ({"Turnpike-Pass": pod["pass"]}, {"X-Cashu": token}):
        look = seller.public("GET", named, owner).json
        assert look["ssh_password"] is None and "/spawn-pod again" in look["note"]
        assert (look["ssh_host"], look["ssh_port"]) == (pod["ssh_host"], pod["ssh_port"])
        seller.public("GET", named + "/port-forward", owner)
    assert bob.works, "a look set a new password"
    again = seller.public("POST", "/spawn-pod", body=ordered).json["pod_info"]
    assert again["ssh_password"] not in (None, pod["ssh_password"]) and not bob.works
    forward = seller.public("GET", named + "/port-forward", {"Turnpike-Pass": pod["pass"]}).json
    assert {"pod_name", "ssh_port", "port_forward_command", "ssh_command"} <= set(forward)
    assert len(forward["instructions"]) == 4
    health = seller.public("GET", "/healthz").json
    assert health["status"] == "healthy" and health["active_pods"] >= 1
    refused = seller.public("POST", "/spawn-pod", body={"cashu_token": ""})
    assert refused.status == 402 and refused.json["success"] is False and refused.json["pod_info"] is None


# As a plain user


def test_a_plain_user_sells_machines_and_says_what_they_lack(lone_seller, purse):
    gate = lone_seller()
    if os.geteuid() == 0:
        gate.as_user(54321)
    gate.start()
    token = purse.token(8)
    machine = gate.machine(token, spec="quick")
    assert login(machine).told("id -un; (setsid nohup sleep 1000 >/dev/null 2>&1 &)") == "dev"
    lacks = gate.public("GET", "/healthz").json["reduced_isolation"]
    assert lacks and machine["reduced_isolation"] == lacks
    assert gate.public("GET", "/v1/offers").json["routes"]
    assert len(processes_of(machine)) >= 3
    wait_until(lambda: gate.is_gone(machine), "gone", max(1, machine["expires"] + 5 - time.time()))


# What goes wrong


def test_machines_outlive_a_kill_and_end_on_time(lone_seller, purse):
    gate = lone_seller({"max": 50}).start()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tokens = [purse.token(48) for _ in range(SURVIVORS)]
        short = list(pool.map(lambda token: gate.machine(token, spec="quick"), tokens))
    long = gate.machine(purse.token(100))
    with login(long).session("echo in; sleep 100") as session:
        assert session.stdout.readline() == "in\n"
        wait_until(lambda: {row["state"] for row in gate.listed} == {"ready"}, "all are there", 10)
        gate.die()
        assert all(login(machine).works for machine in short), "with Turnpike dead"
        gate.start()
        assert session.poll() is None, "a restart ended a session"
    assert all(login(machine).works for machine in [*short, long])
    assert len([row for row in gate.listed if row["state"] == "ready"]) == SURVIVORS + 1
    longer = gate.extend(long, purse.token(100))
    assert longer.status == 200 and longer.json["expires"] - long["expires"] >= 3590
    end = "cut -d. -f1 $TURNPIKE_END_FILE"
    wait_until(lambda: int(login(long).told(end)) - long["expires"] >= 3590, "the top-up arrives", 10)
    for machine in short:
        wait_until(lambda: gate.is_gone(machine), "gone", max(1, machine["expires"] + 5 - time.time()))
    assert login(long).works
    assert {row["state"] for row in gate.listed if row["id"] != long["id"]} == {"gone"}


def test_machines_end_on_time_when_turnpike_is_never_restarted(lone_seller, purse):
    gate = lone_seller({"max": 50}).start()
    tokens = [purse.token(16) for _ in range(4)]
    machines = [gate.machine(token, spec="quick") for token in tokens]
    # What is still being made when its maker dies is made anew after a restart only.
    wait_until(lambda: {row["state"] for row in gate.listed} == {"ready"}, "all are there", 10)
    gate.die()
    assert all(login(machine).works for machine in machines)
    for machine in machines:
        left = machine["expires"] + 5 - time.time()
        wait_until(lambda: not processes_of(machine), "its processes are gone", max(1, left))
        assert not login(machine).works
    # What it left on the disk is cleared by whoever comes next, and the book says that its time is over.
    gate.start()
    wait_until(lambda: all(gate.is_gone(machine) for machine in machines), "folders are gone", 10)
    wait_until(lambda: {row["state"] for row in gate.listed} == {"gone"}, "the book is closed", 10)


def test_a_start_that_fails_keeps_the_payment_for_the_next_try(lone_seller, purse, stage):
    port = 22998
    gate = lone_seller({"ports": f"{port}-{port}"}).start()
    token = purse.token(100)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        refused = gate.buy(token)
        assert refused.status == 503, refused.body
    bought = wait_until(
        lambda: (answer := gate.buy(token)).status in (200, 201) and answer,
        "the same token gets a machine",
        40,
        0.5,
    )
    assert bought.json["port"] == port and login(bought.json).works
    assert bought.json["expires"] - time.time() > 3500
    assert len(gate.ledger()) == 1


def test_a_machine_that_dies_leaves_its_time_as_credit(seller, purse):
    token = purse.token(100)
    machine = seller.machine(token)
    wait_until(lambda: seller.shown(machine)["state"] == "ready", "it runs", 10)
    for pid in processes_of(machine):
        os.kill(pid, signal.SIGKILL)
    dead = wait_until(
        lambda: (row := seller.shown(machine))["state"] != "ready" and row, "it is found dead", 30
    )
    assert dead["state"] in ("failed", "expiring", "gone")
    again = wait_until(lambda: (answer := seller.buy(token)).status == 201 and answer, "another", 40, 0.5)
    assert again.json["id"] != machine["id"] and login(again.json).works
    assert again.json["expires"] - time.time() > 3400
    wait_until(lambda: seller.is_gone(machine), "nothing is left of the first", 20)


def test_two_turnpikes_of_one_host_share_no_port(lone_seller, purse):
    gates = [lone_seller({"ports": "22960-22971"}).start() for _ in range(2)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tokens = [purse.token(100) for _ in range(8)]
        machines = list(pool.map(lambda nth: gates[nth % 2].machine(tokens[nth]), range(8)))
    assert len({machine["port"] for machine in machines}) == 8
    assert all(login(machine).works for machine in machines)


def test_a_full_host_says_so_before_money_is_taken(lone_seller, purse, stage):
    gate = lone_seller({"max": 1}).start()
    gate.machine(purse.token(100))
    token = purse.token(100)
    refused = gate.buy(token)
    assert refused.status == 503 and refused.header("retry-after")
    assert gate.ask("/ssh", {"X-Cashu": token}).status == 503
    stage.wallet.redeem(token)
    assert gate.public("GET", "/healthz").json["accepting_pods"] is False


def test_a_revoked_payments_machine_ends(seller, purse):
    token = purse.token(100)
    machine = seller.machine(token)
    done = seller.command("ledger", "revoke", machine["payment"], "--config", str(seller.config_file))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: seller.is_gone(machine), "the machine is gone", 15)
    assert seller.buy(token).status in (402, 403, 409)

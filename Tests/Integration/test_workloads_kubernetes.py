"""Machines on Kubernetes, by the whole program: a real mint's token buys one, the stock `ssh` logs in, and the
cluster has its moods. The API server is a double; where a test needs pods that run, they do."""

import base64
import concurrent.futures
import contextlib
import socket
import time

import pytest
from counterparts.cluster import GREETING, Cluster
from counterparts.kubelet import Kubelet
from counterparts.processes import wait_until
from counterparts.seller import Seller, login
from counterparts.ssh import key_pair, open_folder

PORTS = "22940-22959"
PATIENCE = "4s"  # how long a buyer waits for a machine that cannot be made


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path / "cluster")
    yield made
    made.stop()


def on(cluster: Cluster, stage, folder) -> Seller:
    workloads = {
        "backend": "kubernetes",
        "ports": PORTS,
        "kubernetes": {"kubeconfig": str(cluster.kubeconfig)},
        "images": ["registry.example/ssh-workload:1"],
    }
    gate = Seller(folder, [stage.mint.url], workloads, deadline=PATIENCE)
    del gate.config["workloads"]["directory"]
    return gate


@pytest.fixture
def seller(stage, cluster, tmp_path):
    gate = on(cluster, stage, tmp_path / "seller").start()
    yield gate
    gate.kill()


@pytest.fixture
def node_seller(stage, tmp_path):
    """On a cluster whose node runs pods as their specs say."""
    with contextlib.ExitStack() as stop:
        folder = stop.enter_context(open_folder())
        cluster = Cluster(tmp_path / "cluster", "nodeless")
        stop.callback(cluster.stop)
        kubelet = Kubelet(cluster, folder / "node")
        stop.callback(kubelet.stop)
        gate = on(cluster, stage, tmp_path / "seller")
        gate.start()
        stop.callback(gate.kill)
        gate.cluster = cluster
        yield gate


def greeting(machine: dict) -> bytes:
    """What answers at the port that the buyer was told."""
    with socket.create_connection((machine["host"], machine["port"]), timeout=10) as connection:
        return connection.recv(100)


def live(seller: Seller) -> list[dict]:
    return [row for row in seller.listed if row["state"] not in ("gone", "failed")]


def test_a_token_buys_a_pod_that_is_reached_prolonged_and_ended(seller, cluster, purse):
    machine = seller.machine(purse.token(100), username="alice")
    assert greeting(machine) == GREETING
    (name,) = cluster.jobs
    assert name == machine["pod"] and list(cluster.objects("secrets")) == [name]
    assert len(cluster.objects("pods")) == 1
    before = cluster.jobs[name]["spec"]["activeDeadlineSeconds"]
    longer = seller.extend(machine, purse.token(50))
    assert longer.status == 200, longer.body
    wait_until(
        lambda: cluster.jobs[name]["spec"]["activeDeadlineSeconds"] - before >= 1790, "the Job is told", 10
    )
    ended = seller.public("DELETE", f"/v1/workloads/{machine['id']}", {"Turnpike-Pass": machine["pass"]})
    assert ended.status == 200 and ended.json["credit_seconds"] > 5000
    for kind in ("jobs", "pods", "secrets"):
        wait_until(lambda: not cluster.objects(kind), f"no {kind}", 10)
    with pytest.raises(OSError):
        greeting(machine)


def test_the_password_is_nowhere_in_the_cluster(seller, cluster, purse):
    machine = seller.machine(purse.token(100))
    for kind in ("jobs", "pods", "secrets"):
        assert machine["password"] not in str(cluster.objects(kind))
    (secret,) = cluster.objects("secrets").values()
    files = {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}
    assert files["shadow"].startswith("dev:$6$"), "its hash is"
    assert machine["password"] not in str(files)
    assert machine["password"] not in seller.log


@pytest.mark.parametrize("mood", ["down", "dropAfterwards"])
@pytest.mark.parametrize("request_", ["create jobs", "create secrets", "patch jobs"])
def test_a_cluster_that_goes_away_between_payment_and_creation_costs_nothing(
    seller, cluster, purse, request_, mood
):
    token = purse.token(100)
    cluster.meet(request_, mood)
    first = seller.buy(token)
    if mood == "down":
        assert first.status == 503 and first.header("retry-after"), (first.status, first.body)
        assert len(seller.ledger()) == 1, "the payment was not taken"
        assert seller.buy(token).status == 503
        cluster.come_up()
    else:
        # It was done, and only the answer was lost: that is found out within the same request.
        assert first.status in (201, 503), first.body
    bought = wait_until(
        lambda: (answer := seller.buy(token)).status in (200, 201) and answer, "the same token again", 40, 0.5
    ).json
    wait_until(lambda: seller.shown(bought)["state"] == "ready", "it is ready", 20)
    assert greeting(bought) == GREETING
    assert list(cluster.jobs) == [bought["pod"]] and len(cluster.objects("pods")) == 1
    assert len(live(seller)) == 1 and len(seller.ledger()) == 1
    assert bought["expires"] - time.time() > 3500, "the time of the outage was taken"


def test_a_cluster_that_is_known_to_be_down_takes_no_payment(seller, cluster, purse, stage):
    token = purse.token(100)
    cluster.go_down()
    refused = wait_until(
        lambda: (answer := seller.public("GET", "/healthz").json)["accepting_pods"] is False and answer,
        "health says so",
        10,
    )
    assert refused
    answer = seller.buy(token)
    assert answer.status == 503 and answer.header("retry-after")
    stage.wallet.redeem(token)
    cluster.come_up()
    other = purse.token(100)
    bought = wait_until(
        lambda: (answer := seller.buy(other)).status in (200, 201) and answer, "sold again", 60, 0.5
    )
    assert greeting(bought.json) == GREETING


def test_two_spawns_at_once_with_one_token_are_one_job(seller, cluster, purse):
    token = purse.token(100)
    before = cluster.count("create jobs")  # by the examination
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: seller.buy(token), range(6)))
    assert {answer.status for answer in answers} <= {200, 201}, [answer.body for answer in answers]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert list(cluster.jobs) == [answers[0].json["pod"]]
    assert cluster.count("create jobs") == before + 1
    assert len(live(seller)) == 1 and len(seller.ledger()) == 1
    assert greeting(answers[0].json) == GREETING


def test_killed_turnpike_finds_its_machine_by_watching_and_prolongs_it(seller, cluster, purse):
    machine = seller.machine(purse.token(100))
    wait_until(lambda: seller.shown(machine)["state"] == "ready", "it is ready", 20)
    made = cluster.jobs[machine["pod"]]
    seller.die()
    with pytest.raises(OSError):
        greeting(machine)
    seller.start()
    assert wait_until(lambda: greets(machine), "its port is open again", 20)
    assert seller.shown(machine)["state"] == "ready"
    longer = seller.extend(machine, purse.token(100))
    assert longer.status == 200 and longer.json["expires"] - machine["expires"] >= 3590, longer.body

    def told() -> int:
        return cluster.jobs[machine["pod"]]["spec"]["activeDeadlineSeconds"]

    wait_until(lambda: told() - made["spec"]["activeDeadlineSeconds"] >= 3590, "the Job is told", 10)
    (pod,) = cluster.objects("pods").values()
    deadline = int(pod["metadata"]["annotations"]["turnpike/deadline"])
    assert 0 <= deadline - longer.json["expires"] <= 30
    assert cluster.jobs[machine["pod"]]["metadata"]["uid"] == made["metadata"]["uid"], "another was made"
    assert greeting(machine) == GREETING


def test_killed_in_the_middle_of_a_start_it_makes_one_machine(seller, cluster, purse):
    token = purse.token(100)
    cluster.meet("create secrets", "down")
    assert seller.buy(token).status == 503
    seller.die()
    cluster.come_up()
    seller.start()
    bought = wait_until(
        lambda: (answer := seller.buy(token)).status in (200, 201) and answer, "the same token", 40, 0.5
    ).json
    assert list(cluster.jobs) == [bought["pod"]] and len(live(seller)) == 1
    wait_until(lambda: greets(bought), "it is reached", 20)


# Where pods run


def test_the_stock_ssh_logs_in_to_a_pod_of_our_recipe(node_seller, purse, tmp_path):
    key, public = key_pair(tmp_path)
    token = purse.token(100)
    machine = node_seller.machine(token, username="alice", public_key=public)
    who = login(machine).told("id -un; id -u; cat /proc/1/comm; grep -E '^(Cap|NoNew)' /proc/self/status")
    name, number, init, *rights = who.splitlines()
    assert (name, number, init) == ("alice", "1000", "workload-init")
    assert {line.split()[1] for line in rights if line.startswith("Cap")} == {"0" * 16}
    assert "NoNewPrivs:\t1" in rights
    assert login(machine, password=None, key=key).told("echo mine > ~/file; cat ~/file") == "mine"
    assert login(machine).run("echo x > /etc/motd").returncode != 0, "its root can be written to"
    stranger, _ = key_pair(tmp_path / "stranger")
    assert not login(machine, password=None, key=stranger).works
    assert not login(machine, password="another").works

    again = node_seller.buy(token)
    assert again.status == 200 and again.json["id"] == machine["id"], again.body
    wait_until(lambda: login(again.json).works, "the new password works", 10)
    assert not login(machine).works
    assert login(machine, password=None, key=key).told("cat ~/file") == "mine", "another machine"


def test_a_top_up_reaches_a_pod_also_after_a_kill(node_seller, purse):
    machine = node_seller.machine(purse.token(100))
    end = "cut -d. -f1 $TURNPIKE_END_FILE"
    before = int(login(machine).told(end))
    assert 0 <= before - machine["expires"] <= 20
    node_seller.die()
    node_seller.start()
    wait_until(lambda: login(machine).works, "its port is open again", 20)
    assert node_seller.extend(machine, purse.token(50)).status == 200
    wait_until(lambda: int(login(machine).told(end)) - before >= 1790, "the machine knows", 10)


def test_a_pod_ends_itself_when_turnpike_is_dead(node_seller, purse):
    machine = node_seller.machine(purse.token(5), spec="quick")
    wait_until(lambda: node_seller.shown(machine)["state"] == "ready", "it is ready", 10)
    node_seller.die()

    def phases() -> set[str]:
        return {pod["status"]["phase"] for pod in node_seller.cluster.objects("pods").values()}

    assert phases() == {"Running"}
    left = machine["expires"] + 25 - time.time()
    wait_until(lambda: phases() <= {"Succeeded", "Failed"}, "it has ended", left)
    assert time.time() >= machine["expires"]


def greets(machine: dict) -> bool:
    try:
        return greeting(machine) == GREETING
    except OSError:
        return False

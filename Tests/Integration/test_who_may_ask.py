"""Whoever can speak as the proxy decides what is asked: so not everybody can."""

import concurrent.futures
import subprocess

import grpc
import pytest
from counterparts import web
from counterparts.grpc_caller import CHECK, GRPCCaller, outcome, question
from counterparts.processes import free_port
from counterparts.proxies import SECRET
from counterparts.turnpike import dialect, pairs
from counterparts.web import raw

DIALECTS = ("/nginx/check", "/nginx/challenge", "/nginx/accel", "/ingress-nginx/check", "/traefik", "/caddy")


@pytest.mark.parametrize("endpoint", DIALECTS)
def test_a_caller_without_the_secret_is_403(stage, endpoint):
    assert stage.gate.ask("/free/x", endpoint=endpoint, secret=None).status == 403
    assert stage.gate.ask("/free/x", endpoint=endpoint, secret="not-the-right-secret!").status == 403
    assert stage.gate.ask("/free/x", endpoint=endpoint, secret=SECRET[:-1]).status == 403
    twice = stage.gate.ask("/free/x", [("Turnpike-Proxy", "other-secret-of-anyone")], endpoint=endpoint)
    assert twice.status == 403
    known = stage.gate.ask("/free/x", endpoint=endpoint)
    assert known.status == (401 if endpoint.endswith("challenge") else 200)


def test_the_default_backend_of_ingress_nginx_wants_the_secret_too(stage):
    asked = [("X-Code", "401"), ("X-Original-URI", "/paid/x")]
    assert web.fetch(stage.gate.ports["proxy"], "/", headers=asked).status == 403
    known = web.fetch(stage.gate.ports["proxy"], "/", headers=[*asked, ("Turnpike-Proxy", SECRET)])
    assert known.status == 402
    assert web.fetch(stage.gate.ports["proxy"], "/", headers=[("Turnpike-Proxy", SECRET)]).status == 404


def test_a_grpc_caller_without_the_secret_is_refused(stage):
    for secret in (None, "not-the-right-secret!"):
        with GRPCCaller(stage.gate.ports["grpc"], secret) as caller:
            try:
                assert outcome(caller.check("/free/x")) == 403
            except grpc.RpcError as error:
                assert error.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
    with GRPCCaller(stage.gate.ports["grpc"], SECRET) as caller:
        assert outcome(caller.check("/free/x")) == 200


def test_no_adapter_answers_on_the_public_listener(stage):
    for endpoint in (*DIALECTS, "/auth", "/envoy/free/x", "/"):
        headers = [
            *dialect(endpoint, "GET", "/free/x", "localhost", SECRET),
            ("X-Code", "401"),
            ("X-Original-URI", "/free/x"),
        ]
        for listener in ("public", "admin"):
            answer = web.fetch(stage.gate.ports[listener], endpoint, headers=pairs(dict(headers)))
            assert answer.status in (403, 404, 405), f"{listener} {endpoint}"


def test_the_paygress_face_is_off_unless_configured(stage, lone):
    headers = [
        ("X-Original-URL", "http://localhost/free/x"),
        ("X-Original-Method", "GET"),
        ("Turnpike-Proxy", SECRET),
    ]
    assert web.fetch(stage.gate.ports["proxy"], "/auth", headers=headers).status == 404
    gate = lone([stage.mint.url], paygress={"proxy": "ingress-nginx"}).start()
    assert web.fetch(gate.ports["proxy"], "/auth", headers=headers).status == 200


@pytest.mark.parametrize("listener", ["proxy", "grpc"])
def test_a_listener_beyond_loopback_needs_to_know_its_proxies(stage, lone, listener):
    address = f"0.0.0.0:{free_port()}"
    gate = lone([stage.mint.url], proxies=None, listen={listener: address})
    gate.write_config()
    for verb in (["check"], ["serve", "--config"]):
        done = gate.command(*verb, str(gate.config_file))
        assert done.returncode != 0
        assert "proxies" in done.stderr + done.stdout


@pytest.mark.parametrize(
    "known",
    [
        {"proxies": [{"secret": SECRET}]},
        {"proxies": [{"cidr": "127.0.0.0/8"}]},
        {"trust": "network", "proxies": None},
    ],
)
def test_a_listener_beyond_loopback_starts_when_it_knows_its_proxies(stage, lone, known):
    port = free_port()
    gate = lone([stage.mint.url], listen={"proxy": f"0.0.0.0:{port}"}, **known)
    gate.ports["proxy"] = port
    gate.start()
    assert gate.ask("/free/x").status == 200


def test_a_network_that_the_caller_is_not_in_is_403(stage, lone):
    gate = lone([stage.mint.url], proxies=[{"cidr": "192.0.2.0/24"}]).start()
    assert gate.ask("/free/x").status == 403


def test_a_shared_secret_that_could_be_guessed_stops_the_start(stage, lone):
    gate = lone([stage.mint.url], proxies=[{"secret": "short"}])
    assert gate.command("check", str(gate.write_config())).returncode != 0


def test_a_missing_or_repeated_member_of_the_question_is_400(stage):
    port = stage.gate.ports["proxy"]
    for endpoint in ("/nginx/accel", "/traefik", "/caddy"):
        question_headers = dialect(endpoint, "GET", "/free/x", "localhost", SECRET)
        members = [
            pair for pair in question_headers if pair[0] not in ("Turnpike-Proxy", "X-Forwarded-Proto")
        ]
        for member in members:
            missing = [pair for pair in question_headers if pair != member]
            # Without the client's address there is a question all the same: it has no free quota.
            wanted = 200 if member[0] in ("X-Real-IP", "X-Forwarded-For") else 400
            assert (
                web.fetch(port, endpoint, headers=missing).status == wanted
            ), f"{endpoint} without {member[0]}"
            doubled = [*question_headers, member]
            assert (
                web.fetch(port, endpoint, headers=doubled).status == 400
            ), f"{endpoint} with two {member[0]}"


def test_each_endpoint_reads_one_header_set_only(stage):
    port = stage.gate.ports["proxy"]
    sets = {
        "/nginx/accel": dialect("/nginx/accel", "GET", "/free/x", "localhost", None),
        "/ingress-nginx/check": dialect("/ingress-nginx/check", "GET", "/free/x", "localhost", None),
        "/caddy": dialect("/caddy", "GET", "/free/x", "localhost", None),
    }
    for endpoint in sets:
        own = dialect(endpoint, "GET", "/paid/x", "localhost", SECRET)
        taken = {name for name, _ in own}
        others = [
            pair
            for other, question in sets.items()
            if other != endpoint
            for pair in question
            if pair[0] not in taken
        ]
        status = web.fetch(port, endpoint, headers=[*own, *others]).status
        assert status == (401 if endpoint == "/ingress-nginx/check" else 402), endpoint


def test_the_same_request_id_is_a_repeat_and_another_is_spent(stage, purse):
    token = purse.token(10)
    asked = [("X-Cashu", token)]
    first = stage.gate.ask("/paid/x", [*asked, ("Turnpike-Request", "one")], endpoint="/nginx/check")
    again = stage.gate.ask("/paid/x", [*asked, ("Turnpike-Request", "one")], endpoint="/nginx/check")
    assert (first.status, again.status) == (200, 200)
    for target, request in (("/paid/x", "two"), ("/paid/y", "one"), ("/paid/x", None)):
        headers = [*asked, *([("Turnpike-Request", request)] if request else [])]
        assert stage.gate.ask(target, headers, endpoint="/nginx/check").status == 401
    assert stage.gate.ask("/paid/x", [*asked, ("Turnpike-Request", "one")], endpoint="/caddy").status == 402


def test_a_request_id_repeats_at_most_ten_times(stage, purse):
    asked = [("X-Cashu", purse.token(10)), ("Turnpike-Request", "often")]
    statuses = [stage.gate.ask("/paid/x", asked, endpoint="/nginx/check").status for _ in range(13)]
    assert statuses[0] == 200
    assert statuses.count(200) <= 11
    assert statuses[-1] == 401


@pytest.mark.parametrize("endpoint", ["/caddy", "/traefik", "/ingress-nginx/check"])
def test_only_nginx_and_envoy_may_name_a_request(stage, purse, endpoint):
    asked = [("X-Cashu", purse.token(10)), ("Turnpike-Request", "one"), ("X-Request-ID", "one")]
    assert stage.gate.ask("/paid/x", asked, endpoint=endpoint).status == 200
    assert stage.gate.ask("/paid/x", asked, endpoint=endpoint).status in (401, 402)


def test_without_repeats_nginx_may_not_name_a_request_either(stage, lone, purse):
    gate = lone([stage.mint.url], nginx=None).start()
    asked = [("X-Cashu", purse.token(10)), ("Turnpike-Request", "one")]
    assert gate.ask("/paid/x", asked, endpoint="/nginx/check").status == 200
    assert gate.ask("/paid/x", asked, endpoint="/nginx/check").status == 401


def test_envoys_own_id_is_a_repeat_and_a_clients_is_not(stage, purse):
    token = purse.token(10)
    with GRPCCaller(stage.gate.ports["grpc"], SECRET) as caller:
        spoof = {"x-cashu": token, "x-request-id": "one", "turnpike-request": "one"}
        assert outcome(caller.check("/paid/x", headers=spoof, id="12345")) == 200
        assert outcome(caller.check("/paid/x", headers=spoof, id="12345")) == 200
        assert outcome(caller.check("/paid/x", headers=spoof, id="54321")) == 402
        assert outcome(caller.check("/paid/x", headers=spoof)) == 402


def test_a_spent_token_is_asked_about_once_however_often_it_comes(lone, scripted, stage):
    """A DLEQ-valid token that the mint calls spent: a thousand times, one mint call."""
    from counterparts.mint import Wallet

    gate = lone([scripted.url]).start()
    wallet = Wallet(scripted.url, gate.folder / "wallet")
    try:
        token = wallet.token(10)
        wallet.redeem(token)
    finally:
        wallet.stop()
    assert gate.ask("/free/x").status == 200
    before = scripted.calls["/v1/swap"]
    assert gate.ask("/paid/x", {"X-Cashu": token}).status == 402
    assert scripted.calls["/v1/swap"] == before + 1
    calls = scripted.spending_calls

    def often(count: int) -> set[int]:
        with web.Connection(gate.ports["proxy"]) as connection:
            headers = [*dialect("/caddy", "GET", "/paid/x", "localhost", SECRET), ("X-Cashu", token)]
            return {connection.request("GET", "/caddy", headers).status for _ in range(count)}

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(often, [250] * 4)) == {402}
    assert scripted.spending_calls == calls


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A throwaway authority, a server of it, and two clients: one with the name that is listed, one with another."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=authority", "-days", "2"
    )
    for name in ("server", "gateway", "stranger"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(f"subjectAltName=URI:spiffe://example.org/{name},DNS:localhost\n")
        openssl(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            f"{name}.ext",
            "-out",
            f"{name}.crt",
        )
    return folder


def test_mutual_tls_lets_the_named_proxy_ask_and_no_other(stage, lone, certificates):
    tls = {
        "cert": str(certificates / "server.crt"),
        "key": str(certificates / "server.key"),
        "clientCA": str(certificates / "ca.crt"),
    }
    gate = lone(
        [stage.mint.url], proxies=[{"name": "spiffe://example.org/gateway"}], tls={"grpc": tls}
    ).start()

    def check(name: str | None) -> int:
        client = (
            (None, None)
            if name is None
            else ((certificates / f"{name}.key").read_bytes(), (certificates / f"{name}.crt").read_bytes())
        )
        credentials = grpc.ssl_channel_credentials((certificates / "ca.crt").read_bytes(), *client)
        from envoy.service.auth.v3 import external_auth_pb2

        with grpc.secure_channel(f"localhost:{gate.ports['grpc']}", credentials) as channel:
            stub = channel.unary_unary(CHECK, lambda data: data, external_auth_pb2.CheckResponse.FromString)
            try:
                return outcome(stub(question("/free/x").SerializeToString(), timeout=10))
            except grpc.RpcError:
                return 403

    assert check("gateway") == 200
    assert check("stranger") == 403
    assert check(None) == 403


def test_plain_bytes_on_a_tls_listener_and_tls_on_a_plain_one_end_quietly(stage):
    hello = bytes.fromhex("16030100050100000100")
    assert 200 not in web.statuses(raw(stage.gate.ports["proxy"], hello))
    assert stage.gate.ask("/free/x").status == 200

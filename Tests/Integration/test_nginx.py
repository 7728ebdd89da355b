"""What only NGINX makes hard: true answers where auth_request knows three codes, keep-alive, and questions asked twice."""

import pytest
from counterparts.proxies import Nginx
from counterparts.scripted_mint import drop
from counterparts.web import Closed

DOORS = ("nginx", "nginx-auth-request")


@pytest.fixture(params=DOORS)
def nginx(request, stage):
    stage.app.forget()
    return stage.doors[request.param]


def test_a_402_is_whole(nginx):
    answer = nginx.fetch("/paid/x")
    assert answer.status == 402
    assert answer.header("content-type").startswith("application/json")
    assert answer.json["amount"] == 10 and answer.json["unit"] == "sat"
    assert answer.header("x-cashu").startswith("creqA")
    assert answer.header("www-authenticate")


def test_a_400_is_whole(nginx, stage):
    answer = nginx.fetch("/paid/x", headers={"X-Cashu": stage.wallet.token(4)})
    assert answer.status == 400
    assert answer.json["reason"]
    assert "no-store" in answer.header("cache-control")


def test_a_409_is_whole(nginx, purse):
    token = purse.token(100)
    assert nginx.fetch("/hour/x", headers={"X-Cashu": token}).status == 200
    answer = nginx.fetch("/paid/x", headers={"X-Cashu": token})
    assert answer.status == 409
    assert answer.json["reason"] == "other_route"


def test_a_path_that_cannot_be_read_is_400(nginx, app):
    assert nginx.fetch("/free/..%2fpaid").status == 400
    assert app.seen == []


@pytest.mark.parametrize("host", ["<b>", 'a"b', "a{b}", "a,b", "a'b", "a(b"])
def test_a_host_that_is_none_is_400_and_no_outage(nginx, app, host):
    assert nginx.fetch("/paid/x", host=host).status == 400
    assert app.seen == []


def behind(stage, gate, folder, **how) -> Nginx:
    return Nginx(folder, stage.app.port, gate.ports["proxy"], gate.ports["grpc"], **how)


@pytest.mark.parametrize("pattern", DOORS)
def test_a_503_is_whole_and_the_connection_stays(stage, lone, scripted, scripted_purse, tmp_path, pattern):
    token = scripted_purse.token(10)
    gate = lone([scripted.url]).start()
    proxy = behind(stage, gate, tmp_path / "nginx").start()
    nginx = proxy if pattern == "nginx" else proxy.by_auth_request
    try:
        scripted.everything(drop())
        with nginx.connect() as connection:
            answer = connection.request("GET", "/paid/x", {"X-Cashu": token})
            assert answer.status == 503
            assert answer.json["reason"] in ("outage", "unknown", "in_flight")
            assert int(answer.header("retry-after")) >= 1
            assert not answer.closed
            assert connection.request("GET", "/free/x").status == 200
    finally:
        proxy.stop()


def test_one_client_connection_serves_many_refusals(nginx, stage):
    with nginx.connect() as connection:
        for _ in range(20):
            answer = connection.request("GET", "/paid/x")
            assert answer.status == 402 and not answer.closed
        bad = connection.request("GET", "/paid/x", {"X-Cashu": stage.wallet.token(4)})
        assert bad.status == 400 and not bad.closed
        with pytest.raises(Closed):
            connection.request("GET", "/free/x", {"Connection": "close"})
            connection.request("GET", "/free/x")


SITE = """
    location /paid/site/ {
      auth_request /turnpike; auth_request_set $turnpike_reason $upstream_http_turnpike_reason; error_page 401 = @challenge;
      root ROOT; index index.html;
    }
    location /paid/try/ {
      auth_request /turnpike; auth_request_set $turnpike_reason $upstream_http_turnpike_reason; error_page 401 = @challenge;
      root ROOT; try_files $uri /paid/try/index.html;
    }
    location /paid/lost/ {
      auth_request /turnpike; auth_request_set $turnpike_reason $upstream_http_turnpike_reason; error_page 401 = @challenge;
      root ROOT; error_page 404 /paid/lost/missing.html;
    }
    location = /turnpike {"""


@pytest.fixture(scope="module")
def site(stage, tmp_path_factory):
    """The auth_request example with three ways in which NGINX redirects a request inside."""
    folder = tmp_path_factory.mktemp("site")
    for page, text in {
        "site/index.html": "front page",
        "try/index.html": "fallback",
        "lost/missing.html": "not here",
    }.items():
        path = folder / "paid" / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent.stat().st_uid == folder.stat().st_uid and str(parent).count("/") > 1:
            parent.chmod(parent.stat().st_mode | 0o055)  # NGINX as root reads as nobody
    gate = stage.gate
    proxy = behind(
        stage,
        gate,
        folder / "nginx",
        replace={"\n    location = /turnpike {": SITE.replace("ROOT", str(folder))},
    ).start()
    yield proxy.by_auth_request
    proxy.stop()


@pytest.mark.parametrize(
    ("page", "status", "text"),
    [
        ("/paid/site/", 200, b"front page"),
        ("/paid/try/anything", 200, b"fallback"),
        ("/paid/lost/page", 404, b"not here"),
    ],
)
def test_a_page_behind_an_internal_redirect_costs_one_payment(site, purse, page, status, text):
    token = purse.token(10)
    answer = site.fetch(page, headers={"X-Cashu": token})
    assert (answer.status, answer.body) == (status, text)
    assert site.fetch(page, headers={"X-Cashu": token}).status == 402
    assert site.fetch(page).status == 402


def test_a_challenge_never_answers_2xx(stage, purse):
    good = purse.token(10)
    for headers in ([], [("X-Cashu", good)], [("X-Cashu", "junk")]):
        for target in ("/paid/x", "/free/x", "/nothing", "/free/..%2fpaid"):
            answer = stage.gate.ask(target, headers, endpoint="/nginx/challenge")
            assert answer.status >= 400
    answer = stage.gate.ask("/paid/x", [("X-Cashu", good)], endpoint="/nginx/check")
    assert answer.status == 200, "the challenge took the payment"


def test_a_check_knows_three_codes(stage, purse):
    spent = purse.token(10)
    asked = [
        stage.gate.ask("/paid/x", headers, endpoint="/nginx/check").status
        for headers in (
            [("X-Cashu", spent)],
            [("X-Cashu", spent)],
            [],
            [("X-Cashu", "junk")],
            [("X-Cashu", purse.token(10)), ("X-Cashu", purse.token(10))],
        )
    ]
    assert asked == [200, 401, 401, 401, 401]
    assert stage.gate.ask("/nothing", endpoint="/nginx/check").status in (401, 403)

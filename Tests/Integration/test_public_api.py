"""What a buyer finds on `public`: offers, passes, invoices, receipts; and the 402 as a browser shows it."""

import re

import pytest
from counterparts import tokens, web
from counterparts.payer import as_v2, receipt, required
from counterparts.processes import wait_until
from counterparts.proxies import Caddy, Envoy, IngressNginx, Nginx, Traefik
from counterparts.turnpike import DOLLAR_ROUTES, ROUTES, x402

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PASSES = [
    {"path": "/one/**", "price": {"sat": 10}, "pass": {"uses": 1}},
    {"path": "/five/**", "price": {"sat": 10}, "pass": {"uses": 5}},
    {"path": "/hour/**", "price": {"sat": 100}, "pass": {"duration": "1h"}},
    {"path": "/free/**", "access": "free"},
]


def public(
    gate, target: str, method: str = "GET", headers=(), body: bytes | None = None, **how
) -> web.Answer:
    return web.fetch(gate.ports["public"], target, method, headers, body, **how)


def exchange(gate, path: str, headers) -> web.Answer:
    return public(gate, f"/v1/passes?url=http://localhost{path}", "POST", headers, b"")


@pytest.fixture(scope="module")
def shop(stage, tmp_path_factory):
    from counterparts.turnpike import Turnpike

    gate = Turnpike(
        tmp_path_factory.mktemp("shop"),
        [stage.mint.url],
        routes=PASSES,
        payments={"cashu": {"lightning": {"mint": stage.mint.url}}},
    ).start()
    yield gate
    gate.stop()


def test_offers_list_routes_prices_and_ways_to_pay(dollar_gate):
    answer = public(dollar_gate, "/v1/offers")
    assert answer.status == 200
    listed = {route["path"]: route for route in answer.json["routes"]}
    assert set(listed) == {route["path"] for route in DOLLAR_ROUTES}
    assert listed["/free/**"]["access"] == "free"
    both = listed["/both/**"]
    assert {payment["method"] for payment in both["payments"]} == {"cashu", "x402"}
    assert {price["amount"] for price in both["prices"]} == {10, 10000}


def test_the_api_describes_itself(shop):
    described = public(shop, "/openapi.json").json
    for path in ("/v1/offers", "/v1/passes", "/v1/invoices", "/v1/payments/{id}"):
        assert path in described["paths"]


def test_a_payment_is_exchanged_for_a_pass_that_opens_its_route(shop, purse):
    token = purse.token(10)
    made = exchange(shop, "/five/x", {"X-Cashu": token})
    assert made.status == 200, made.body
    assert made.json["remaining"]["uses"] == 5
    given = {"Turnpike-Pass": made.json["pass"]}
    left = []
    for _ in range(5):
        answer = shop.ask("/five/y", given)
        assert answer.status == 200
        left.append(answer.header("turnpike-remaining"))
    assert left == [f"uses={n}" for n in (4, 3, 2, 1, 0)]
    assert answer.header("turnpike-low-balance")
    over = shop.ask("/five/y", given)
    assert (over.status, over.json["reason"]) == (402, "pass_used")


def test_the_same_payment_gives_the_same_pass(shop, purse):
    token = purse.token(10)
    first = exchange(shop, "/five/x", {"X-Cashu": token})
    second = exchange(shop, "/five/x", {"X-Cashu": token})
    assert first.json["pass"] == second.json["pass"]
    assert second.json["remaining"]["uses"] == 5


def test_payment_and_pass_are_one_balance(shop, purse):
    token = purse.token(10)
    given = {"Turnpike-Pass": exchange(shop, "/five/x", {"X-Cashu": token}).json["pass"]}
    statuses = [shop.ask("/five/x", how).status for how in (given, {"X-Cashu": token}) * 3]
    assert statuses == [200] * 5 + [402]


def test_a_second_payment_tops_a_pass_up(shop, purse):
    made = exchange(shop, "/five/x", {"X-Cashu": purse.token(10)})
    more = purse.token(10)
    for _ in range(2):  # the payment is the idempotency key
        topped = exchange(shop, "/five/x", {"X-Cashu": more, "Turnpike-Pass": made.json["pass"]})
        assert topped.status == 200, topped.body
        assert topped.json["pass"] == made.json["pass"]
        assert topped.json["remaining"]["uses"] == 10


def test_a_payment_is_shown_to_whoever_knows_its_id_without_its_pass(shop, purse):
    token = purse.token(10)
    made = exchange(shop, "/five/x", {"X-Cashu": token})
    shown = public(shop, f"/v1/payments/{made.json['payment']}")
    assert shown.status == 200
    assert (shown.json["state"], shown.json["amount"], shown.json["unit"]) == ("settled", 10, "sat")
    assert shown.json["remaining"]["uses"] == 5
    assert made.json["pass"].encode() not in shown.body
    assert made.json["payment"] == tokens.payment_id(token)
    assert public(shop, "/v1/payments/" + "0" * 32).status == 404


def test_a_revoked_pass_cannot_be_had_again_by_its_payment(shop, purse):
    token = purse.token(100)
    made = exchange(shop, "/hour/x", {"X-Cashu": token})
    given = {"Turnpike-Pass": made.json["pass"]}
    assert shop.ask("/hour/x", given).status == 200
    done = shop.command("ledger", "revoke", made.json["payment"], "--config", str(shop.config_file))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: shop.ask("/hour/x", given).status == 402, "the pass is revoked", seconds=15)
    refused = exchange(shop, "/hour/x", {"X-Cashu": token})
    assert (refused.status, refused.json["reason"]) == (402, "pass_revoked")
    assert b"tp1." not in refused.body and not refused.header("turnpike-pass")
    assert shop.ask("/hour/x", {"X-Cashu": token}).status == 402


def test_a_revoked_dollar_pass_cannot_be_had_again_by_its_payment(dollar_gate, bank):
    payer = bank.payer()
    payment = as_v2(payer.v2(required(dollar_gate.ask("/usd-hour/x"))))
    bought = dollar_gate.ask("/usd-hour/x", payment)
    assert bought.status == 200
    given = {"Turnpike-Pass": bought.header("turnpike-pass")}
    id = dollar_gate.command(
        "ledger", "list", "--config", str(dollar_gate.config_file), "--json", "--limit", "1"
    )
    import json

    done = dollar_gate.command(
        "ledger", "revoke", json.loads(id.stdout)[0]["id"], "--config", str(dollar_gate.config_file)
    )
    assert done.returncode == 0, done.stderr
    wait_until(lambda: dollar_gate.ask("/usd-hour/x", given).status == 402, "revoked", seconds=15)
    again = dollar_gate.ask("/usd-hour/x", payment)
    assert again.status == 402 and not again.header("turnpike-pass")
    assert bank.settled(payer) == 1


def test_a_dollar_payment_is_shown_with_its_transaction(dollar_gate, bank):
    payer = bank.payer()
    made = exchange(
        dollar_gate,
        "/usd-three/x",
        as_v2(payer.v2(required(dollar_gate.ask("/usd-three/x")))),
    )
    assert made.status == 200, made.body
    shown = public(dollar_gate, f"/v1/payments/{made.json['payment']}").json
    assert shown["transaction"] == receipt(made)["transaction"]
    assert shown["method"] == "x402" and shown["amount"] == 10000


def test_an_invoice_paid_over_lightning_gives_a_pass(shop):
    """The mint's fake Lightning wallet pays at once; the gate mints the ecash for itself."""
    ordered = public(shop, "/v1/invoices?url=http://localhost/five/x", "POST", {}, b"")
    assert ordered.status == 201, ordered.body
    assert ordered.json["invoice"].startswith("lnbc")
    assert (ordered.json["amount"], ordered.json["unit"]) == (10, "sat")
    where = re.sub(r"^https?://[^/]+", "", ordered.header("location"))

    def paid():
        answer = public(shop, where)
        assert answer.json["state"] in ("open", "settling", "paid"), answer.body
        return answer.json["state"] == "paid" and answer

    answer = wait_until(paid, "the invoice is paid", seconds=40, every=0.5)
    given = {"Turnpike-Pass": answer.json["pass"]["pass"]}
    assert [shop.ask("/five/x", given).status for _ in range(6)] == [200] * 5 + [402]


def test_an_invoice_for_nothing_that_is_sold_is_refused(shop):
    assert public(shop, "/v1/invoices?url=http://localhost/nowhere", "POST", {}, b"").status == 403
    assert public(shop, "/v1/invoices", "POST", {}, b"").status == 400
    assert public(shop, "/v1/invoices/nobody-ordered-this").status == 404


def test_a_browser_gets_a_page_that_needs_no_script_and_nothing_from_elsewhere(shop):
    answer = shop.ask("/five/x", BROWSER)
    assert answer.status == 402
    assert answer.header("content-type").startswith("text/html")
    page = answer.body.decode()
    assert "10 sat" in page and "<svg" in page and "creqA" in page
    assert "default-src 'none'" in answer.header("content-security-policy")
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page), "an outside resource"
    assert shop.ask("/five/x", {"Accept": "application/json"}).json["reason"] == "payment_required"
    assert shop.ask("/five/x").json["reason"] == "payment_required"


def test_what_a_browser_sends_in_a_path_cannot_become_part_of_the_page(shop):
    page = shop.ask("/five/%3Cscript%3Ealert(1)%3C/script%3E", BROWSER).body.decode()
    assert "<script>alert" not in page


def test_a_free_quota_is_counted_for_each_client(lone, stage):
    routes = [
        {
            "path": "/paid/**",
            "price": {"sat": 10},
            "pass": {"uses": 1},
            "free": {"requests": 3, "per": "1h"},
        }
    ]
    gate = lone([stage.mint.url], routes=routes).start()
    assert [gate.ask("/paid/x", client="192.0.2.1").status for _ in range(4)] == [200] * 3 + [402]
    assert gate.ask("/paid/x", client="192.0.2.2").status == 200
    assert gate.ask("/paid/x", {"X-Cashu": stage.purse.token(10)}, client="192.0.2.1").status == 200
    gate.stop()
    gate.start()
    assert gate.ask("/paid/x", client="192.0.2.1").status == 402, "a restart gives no new quota"


def test_a_client_that_never_pays_is_not_asked_for_ever(lone, stage):
    gate = lone([stage.mint.url], unpaid={"requests": 5, "per": "1h"}).start()
    statuses = [gate.ask("/paid/x", client="192.0.2.1").status for _ in range(7)]
    assert statuses == [402] * 5 + [429] * 2
    assert gate.ask("/paid/x", client="192.0.2.2").status == 402
    limited = gate.ask("/paid/x", client="192.0.2.1")
    assert int(limited.header("retry-after")) >= 1
    assert gate.ask("/paid/x", {"X-Cashu": stage.purse.token(10)}, client="192.0.2.1").status == 200
    assert gate.ask("/free/x", client="192.0.2.1").status == 200


def test_the_limits_are_off_unless_they_are_asked_for(stage):
    assert all("free" not in route for route in ROUTES)
    assert {stage.gate.ask("/paid/x", client="192.0.2.9").status for _ in range(30)} == {402}


def test_no_adapter_answers_on_public(shop, stage):
    for path in ("/caddy", "/nginx/check", "/envoy/x", "/traefik", "/auth"):
        assert public(shop, path).status == 404


def test_dollars_need_the_section(lone, stage):
    """The facilitator is configured, and a price in dollars is offered; without it the configuration is refused or warned of."""
    gate = lone(
        [stage.mint.url], payments={"x402": x402("http://127.0.0.1:9", None)}, routes=DOLLAR_ROUTES
    ).start()
    assert required(gate.ask("/usd/x"))["accepts"]


def test_a_browser_gets_the_page_through_every_proxy(door, app):
    """As a whole: through NGINX's second question and ingress-nginx's default backend too."""
    attack = "/paid/<script>alert(1)</script>'\"?a=</textarea><script>alert(2)</script>"
    for target in ("/paid/x", attack):
        answer = door.fetch(target, headers=BROWSER)
        assert answer.status == 402
        assert answer.header("content-type") == "text/html; charset=utf-8"
        policy = answer.header("content-security-policy")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("cache-control") == "no-store" and answer.header("vary") == "accept"
        assert answer.header("x-cashu").startswith("creqA")
        page = answer.body.decode()
        assert "10 sat" in page and page.count("<script") == 1 and page.count("</textarea>") == 1
        assert 'alert(1)</script>' not in page and "'\"" not in page
    assert door.fetch("/paid/x", "HEAD", BROWSER).body == b""
    assert door.fetch("/paid/x", "POST", BROWSER).json["reason"] == "payment_required"
    assert app.seen == []


def test_a_402_has_room_in_every_proxy(door):
    """The longest host and path that a challenge repeats; a head that a proxy cannot read would be a 502."""
    host = ".".join(["a" * 60] * 4)
    for target in ("/paid/" + "b" * 500, "/paid/x?" + "c" * 6000, "/paid/" + "%C3%A9" * 160):
        for headers in ({}, BROWSER):
            answer = door.fetch(target, headers=headers, host=host)
            assert answer.status == 402 and answer.header("x-cashu")
            assert sum(len(name) + len(value) + 4 for name, value in answer.headers) < 4096


def test_a_page_that_was_paid_for_is_no_caches_to_give_away(door, purse):
    """The app says `public, max-age=60`; of two lines a cache obeys the stricter (RFC 9111 §5.2.2.5)."""
    answer = door.fetch("/paid/x", headers={"X-Cashu": purse.token(10)})
    assert answer.status == 200
    said = ", ".join(answer.all("cache-control"))
    # The controller hands on cookies only; its example says what to do about it.
    assert "no-store" in said or door.name == "ingress-nginx"


KINDS = [Envoy, IngressNginx, Nginx, Traefik, Caddy]


@pytest.fixture
def street(lone, stage, tmp_path):
    """One gate behind every proxy: six doors, and five demands to pay for each client."""
    gate = lone([stage.mint.url], unpaid={"requests": 6, "per": "1h"}, proxies=[{"cidr": "127.0.0.0/8"}]).start()
    ports = (stage.app.port, gate.ports["proxy"], gate.ports["grpc"])
    made = [kind(tmp_path / kind.name, *ports).begin() for kind in KINDS]
    try:
        for proxy in made:
            # Not `await_ready` alone: Traefik asks a free page until it is routed.
            proxy.await_ready()
        nginx = made[KINDS.index(Nginx)]
        yield gate, [*made, nginx.by_auth_request]
    finally:
        for proxy in made:
            proxy.stop()


def test_a_client_is_counted_by_its_address_through_every_proxy(street, stage):
    """Not by the proxy, or one client would use up what all others have; nor by what it says of itself."""
    gate, doors = street

    def lies(number: int) -> list[tuple[str, str]]:
        names = ("X-Real-IP", "X-Forwarded-For", "True-Client-IP", "X-Envoy-External-Address")
        return [(name, f"192.0.2.{number}") for name in names]

    assert [door.fetch("/paid/x", headers=lies(n)).status for n, door in enumerate(doors)] == [402] * 6
    for number, door in enumerate(doors):
        for method in ("GET", "HEAD", "POST"):
            answer = door.fetch("/paid/x", method, [*lies(number + 10), *BROWSER.items()])
            assert answer.status == 429, door.name
            assert int(answer.header("retry-after")) >= 1
            assert answer.header("cache-control") == "no-store"
            assert not answer.header("content-security-policy") and b"<html" not in answer.body
        assert door.fetch("/free/x").status == 200
        assert door.fetch("/paid/x", headers={"X-Cashu": stage.purse.token(10)}).status == 200
    assert gate.ask("/paid/x", client="192.0.2.77").status == 402, "another client"


def test_what_is_logged_holds_no_secret(lone, stage):
    gate = lone(
        [stage.mint.url],
        routes=PASSES,
        payments={"cashu": {"lightning": {"mint": stage.mint.url}}},
        log={"level": "trace"},
    ).start()
    token, junk = stage.purse.token(10), "cashuBjunk" + "q" * 40
    made = exchange(gate, "/five/x", {"X-Cashu": token}).json["pass"]
    for headers in ({"X-Cashu": token}, {"X-Cashu": junk}, {"Turnpike-Pass": made}, {"Cookie": f"turnpike_pass={made}"}):
        gate.ask("/five/x", headers)
    ordered = public(gate, "/v1/invoices?url=http://localhost/five/x", "POST", {}, b"").json
    public(gate, f"/v1/invoices/{ordered['id']}")
    gate.stop()
    assert "/five/**" in gate.log
    for secret in (token, token[10:60], junk, made, made[-40:], ordered["id"], ordered["invoice"]):
        assert secret not in gate.log

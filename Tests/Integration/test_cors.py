"""Pages of other origins: a true preflight passes on a route with `cors:`, and what they may read of a refusal."""

SHOP = "https://shop.example"
PREFLIGHT = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "x-cashu",
}


def test_a_true_preflight_is_the_apps_to_answer(door, app):
    assert door.fetch("/shop/x", "OPTIONS", PREFLIGHT).status == 200
    assert [(seen["method"], seen["path"]) for seen in app.seen] == [("OPTIONS", "/shop/x")]
    assert app.seen[0]["headers"].get("x-payment-verified", "") == ""


def test_what_is_no_true_preflight_is_priced(door, app):
    asked = [
        ("OPTIONS", {}),
        ("OPTIONS", {"Origin": SHOP}),
        ("OPTIONS", {"Access-Control-Request-Method": "GET"}),
        ("GET", PREFLIGHT),
        ("POST", PREFLIGHT),
    ]
    for method, headers in asked:
        assert door.fetch("/shop/x", method, headers).status == 402, (method, headers)
    assert door.fetch("/paid/x", "OPTIONS", PREFLIGHT).status == 402, "a route without cors"
    assert door.fetch("/nothing", "OPTIONS", PREFLIGHT).status == 403
    assert door.fetch("/shop/../paid/x", "OPTIONS", PREFLIGHT).status in (400, 402)
    assert app.seen == []


def test_a_listed_origin_may_read_why_it_was_refused(door):
    refused = door.fetch("/shop/x", headers={"Origin": SHOP})
    assert refused.status == 402
    assert refused.all("access-control-allow-origin") == [SHOP]
    exposed = {name.strip().lower() for name in refused.header("access-control-expose-headers").split(",")}
    assert {"x-cashu", "www-authenticate", "turnpike-reason", "retry-after"} <= exposed
    assert "origin" in refused.header("vary").lower()
    malformed = door.fetch("/shop/x", headers={"Origin": SHOP, "X-Cashu": "cashuBnonsense"})
    assert malformed.status == 400
    assert malformed.all("access-control-allow-origin") == [SHOP]


def test_another_origin_may_not(door):
    for origin in (
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        "null",
    ):
        refused = door.fetch("/shop/x", headers={"Origin": origin})
        assert refused.status == 402
        assert refused.header("access-control-allow-origin") is None
    assert door.fetch("/paid/x", headers={"Origin": SHOP}).header("access-control-allow-origin") is None


def test_a_payment_of_another_origin_pays(door, app, purse):
    answer = door.fetch("/shop/x", headers={"Origin": SHOP, "X-Cashu": purse.token(10)})
    assert answer.status == 200
    assert len(app.seen) == 1

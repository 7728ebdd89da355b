"""Every example runs as it is written, the minimal ones too, and says in its README what it is."""

import pytest
import yaml
from counterparts.processes import ROOT
from counterparts.proxies import Caddy, Envoy, Nginx, Traefik
from test_bypass import ASSERTED

MINIMAL = {
    "envoy": (Envoy, "envoy/minimal.yaml"),
    "nginx": (Nginx, "nginx/minimal.conf"),
    "traefik": (Traefik, "traefik/minimal"),
    "caddy": (Caddy, "caddy/minimal.Caddyfile"),
}


@pytest.mark.parametrize("name", MINIMAL)
def test_the_minimal_example_asks_pays_and_strips(stage, tmp_path, purse, name):
    kind, example = MINIMAL[name]
    gate = stage.gate_by_address if name == "envoy" else stage.gate  # its minimal example sends no secret
    proxy = kind(
        tmp_path / name, stage.app.port, gate.ports["proxy"], gate.ports["grpc"], example=example
    ).start()
    try:
        for door in [proxy, *([proxy.by_auth_request] if name == "nginx" else [])]:
            stage.app.forget()
            assert door.fetch("/free/x", headers=[(name, "spoofed") for name in ASSERTED]).status == 200
            assert door.fetch("/paid/x").status == 402
            token = purse.token(10)
            assert door.fetch("/paid/x", headers={"X-Cashu": token}).status == 200
            assert door.fetch("/paid/x", headers={"X-Cashu": token}).status == 402
            assert len(stage.app.seen) == 2
            assert token not in str(stage.app.seen)
            assert "spoofed" not in str(stage.app.seen)
            assert stage.app.seen[1]["headers"]["x-payment-verified"] == "true"
    finally:
        proxy.stop()


def test_every_ingress_names_all_that_turnpike_asserts_and_all_that_pays():
    """ingress-nginx hands the app the client's own copy of a header that is not listed."""
    documents = list(yaml.safe_load_all((ROOT / "nginx" / "ingress-nginx.yaml").read_text()))
    lists = [
        one["metadata"]["annotations"]["nginx.ingress.kubernetes.io/auth-response-headers"]
        for one in documents
        if one["kind"] == "Ingress"
    ]
    assert len(lists) == 2
    for listed in lists:
        names = {name.lower() for name in listed.split(",")}
        assert {name.lower() for name in ASSERTED} <= names
        assert {"x-cashu", "x-payment", "payment-signature", "turnpike-pass"} <= names


@pytest.mark.parametrize("folder", ["envoy", "istio", "traefik", "nginx", "caddy"])
def test_each_example_has_a_readme_of_one_screen(folder):
    text = (ROOT / folder / "README.md").read_text()
    assert len(text.splitlines()) <= 50
    for file in (ROOT / folder).iterdir():
        assert file.name in text, f"{folder}/README.md says nothing of {file.name}"

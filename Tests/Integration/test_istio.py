"""The Istio example: its YAML is what Istio's schemas say, and its Envoy is what istiod makes of it (run as the door `istio`)."""

import pytest
import yaml
from counterparts.processes import ROOT

EXAMPLES = ("minimal.yaml", "hardened.yaml")

# The fields of the objects we use, after Istio's API (MeshConfig.ExtensionProvider, AuthorizationPolicy, PeerAuthentication, EnvoyFilter).
PROVIDER = {
    "service": str,
    "port": int,
    "timeout": str,
    "failOpen": bool,
    "clearRouteCache": bool,
    "statusOnError": str,
    "includeRequestBodyInCheck": dict,
}
RULE = {"from": list, "to": list, "when": list}
OPERATION = {"hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths"}
KINDS = {
    "IstioOperator": "install.istio.io/v1alpha1",
    "AuthorizationPolicy": "security.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "EnvoyFilter": "networking.istio.io/v1alpha3",
}


def documents(name: str) -> list[dict]:
    return list(yaml.safe_load_all((ROOT / "istio" / name).read_text()))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_document_is_a_kind_that_istio_has(name):
    for document in documents(name):
        assert document["apiVersion"] == KINDS[document["kind"]]
        assert document["metadata"]["name"] and document["metadata"]["namespace"]
        assert set(document) == {"apiVersion", "kind", "metadata", "spec"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_policy_names_a_provider_that_the_mesh_has(name):
    by_kind = {}
    for document in documents(name):
        by_kind.setdefault(document["kind"], []).append(document["spec"])
    providers = by_kind["IstioOperator"][0]["meshConfig"]["extensionProviders"]
    custom = [policy for policy in by_kind["AuthorizationPolicy"] if policy["action"] == "CUSTOM"]
    assert len(custom) == 1
    assert custom[0]["provider"]["name"] in [provider["name"] for provider in providers]
    for provider in providers:
        assert set(provider) == {"name", "envoyExtAuthzGrpc"}
        grpc = provider["envoyExtAuthzGrpc"]
        for key, value in grpc.items():
            assert isinstance(value, PROVIDER[key]), key
        assert grpc["timeout"] == "30s", "Istio's own default is ten minutes"
        assert grpc["statusOnError"] == "503"
        assert not grpc.get("failOpen")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_rules_of_every_policy_have_istios_fields(name):
    for document in documents(name):
        if document["kind"] != "AuthorizationPolicy":
            continue
        spec = document["spec"]
        assert spec["action"] in ("ALLOW", "DENY", "AUDIT", "CUSTOM")
        assert (spec["action"] == "CUSTOM") == ("provider" in spec)
        for rule in spec["rules"]:
            for key, value in rule.items():
                assert isinstance(value, RULE[key]), key
            for to in rule.get("to", []):
                assert set(to) == {"operation"} and set(to["operation"]) <= OPERATION
            for source in rule.get("from", []):
                assert set(source) == {"source"}


def test_the_gateways_envoy_is_what_istiod_makes_of_the_hardened_policy():
    """The two filters of a CUSTOM policy: shadow RBAC that names the policy, ext_authz that asks where it matched."""
    policy = next(
        document for document in documents("hardened.yaml") if document["spec"].get("action") == "CUSTOM"
    )
    mesh = documents("hardened.yaml")[0]["spec"]["meshConfig"]["extensionProviders"][0]
    gateway = yaml.safe_load((ROOT / "istio" / "gateway-envoy.yaml").read_text())
    manager = gateway["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    rbac, ext_authz, _ = [http_filter["typed_config"] for http_filter in manager["http_filters"]]
    name = f"istio-ext-authz-{mesh['name']}-ns[{policy['metadata']['namespace']}]-policy[{policy['metadata']['name']}]-rule[0]"
    assert list(rbac["shadow_rules"]["policies"]) == [name]
    enabled = ext_authz["filter_enabled_metadata"]
    assert enabled["path"][0]["key"] == rbac["shadow_rules_stat_prefix"] + "shadow_effective_policy_id"
    assert name.startswith(enabled["value"]["string_match"]["prefix"])
    provider = mesh["envoyExtAuthzGrpc"]
    cluster = f"outbound|{provider['port']}||{provider['service']}"
    assert ext_authz["grpc_service"]["envoy_grpc"]["cluster_name"] == cluster
    assert ext_authz["grpc_service"]["envoy_grpc"]["authority"] == cluster.replace("|", "_.")
    assert ext_authz["grpc_service"]["timeout"] == provider["timeout"]
    assert cluster in [known["name"] for known in gateway["static_resources"]["clusters"]]


def test_the_path_that_the_policy_leaves_out_is_never_asked_about(stage):
    stage.app.forget()
    assert stage.doors["istio"].fetch("/healthz").status == 200
    assert stage.doors["istio"].fetch("/healthz/../paid/x").status in (400, 402)
    assert [seen["path"] for seen in stage.app.seen] == ["/healthz"]


def test_a_client_on_the_unasked_path_hands_a_header_to_the_app_so_it_must_be_the_apps_own_health_only(stage):
    policy = next(
        document for document in documents("hardened.yaml") if document["spec"].get("action") == "CUSTOM"
    )
    assert policy["spec"]["rules"] == [{"to": [{"operation": {"notPaths": ["/healthz"]}}]}]

"""The manifests, and the Jobs that machines are made from, against the API's published schema (kubernetes-validate)."""

import pathlib
import subprocess

import kubernetes_validate
import pytest
import yaml
from counterparts.turnpike import binary

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted(ROOT.glob("deploy/kubernetes/*.yaml")) + sorted(ROOT.glob("Tests/Vectors/kubernetes/*.json"))
DOCUMENTS = [
    pytest.param(document, id=f"{file.name}:{document['kind']}/{document['metadata']['name']}")
    for file in FILES
    if file.name != "kustomization.yaml"
    for document in yaml.safe_load_all(file.read_text())
]


# `hostUsers`, NetworkPolicy and all else that is used are the same in all of these.
@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_manifest_fits_the_schema(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_the_schema_refuses_a_member_that_is_none():
    group = "rbac.authorization.k8s.io/v1"
    role = {"apiVersion": group, "kind": "Role", "metadata": {"name": "a"}, "rulez": []}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(role, "1.37", strict=True)


def test_the_folder_for_kubectl_names_every_manifest_of_it():
    named = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text())["resources"]
    # By hand: `baseline` is for one image only, and Turnpike's own needs names and an image first.
    assert sorted(named + ["baseline.yaml", "kustomization.yaml", "turnpike.yaml"]) == sorted(
        file.name for file in ROOT.glob("deploy/kubernetes/*.yaml")
    )


# Turnpike itself


@pytest.fixture(scope="module")
def deployed() -> dict:
    documents = yaml.safe_load_all((ROOT / "deploy/kubernetes/turnpike.yaml").read_text())
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


@pytest.fixture
def configured(deployed) -> dict:
    return yaml.safe_load(deployed["ConfigMap", "turnpike"]["data"]["turnpike.yaml"])


def checked(configuration: dict, folder: pathlib.Path) -> subprocess.CompletedProcess:
    file = folder / "turnpike.yaml"
    file.write_text(yaml.safe_dump(configuration))
    return subprocess.run([binary(), "check", file], capture_output=True, text=True, timeout=30)


def test_the_example_is_a_configuration_that_turnpike_takes(configured, tmp_path):
    (tmp_path / "secret").write_text("0123456789abcdef\n")
    configured["proxies"] = [{"secretFile": str(tmp_path / "secret")}]
    done = checked(configured, tmp_path)
    assert done.returncode == 0, done.stderr
    configured["workloads"]["kubernetes"]["nodes"] = "all"
    refused = checked(configured, tmp_path)
    assert refused.returncode == 78 and "nodes" in refused.stderr


def test_the_doors_of_the_configuration_are_those_of_the_pod_and_its_services(deployed, configured):
    container = deployed["Deployment", "turnpike"]["spec"]["template"]["spec"]["containers"][0]
    doors = {port["name"]: port["containerPort"] for port in container["ports"]}
    listening = {name: int(address.rpartition(":")[2]) for name, address in configured["listen"].items()}
    assert doors == {("auth" if name == "proxy" else name): port for name, port in listening.items()}
    for port in deployed["Service", "turnpike"]["spec"]["ports"]:
        assert port["port"] == doors[port["targetPort"]]
    first, last = (int(port) for port in configured["workloads"]["ports"].split("-"))
    logins = deployed["Service", "turnpike-machines"]["spec"]["ports"]
    assert [port["port"] for port in logins] == list(range(first, last + 1))
    assert all(port["port"] == port["targetPort"] for port in logins)
    assert configured["workloads"]["max"] == len(logins)


def test_the_policy_and_the_role_are_for_the_pods_that_the_deployment_makes(deployed, configured):
    template = deployed["Deployment", "turnpike"]["spec"]["template"]
    others = [one.values[0] for one in DOCUMENTS]
    (policy,) = [one for one in others if (one["kind"], one["metadata"]["name"]) == ("NetworkPolicy", "machines")]
    (source,) = policy["spec"]["ingress"][0]["from"]
    assert source["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (binding,) = [one for one in others if one["kind"] == "RoleBinding"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": template["spec"]["serviceAccountName"], "namespace": "turnpike"}
    ]
    assert binding["metadata"]["namespace"] == configured["workloads"]["kubernetes"]["namespace"]
    for name in ("Deployment", "Service", "ConfigMap"):
        assert deployed[name, "turnpike"]["metadata"]["namespace"] == "turnpike"
    for service in ("turnpike", "turnpike-machines"):
        selector = deployed["Service", service]["spec"]["selector"]
        assert selector.items() <= template["metadata"]["labels"].items()

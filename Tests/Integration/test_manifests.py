"""The manifests, and the Jobs that machines are made from, against the API's published schema (kubernetes-validate)."""

import pathlib

import kubernetes_validate
import pytest
import yaml

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
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a"}, "rulez": []}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(role, "1.37", strict=True)


def test_the_folder_for_kubectl_names_every_manifest_of_it():
    named = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text())["resources"]
    # `baseline` is for one image only, and applied by hand.
    assert sorted(named + ["baseline.yaml", "kustomization.yaml"]) == sorted(
        file.name for file in ROOT.glob("deploy/kubernetes/*.yaml")
    )

"""The official Python client against a real `kube-actors up`: typed models, watches, errors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, utils, watch
from kubernetes.client.exceptions import ApiException

from tests.apiserver.samples import sample
from tests.apiserver.test_every_kind import STORED
from tests.kubectl.conftest import Up

pytestmark = pytest.mark.real_time
NAMESPACE = "official"
# What the cluster's own controllers would change or take away meanwhile.
BUSY = {"Pod", "Node", "Namespace", "APIService", "CustomResourceDefinition", "Event"}
# The client's watch looks for a model of ResourceClaim by a name that it does not have.
BUSY.add("ResourceClaim")
IDLE = [kind for kind in STORED if kind.kind not in BUSY]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[client.ApiClient]:
    up = Up(tmp_path_factory.mktemp("up"), "--quick", "--masters=1", "--nodes=1")
    try:
        with config.new_client_from_config(str(up.kubeconfig)) as made:
            client.CoreV1Api(made).create_namespace({"metadata": {"name": NAMESPACE}})
            yield made
    finally:
        up.stop()


def snake(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text).lower()


class Calls:
    """The generated functions of one kind."""

    def __init__(self, api: client.ApiClient, kind: Any) -> None:
        group = kind.group.removesuffix(".k8s.io").replace(".", "_") or "core"
        title = "".join(word.title() for word in group.split("_"))
        self._api = getattr(client, f"{title}{kind.version.title()}Api")(api)
        self._noun = ("namespaced_" if kind.namespaced else "") + snake(kind.kind)
        self._where = (NAMESPACE,) if kind.namespaced else ()

    def function(self, verb: str) -> Any:
        return getattr(self._api, f"{verb}_{self._noun}")

    def create(self, body: Any) -> Any:
        return self.function("create")(*self._where, body)

    def list(self, **query: Any) -> Any:
        return self.function("list")(*self._where, **query)

    def watch(self, **query: Any) -> Iterator[Any]:
        stream: Iterator[Any] = watch.Watch().stream(self.function("list"), *self._where, **query)
        return stream

    def one(self, verb: str, name: str, *body: Any) -> Any:
        return self.function(verb)(name, *self._where, *body)


@pytest.mark.parametrize("kind", IDLE, ids=lambda kind: f"{kind.group_resource}-{kind.version}")
def test_a_kind_lives_through_the_typed_client(api: client.ApiClient, kind: Any) -> None:
    calls, body = Calls(api, kind), sample(kind)
    if kind.kind != "IPAddress":
        body["metadata"]["name"] = f"official-{kind.version}"
    name = body["metadata"]["name"]
    if kind.plural == "deployments":
        body["spec"]["paused"] = True
    before = calls.list().metadata.resource_version
    made = calls.create(body)
    assert calls.one("read", name).metadata.uid == made.metadata.uid
    patched = calls.one("patch", name, {"metadata": {"labels": {"a": "b"}}})
    assert patched.metadata.labels["a"] == "b"
    assert name in [item.metadata.name for item in calls.list(label_selector="a=b").items]
    stream = calls.watch(resource_version=before, field_selector=f"metadata.name={name}")
    first = next(stream)
    assert (first["type"], first["object"].metadata.uid) == ("ADDED", made.metadata.uid)
    calls.one("delete", name)
    kinds = [event["type"] for event in _until_deleted(stream)]
    assert kinds[-1] == "DELETED"


def _until_deleted(stream: Iterator[Any]) -> Iterator[Any]:
    for event in stream:
        yield event
        if event["type"] == "DELETED":
            return


def test_an_object_is_replaced_only_from_its_newest_state(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    made = core.create_namespaced_config_map(
        NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="m"), data={"a": "1"})
    )
    made.data["a"] = "2"
    newer = core.replace_namespaced_config_map("m", NAMESPACE, made)
    assert newer.data == {"a": "2"}
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("m", NAMESPACE, made)
    assert (refused.value.status, '"reason":"Conflict"' in refused.value.body) == (409, True)


def test_pages_are_followed_with_continue(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    for number in range(5):
        core.create_namespaced_secret(
            NAMESPACE, {"metadata": {"name": f"page-{number}", "labels": {"page": "yes"}}}
        )
    names, token = [], None
    while token != "":
        page = core.list_namespaced_secret(
            NAMESPACE, limit=2, _continue=token, label_selector="page=yes"
        )
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue or ""
    assert names == [f"page-{number}" for number in range(5)]


def test_a_large_body_is_answered_and_not_cut_off(api: client.ApiClient) -> None:
    with pytest.raises(ApiException) as refused:
        client.CoreV1Api(api).create_namespaced_config_map(
            NAMESPACE, {"metadata": {"name": "big"}, "data": {"k": "x" * 4_000_000}}
        )
    assert refused.value.status == 413


def test_a_deployment_from_yaml_runs_and_scales(api: client.ApiClient, tmp_path: Path) -> None:
    text = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleeper, namespace: official}
spec:
  selector: {matchLabels: {app: sleeper}}
  template:
    metadata: {labels: {app: sleeper}}
    spec:
      containers: [{name: c, image: any, command: [sleep, "60"]}]
"""
    path = tmp_path / "deployment.yaml"
    path.write_text(text)
    utils.create_from_yaml(api, str(path))
    apps = client.AppsV1Api(api)
    apps.patch_namespaced_deployment_scale("sleeper", NAMESPACE, {"spec": {"replicas": 2}})
    stream = watch.Watch().stream(
        apps.list_namespaced_deployment,
        NAMESPACE,
        field_selector="metadata.name=sleeper",
        timeout_seconds=300,
    )
    ready = next(event for event in stream if event["object"].status.ready_replicas == 2)
    assert ready["object"].spec.replicas == 2
    scale = apps.read_namespaced_deployment_scale("sleeper", NAMESPACE)
    assert scale.status.selector == "app=sleeper"

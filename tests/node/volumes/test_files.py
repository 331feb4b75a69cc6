"""Environment, volumes and their files."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from kube_actors.api import Object
from kube_actors.node.env import MissingReference, Reference, Sources, environment
from kube_actors.node.volumes import File, contents, write_volume
from tests.node.objects import UID, a_pod


def config_map(name: str, **data: str) -> tuple[Reference, Object]:
    return Reference("ConfigMap", name), {"metadata": {"name": name}, "data": data}


def secret(name: str, **data: str) -> tuple[Reference, Object]:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return Reference("Secret", name), {"metadata": {"name": name}, "data": encoded}


SOURCES = Sources(
    dict([config_map("cm", a="1", b="2"), secret("s", password="hush")]),
    allocatable={"cpu": "4", "memory": "8Gi"},
    host_ip="127.0.0.1",
    pod_ip="10.0.0.2",
)


def env(*variables: dict[str, Any], **container: Any) -> dict[str, str]:
    pod = a_pod(containers=[{"name": "web", "env": list(variables), **container}])
    pod["metadata"]["labels"] = {"app": "x"}
    return environment(pod, pod["spec"]["containers"][0], SOURCES)


def value_from(name: str, **source: Any) -> dict[str, Any]:
    return {"name": name, "valueFrom": source}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ({"name": "V", "value": "plain"}, "plain"),
        (value_from("V", fieldRef={"fieldPath": "metadata.name"}), "web"),
        (value_from("V", fieldRef={"fieldPath": "status.podIP"}), "10.0.0.2"),
        (value_from("V", fieldRef={"fieldPath": "metadata.uid"}), UID),
        (value_from("V", fieldRef={"fieldPath": "metadata.labels['app']"}), "x"),
        (value_from("V", configMapKeyRef={"name": "cm", "key": "b"}), "2"),
        (value_from("V", secretKeyRef={"name": "s", "key": "password"}), "hush"),
        (value_from("V", resourceFieldRef={"resource": "limits.cpu"}), "4"),
        (
            value_from("V", resourceFieldRef={"resource": "limits.memory", "divisor": "1Mi"}),
            "8192",
        ),
    ],
)
def test_a_variable_has_its_value(variable: dict[str, Any], value: str) -> None:
    assert env(variable)["V"] == value


def test_later_variables_see_earlier_ones() -> None:
    found = env({"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"})
    assert found["B"] == "1$(C)"


def test_env_from_takes_all_keys_and_env_wins() -> None:
    container = {"envFrom": [{"configMapRef": {"name": "cm"}, "prefix": "P_"}]}
    assert env({"name": "P_b", "value": "mine"}, **container) == {"P_a": "1", "P_b": "mine"}


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (
            value_from("V", configMapKeyRef={"name": "no", "key": "b"}),
            'configmap "no" not found',
        ),
        (
            value_from("V", secretKeyRef={"name": "s", "key": "no"}),
            "couldn't find key no in Secret default/s",
        ),
    ],
)
def test_a_missing_reference_is_told(variable: dict[str, Any], message: str) -> None:
    with pytest.raises(MissingReference, match=message):
        env(variable)


def test_an_optional_missing_reference_leaves_the_variable_out() -> None:
    optional = {"name": "no", "key": "b", "optional": True}
    assert env(value_from("V", configMapKeyRef=optional)) == {}


def test_services_are_told_as_variables() -> None:
    service = {
        "metadata": {"name": "my-db", "namespace": "default"},
        "spec": {"clusterIP": "127.96.0.9", "ports": [{"port": 5432, "name": "sql"}]},
    }
    pod = a_pod()
    found = environment(pod, pod["spec"]["containers"][0], Sources(services=(service,)))
    assert found["MY_DB_SERVICE_HOST"] == "127.96.0.9"
    assert found["MY_DB_SERVICE_PORT"] == "5432"
    assert found["MY_DB_SERVICE_PORT_SQL"] == "5432"
    assert found["MY_DB_PORT_5432_TCP"] == "tcp://127.96.0.9:5432"


VOLUMES: dict[str, tuple[dict[str, Any], dict[str, File]]] = {
    "a ConfigMap is a file per key": (
        {"configMap": {"name": "cm"}},
        {"a": File(b"1", 0o644), "b": File(b"2", 0o644)},
    ),
    "items choose keys, places and modes": (
        {"configMap": {"name": "cm", "items": [{"key": "a", "path": "x/y", "mode": 0o600}]}},
        {"x/y": File(b"1", 0o600)},
    ),
    "a Secret is decoded": (
        {"secret": {"secretName": "s", "defaultMode": 0o400}},
        {"password": File(b"hush", 0o400)},
    ),
    "an optional absent source is empty": ({"configMap": {"name": "no", "optional": True}}, {}),
    "the downward API writes fields": (
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": File(b"web", 0o644)},
    ),
    "a projection gathers several": (
        {"projected": {"sources": [{"configMap": {"name": "cm"}}, {"secret": {"name": "s"}}]}},
        {
            "a": File(b"1", 0o644),
            "b": File(b"2", 0o644),
            "password": File(b"hush", 0o644),
        },
    ),
}


@pytest.mark.parametrize("sentence", VOLUMES)
def test_volume_contents(sentence: str) -> None:
    volume, files = VOLUMES[sentence]
    assert contents(a_pod(), {"name": "v", **volume}, SOURCES) == files


def test_a_path_that_leaves_the_volume_is_refused() -> None:
    items = [{"key": "a", "path": "../etc/passwd"}]
    with pytest.raises(ValueError, match="invalid path"):
        contents(a_pod(), {"configMap": {"name": "cm", "items": items}}, SOURCES)


def test_an_update_replaces_all_files_at_once(tmp_path: Path) -> None:
    place = tmp_path / "v"
    assert write_volume(place, {"a": File(b"1", 0o644), "d/b": File(b"2", 0o600)})
    before = os.readlink(place / "..data")
    assert (place / "d" / "b").read_bytes() == b"2"
    assert (place / "d" / "b").stat().st_mode & 0o777 == 0o600
    assert not write_volume(place, {"a": File(b"1", 0o644), "d/b": File(b"2", 0o600)})
    assert write_volume(place, {"a": File(b"new", 0o644)})
    assert os.readlink(place / "..data") != before
    assert (place / "a").read_bytes() == b"new"
    assert not (place / "d").exists()
    assert not (place / before).exists()

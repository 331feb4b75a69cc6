"""Small objects for tests of controllers."""

from typing import Any

from tests.controllers.world import START_S, timestamp

Object = dict[str, Any]


def deployment(name: str = "web", replicas: int = 3, image: str = "v1", **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, image),
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 10,
            **spec,
        },
    }


def template(name: str, image: str) -> Object:
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def replicaset(name: str = "web", replicas: int = 3, **meta: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}, **meta},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, "v1"),
        },
    }


def pod(
    name: str, *, app: str = "web", node: str = "", ready: bool = False, ip: str = "", **meta: Any
) -> Object:
    status: Object = {"phase": "Running" if node else "Pending"}
    if ready:
        since = timestamp(START_S)
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    if ip:
        status["podIP"] = ip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": app}, **meta},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "v1"}]},
        "status": status,
    }


def node(name: str, ready: str = "True", taints: tuple[Object, ...] = ()) -> Object:
    moment = timestamp(START_S)
    condition = {
        "type": "Ready",
        "status": ready,
        "lastHeartbeatTime": moment,
        "lastTransitionTime": moment,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"taints": list(taints)},
        "status": {"conditions": [condition] if ready else []},
    }


def namespace(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def config_map(name: str, namespace: str = "default", **meta: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, **meta},
    }


def owned_by(owner: Object, *, controller: bool = True, block: bool = True) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": controller,
        "blockOwnerDeletion": block,
    }


def condition(obj: Object, type_: str) -> Object:
    """Give a condition of an object's status, {} if it has none of that type."""
    for one in (obj.get("status") or {}).get("conditions") or ():
        if one["type"] == type_:
            return dict(one)
    return {}

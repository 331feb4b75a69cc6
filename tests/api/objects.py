"""Small valid objects that the tests of the API room start from."""

import copy
from typing import Any

from kube_actors.api import BUILTIN, Kind, Object
from kube_actors.api.causes import Cause
from kube_actors.api.defaults import apply_defaults
from kube_actors.api.strategy import prepare_for_create, prepare_for_update
from kube_actors.api.validation import validate_create, validate_update

CONTAINER = {"name": "web", "image": "nginx:1.27"}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}
SELECTOR = {"matchLabels": {"app": "web"}}


def _made(api_version: str, kind: str, **body: Any) -> Object:
    metadata = {"name": "web", "namespace": "default", **body.pop("metadata", {})}
    found = BUILTIN.by_kind(api_version, kind)
    assert found is not None
    if not found.namespaced:
        del metadata["namespace"]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


VALID: dict[str, Object] = {
    each["kind"]: each
    for each in (
        _made("v1", "Pod", spec={"containers": [CONTAINER]}),
        _made("apps/v1", "Deployment", spec={"selector": SELECTOR, "template": TEMPLATE}),
        _made("apps/v1", "ReplicaSet", spec={"selector": SELECTOR, "template": TEMPLATE}),
        _made("apps/v1", "DaemonSet", spec={"selector": SELECTOR, "template": TEMPLATE}),
        _made(
            "apps/v1",
            "StatefulSet",
            spec={"selector": SELECTOR, "template": TEMPLATE, "serviceName": "web"},
        ),
        _made(
            "v1",
            "ReplicationController",
            spec={"selector": {"app": "web"}, "template": TEMPLATE},
        ),
        _made(
            "batch/v1",
            "Job",
            spec={"template": {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}},
        ),
        _made(
            "batch/v1",
            "CronJob",
            spec={
                "schedule": "*/5 * * * *",
                "jobTemplate": {
                    "spec": {
                        "template": {
                            "spec": {"containers": [CONTAINER], "restartPolicy": "OnFailure"}
                        }
                    }
                },
            },
        ),
        _made("v1", "Service", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}),
        _made("v1", "ConfigMap", data={"key": "value"}),
        _made("v1", "Secret", data={"key": "dmFsdWU="}),
        _made("v1", "Namespace"),
        _made("v1", "Node"),
        _made("v1", "ServiceAccount"),
        _made(
            "v1",
            "PersistentVolume",
            spec={
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/data"},
            },
        ),
        _made(
            "v1",
            "PersistentVolumeClaim",
            spec={
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        ),
        _made("v1", "ResourceQuota", spec={"hard": {"pods": "10"}}),
        _made("v1", "LimitRange", spec={"limits": [{"type": "Container", "max": {"cpu": "1"}}]}),
        _made(
            "v1",
            "Endpoints",
            subsets=[{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}],
        ),
        _made(
            "v1",
            "Event",
            involvedObject={"kind": "Pod", "name": "web", "namespace": "default"},
            reason="Started",
        ),
        _made(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            addressType="IPv4",
            endpoints=[{"addresses": ["10.0.0.1"]}],
            ports=[{"port": 80}],
        ),
        _made(
            "networking.k8s.io/v1",
            "Ingress",
            spec={
                "rules": [
                    {
                        "host": "web.example.com",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            },
        ),
        _made("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}}),
        _made(
            "rbac.authorization.k8s.io/v1",
            "Role",
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        ),
        _made(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            roleRef={"kind": "Role", "name": "web"},
            subjects=[{"kind": "User", "name": "jane"}],
        ),
        _made("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": SELECTOR}),
        _made(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            spec={
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            },
        ),
        _made("scheduling.k8s.io/v1", "PriorityClass", value=1000),
        _made("coordination.k8s.io/v1", "Lease", spec={"leaseDurationSeconds": 15}),
        _made("storage.k8s.io/v1", "StorageClass", provisioner="example.com/disk"),
    )
}


_TERM = {"topologyKey": "zone", "labelSelector": SELECTOR}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_EXPRESSION = {"key": "disk", "operator": "In", "values": ["ssd"]}
# A pod that uses most of what a pod can say.
RICH_POD = _made(
    "v1",
    "Pod",
    spec={
        "initContainers": [{"name": "first", "image": "x", "restartPolicy": "Always"}],
        "containers": [
            {
                **CONTAINER,
                "command": ["serve"],
                "ports": [{"name": "http", "containerPort": 80, "hostPort": 8080}],
                "env": [
                    {"name": "A", "value": "b"},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
                    {"name": "L", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                ],
                "envFrom": [{"prefix": "P", "secretRef": {"name": "s"}}],
                "volumeMounts": [{"name": "data", "mountPath": "/data", "subPath": "a"}],
                "resources": {"limits": {"cpu": "1", "example.com/gpu": "1"}},
                "livenessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "X"}]}},
                "readinessProbe": {"tcpSocket": {"port": "http"}},
                "startupProbe": {"exec": {"command": ["true"]}},
                "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
                "securityContext": {"runAsUser": 1000, "privileged": False},
            }
        ],
        "volumes": [
            {"name": "data", "hostPath": {"path": "/data", "type": "Directory"}},
            {"name": "c", "configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}},
            {
                "name": "d",
                "downwardAPI": {
                    "items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels['a']"}}]
                },
            },
            {
                "name": "p",
                "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}]},
            },
        ],
        "affinity": {
            "nodeAffinity": {
                _REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [_EXPRESSION]}]},
                _PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [_EXPRESSION]}}],
            },
            "podAffinity": {_REQUIRED: [_TERM]},
            "podAntiAffinity": {_PREFERRED: [{"weight": 1, "podAffinityTerm": _TERM}]},
        },
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": SELECTOR,
            }
        ],
        "nodeSelector": {"disk": "ssd"},
        "securityContext": {"fsGroup": 1, "supplementalGroups": [1]},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["x"]}],
        "readinessGates": [{"conditionType": "example.com/ready"}],
    },
)


def kind_of(obj: Object) -> Kind:
    return BUILTIN.of(obj)


def valid(kind: str) -> Object:
    """Return a fresh valid object of a kind, as a person would write it."""
    return copy.deepcopy(VALID[kind])


def at(obj: Any, path: str, value: Any) -> Object:
    """Set the value at ``spec.containers.0.image`` in a copy; None removes it."""
    result = copy.deepcopy(obj)
    target = result
    *parents, last = path.split(".")
    for step in parents:
        target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
    if isinstance(target, list):
        target[int(last)] = value
    elif value is None:
        target.pop(last, None)
    else:
        target[last] = value
    return result  # type: ignore[no-any-return]


def admitted(obj: Object) -> Object:
    """Return the object as it is when it is validated for creation."""
    kind = kind_of(obj)
    obj = apply_defaults(kind, obj)
    metadata = {**obj["metadata"], "uid": "u-1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return prepare_for_create(kind, {**obj, "metadata": metadata})


def stored(obj: Object) -> Object:
    """Return the object as it is after it was created."""
    made = admitted(obj)
    return {**made, "metadata": {**made["metadata"], "resourceVersion": "7"}}


def created(obj: Object) -> list[str]:
    """Return what is wrong with creating an object, as kubectl would show it."""
    return shown(validate_create(kind_of(obj), admitted(obj)))


def updated(new: Object, old: Object, subresource: str = "") -> list[str]:
    """Return what is wrong with an update of the stored ``old``."""
    kind = kind_of(new)
    given = apply_defaults(kind, new)
    return shown(
        validate_update(kind, prepare_for_update(kind, given, old, subresource), old, subresource)
    )


def shown(causes: list[Cause]) -> list[str]:
    return [str(cause) for cause in causes]

"""What is wrong with an object, in the words that kubectl shows."""

import copy
from typing import Any

import pytest

from kube_actors.api import BUILTIN
from kube_actors.api.errors import invalid
from kube_actors.api.validation import validate_create
from tests.api.objects import VALID, admitted, at, created, kind_of, valid

NOT_NEGATIVE = "must be greater than or equal to 0"


@pytest.mark.parametrize("name", sorted(VALID))
def test_a_valid_object_has_nothing_wrong(name: str) -> None:
    assert created(valid(name)) == []


@pytest.mark.parametrize("name", sorted(VALID))
def test_validation_changes_nothing(name: str) -> None:
    obj = admitted(valid(name))
    before = copy.deepcopy(obj)
    validate_create(kind_of(obj), obj)
    assert obj == before


CASES: list[tuple[str, str, Any, list[str]]] = [
    ("Deployment", "spec.replicas", -1, [f"spec.replicas: Invalid value: -1: {NOT_NEGATIVE}"]),
    ("Deployment", "spec.selector", None, ["spec.selector: Required value"]),
    (
        "Deployment",
        "spec.selector",
        {},
        ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    ),
    (
        "Deployment",
        "spec.template.metadata.labels",
        {"app": "x"},
        [
            'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match '
            "template `labels`"
        ],
    ),
    (
        "Deployment",
        "spec.selector",
        {"matchExpressions": [{"key": "app", "operator": "Near"}]},
        [
            'spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid '
            "selector operator"
        ],
    ),
    (
        "Deployment",
        "spec.template.spec.restartPolicy",
        "Never",
        [
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: '
            '"Always"'
        ],
    ),
    (
        "Deployment",
        "spec.strategy",
        {"type": "Recreate", "rollingUpdate": {}},
        [
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
            "'Recreate'"
        ],
    ),
    (
        "Deployment",
        "spec.strategy.rollingUpdate",
        {"maxSurge": 0, "maxUnavailable": 0},
        [
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when "
            "`maxSurge` is 0"
        ],
    ),
    (
        "Deployment",
        "spec.strategy.rollingUpdate",
        {"maxUnavailable": "101%"},
        [
            'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be '
            "greater than 100%"
        ],
    ),
    (
        "Deployment",
        "spec.progressDeadlineSeconds",
        0,
        ["spec.progressDeadlineSeconds: Invalid value: 0: must be greater than minReadySeconds"],
    ),
    (
        "DaemonSet",
        "spec.updateStrategy.rollingUpdate",
        {"maxSurge": 1, "maxUnavailable": 1},
        [
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when "
            "maxUnavailable is non-zero"
        ],
    ),
    (
        "StatefulSet",
        "spec.podManagementPolicy",
        "Wild",
        ["spec.podManagementPolicy: Invalid value: \"Wild\": must be 'OrderedReady' or 'Parallel'"],
    ),
    (
        "Job",
        "spec.template.spec.restartPolicy",
        None,
        ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ),
    ("Job", "spec.parallelism", -1, [f"spec.parallelism: Invalid value: -1: {NOT_NEGATIVE}"]),
    (
        "CronJob",
        "spec.schedule",
        "* * *",
        ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]'],
    ),
    (
        "CronJob",
        "spec.schedule",
        "99 * * * *",
        ['spec.schedule: Invalid value: "99 * * * *": end of range (99) above maximum (59): 99'],
    ),
    (
        "CronJob",
        "spec.concurrencyPolicy",
        "Perhaps",
        [
            'spec.concurrencyPolicy: Unsupported value: "Perhaps": supported values: "Allow", '
            '"Forbid", "Replace"'
        ],
    ),
    ("Service", "spec.ports", [], ["spec.ports: Required value"]),
    (
        "Service",
        "spec.ports",
        [{"port": 80}, {"port": 81}],
        ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
    ),
    (
        "Service",
        "spec.ports",
        [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}],
        ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}'],
    ),
    (
        "Service",
        "spec.ports.0.nodePort",
        30080,
        ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ),
    (
        "Service",
        "spec",
        {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
        [
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. "
            "The range of valid ports is 30000-32767"
        ],
    ),
    (
        "Service",
        "spec.type",
        "Magic",
        [
            'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", '
            '"ExternalName", "LoadBalancer", "NodePort"'
        ],
    ),
    ("Service", "spec", {"type": "ExternalName"}, ["spec.externalName: Required value"]),
    (
        "Service",
        "spec.clusterIP",
        "10.0.0",
        [
            'spec.clusterIPs[0]: Invalid value: "10.0.0": must be a valid IP address, (e.g. '
            "10.9.8.7 or 2001:db8::ffff)"
        ],
    ),
    (
        "ConfigMap",
        "data",
        {"a b": "c"},
        [
            'data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric '
            "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex "
            "used for validation is '[-._a-zA-Z0-9]+')"
        ],
    ),
    (
        "ConfigMap",
        "data",
        {"a": "b" * (1024 * 1024 + 1)},
        ["[]: Too long: may not be more than 1048576 bytes"],
    ),
    (
        "Secret",
        "type",
        "kubernetes.io/tls",
        ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
    ),
    (
        "Node",
        "spec.taints",
        [{"key": "a", "effect": "Never"}],
        [
            'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", '
            '"PreferNoSchedule", "NoExecute"'
        ],
    ),
    (
        "Ingress",
        "spec",
        {},
        ["spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"],
    ),
    (
        "Ingress",
        "spec.rules.0.http.paths.0.pathType",
        None,
        ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"],
    ),
    (
        "Ingress",
        "spec.rules.0.host",
        "10.0.0.1",
        ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ),
    (
        "Role",
        "rules",
        [{"apiGroups": [""], "resources": ["pods"]}],
        ["rules[0].verbs: Required value: verbs must contain at least one value"],
    ),
    (
        "RoleBinding",
        "roleRef.kind",
        "Rule",
        ['roleRef.kind: Unsupported value: "Rule": supported values: "ClusterRole", "Role"'],
    ),
    (
        "PodDisruptionBudget",
        "spec.maxUnavailable",
        1,
        [
            'spec: Invalid value: {"minAvailable":1,"selector":{"matchLabels":{"app":"web"}},'
            '"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'
        ],
    ),
    (
        "HorizontalPodAutoscaler",
        "spec.minReplicas",
        5,
        ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"],
    ),
    (
        "PriorityClass",
        "value",
        2_000_000_000,
        ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
    ),
    (
        "Lease",
        "spec.leaseDurationSeconds",
        0,
        ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
    ),
    (
        "EndpointSlice",
        "addressType",
        "IPX",
        ['addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"'],
    ),
    (
        "Event",
        "involvedObject.namespace",
        "other",
        ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
    ),
    (
        "PersistentVolumeClaim",
        "spec.accessModes",
        [],
        ["spec.accessModes: Required value: at least 1 access mode is required"],
    ),
    (
        "PersistentVolume",
        "spec.hostPath",
        None,
        ["spec: Required value: must specify a volume type"],
    ),
    ("StorageClass", "provisioner", None, ["provisioner: Required value"]),
    (
        "NetworkPolicy",
        "spec.ingress",
        [{"from": [{"ipBlock": {"cidr": "10.0.0.0"}}]}],
        [
            'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid '
            "CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        ],
    ),
]


@pytest.mark.parametrize(("kind", "path", "value", "messages"), CASES)
def test_kinds(kind: str, path: str, value: Any, messages: list[str]) -> None:
    assert created(at(valid(kind), path, value)) == messages


def test_causes_become_the_status_that_clients_read() -> None:
    obj = admitted(at(valid("Deployment"), "spec.replicas", -1))
    kind = kind_of(obj)
    status = invalid(kind, "web", validate_create(kind, obj)).status()
    assert status["message"] == (
        'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: '
        "must be greater than or equal to 0"
    )
    assert status["details"]["causes"] == [
        {
            "reason": "FieldValueInvalid",
            "message": "Invalid value: -1: must be greater than or equal to 0",
            "field": "spec.replicas",
        }
    ]


def test_reviews_need_no_name() -> None:
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    assert validate_create(BUILTIN.of(review), review) == []

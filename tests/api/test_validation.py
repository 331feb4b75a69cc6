"""What is wrong with an object, in the words that kubectl shows."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.api import BUILTIN
from kube_actors.api.defaults import apply_defaults
from kube_actors.api.errors import Cause, invalid
from kube_actors.api.schema import validate_structure
from kube_actors.api.strategy import prepare_for_update
from kube_actors.api.validation import validate_create, validate_update
from tests.api.objects import RICH_POD, VALID, admitted, at, created, kind_of, stored, valid

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
NOT_NEGATIVE = "must be greater than or equal to 0"
C = "spec.containers[0]"


@pytest.mark.parametrize("name", sorted(VALID))
def test_a_valid_object_has_nothing_wrong(name: str) -> None:
    assert created(valid(name)) == []


def test_a_pod_may_say_a_lot() -> None:
    assert created(RICH_POD) == []


@pytest.mark.parametrize("name", sorted(VALID))
def test_validation_changes_nothing(name: str) -> None:
    obj = admitted(valid(name))
    before = copy.deepcopy(obj)
    validate_create(kind_of(obj), obj)
    assert obj == before


METADATA: list[tuple[str, Any, str]] = [
    ("metadata.name", "A_b", f'metadata.name: Invalid value: "A_b": {SUBDOMAIN}'),
    ("metadata.name", None, "metadata.name: Required value: name or generateName is required"),
    (
        "metadata.name",
        "a" * 254,
        f'metadata.name: Invalid value: "{"a" * 254}": must be no more than 253 characters',
    ),
    ("metadata.generateName", "AB-", f'metadata.generateName: Invalid value: "AB-": {SUBDOMAIN}'),
    ("metadata.namespace", "A", f'metadata.namespace: Invalid value: "A": {LABEL}'),
    ("metadata.labels", {"-a": "b"}, f'metadata.labels: Invalid value: "-a": {QUALIFIED}'),
    (
        "metadata.labels",
        {"a": "b" * 64},
        f'metadata.labels: Invalid value: "{"b" * 64}": must be no more than 63 characters',
    ),
    (
        "metadata.annotations",
        {"a b": ""},
        f'metadata.annotations: Invalid value: "a b": {QUALIFIED}',
    ),
    (
        "metadata.annotations",
        {"a": "b" * 262144},
        "metadata.annotations: Too long: may not be more than 262144 bytes",
    ),
    ("metadata.finalizers", ["a b"], f'metadata.finalizers: Invalid value: "a b": {QUALIFIED}'),
    (
        "metadata.finalizers",
        ["orphan", "foregroundDeletion"],
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan '
        "and foregroundDeletion cannot be both set",
    ),
    (
        "metadata.ownerReferences",
        [{"apiVersion": "v1", "kind": "Pod", "name": "a"}],
        "metadata.ownerReferences[0].uid: Required value: must not be empty",
    ),
    ("metadata.uid", "x", ""),
]


@pytest.mark.parametrize(("path", "value", "message"), METADATA)
def test_metadata(path: str, value: Any, message: str) -> None:
    assert created(at(valid("ConfigMap"), path, value)) == ([message] if message else [])


def test_two_owners_may_not_both_control() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "uid": "u", "controller": True}
    owners = [{**owner, "name": "a"}, {**owner, "name": "b"}]
    (message,) = created(at(valid("Pod"), "metadata.ownerReferences", owners))
    assert message.endswith('Found "true" in references for ReplicaSet/a and ReplicaSet/b')


def test_a_cluster_wide_object_has_no_namespace() -> None:
    assert created(at(valid("Node"), "metadata.namespace", "default")) == [
        "metadata.namespace: Forbidden: not allowed on this type"
    ]


def test_role_names_may_be_nearly_anything() -> None:
    assert created(at(valid("Role"), "metadata.name", "system:node_X")) == []
    assert created(at(valid("Role"), "metadata.name", "a/b")) == [
        "metadata.name: Invalid value: \"a/b\": may not contain '/'"
    ]


def with_container(**fields: Any) -> dict[str, Any]:
    pod = valid("Pod")
    pod["spec"]["containers"][0].update(fields)
    return pod


POD: list[tuple[str, Any, list[str]]] = [
    ("spec.containers", [], ["spec.containers: Required value"]),
    ("spec.containers.0.name", "A", [f'{C}.name: Invalid value: "A": {LABEL}']),
    ("spec.containers.0.name", None, [f"{C}.name: Required value"]),
    ("spec.containers.0.image", None, [f"{C}.image: Required value"]),
    (
        "spec.containers.0.image",
        " x",
        [f'{C}.image: Invalid value: " x": must not have leading or trailing whitespace'],
    ),
    (
        "spec.containers.0.imagePullPolicy",
        "Sometimes",
        [
            f'{C}.imagePullPolicy: Unsupported value: "Sometimes": supported values: '
            '"Always", "IfNotPresent", "Never"'
        ],
    ),
    (
        "spec.containers",
        [{"name": "a", "image": "x"}, {"name": "a", "image": "x"}],
        ['spec.containers[1].name: Duplicate value: "a"'],
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": 70000}],
        [
            f"{C}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, "
            "inclusive"
        ],
    ),
    ("spec.containers.0.ports", [{}], [f"{C}.ports[0].containerPort: Required value"]),
    (
        "spec.containers.0.ports",
        [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}],
        [f'{C}.ports[1].name: Duplicate value: "a"'],
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": 1, "hostPort": 80}, {"containerPort": 2, "hostPort": 80}],
        [f'{C}.ports[1].hostPort: Duplicate value: "TCP//80"'],
    ),
    (
        "spec.containers.0.ports",
        [{"containerPort": 1, "protocol": "ICMP"}],
        [
            f'{C}.ports[0].protocol: Unsupported value: "ICMP": supported values: '
            '"SCTP", "TCP", "UDP"'
        ],
    ),
    ("spec.containers.0.env", [{"value": "x"}], [f"{C}.env[0].name: Required value"]),
    (
        "spec.containers.0.env",
        [{"name": "A=B"}],
        [
            f'{C}.env[0].name: Invalid value: "A=B": a valid environment variable name must '
            "consist only of printable ASCII characters other than '='"
        ],
    ),
    (
        "spec.containers.0.env",
        [{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        [
            f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not '
            "empty"
        ],
    ),
    (
        "spec.containers.0.env",
        [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.color"}}}],
        [
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.color": error '
            "converting fieldPath: field label not supported: spec.color"
        ],
    ),
    (
        "spec.containers.0.volumeMounts",
        [{"name": "data", "mountPath": "/data"}],
        [f'{C}.volumeMounts[0].name: Not found: "data"'],
    ),
    (
        "spec.containers.0.resources",
        {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
        [
            f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit '
            "of 1"
        ],
    ),
    (
        "spec.containers.0.resources",
        {"limits": {"cpu": "-1"}, "requests": {"cpu": "-1"}},
        [
            f'{C}.resources.limits[cpu]: Invalid value: "-1": {NOT_NEGATIVE}',
            f'{C}.resources.requests[cpu]: Invalid value: "-1": {NOT_NEGATIVE}',
        ],
    ),
    (
        "spec.containers.0.resources",
        {"requests": {"speed": "1"}},
        [
            f'{C}.resources.requests[speed]: Invalid value: "speed": must be a standard resource '
            "for containers"
        ],
    ),
    (
        "spec.containers.0.livenessProbe",
        {},
        [f"{C}.livenessProbe: Required value: must specify a handler type"],
    ),
    (
        "spec.containers.0.livenessProbe",
        {"exec": {"command": ["x"]}, "httpGet": {"port": 1}},
        [f"{C}.livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type"],
    ),
    (
        "spec.containers.0.livenessProbe",
        {"exec": {"command": ["x"]}, "successThreshold": 2},
        [f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ),
    (
        "spec.containers.0.readinessProbe",
        {"tcpSocket": {"port": 0}, "periodSeconds": -1},
        [
            f"{C}.readinessProbe.tcpSocket.port: Invalid value: 0: must be between 1 and 65535, "
            "inclusive",
            f"{C}.readinessProbe.periodSeconds: Invalid value: -1: {NOT_NEGATIVE}",
        ],
    ),
    (
        "spec.initContainers",
        [{"name": "i", "image": "x", "livenessProbe": {"exec": {"command": ["x"]}}}],
        [
            "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers "
            "without restartPolicy=Always"
        ],
    ),
    (
        "spec.restartPolicy",
        "Maybe",
        [
            'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", '
            '"OnFailure", "Never"'
        ],
    ),
    (
        "spec.dnsPolicy",
        "None",
        [
            "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver "
            "when `dnsPolicy` is None"
        ],
    ),
    (
        "spec.activeDeadlineSeconds",
        0,
        [
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, "
            "inclusive"
        ],
    ),
    (
        "spec.terminationGracePeriodSeconds",
        -1,
        [f"spec.terminationGracePeriodSeconds: Invalid value: -1: {NOT_NEGATIVE}"],
    ),
    (
        "spec.tolerations",
        [{"operator": "Equal", "value": "x"}],
        [
            'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when '
            '`key` is empty, which means "match all values and all keys"'
        ],
    ),
    (
        "spec.tolerations",
        [{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 1}],
        [
            "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' "
            "when `tolerationSeconds` is set"
        ],
    ),
    (
        "spec.volumes",
        [{"name": "a", "emptyDir": {}}, {"name": "a", "emptyDir": {}}],
        ['spec.volumes[1].name: Duplicate value: "a"'],
    ),
    (
        "spec.volumes",
        [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/x"}}],
        ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ),
    (
        "spec.volumes",
        [{"name": "a", "secret": {}}],
        ["spec.volumes[0].secret.secretName: Required value"],
    ),
    (
        "spec.affinity",
        {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
        [
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
            "nodeSelectorTerms: Required value: must have at least one node selector term"
        ],
    ),
    (
        "spec.topologySpreadConstraints",
        [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"],
    ),
]


@pytest.mark.parametrize(("path", "value", "messages"), POD)
def test_pods(path: str, value: Any, messages: list[str]) -> None:
    assert created(at(valid("Pod"), path, value)) == messages


T = "spec.template"
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


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(p for key in value for p in _places(value[key], (*path, key)))]
    if isinstance(value, list):
        return [path, *(p for i, each in enumerate(value) for p in _places(each, (*path, i)))]
    return [path]


def _mutated(obj: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value if isinstance(value, dict) else obj
    first, *rest = path
    copied = obj.copy()
    if rest or value is not None:
        copied[first] = _mutated(obj[first], tuple(rest), value) if rest else value
    else:
        del copied[first]
    return copied


odd_values = st.sampled_from([None, "", "x", "A b", "-1", 0, -1, 1, True, [], [{}], {}, {"a": "b"}])


@settings(max_examples=600, deadline=None)
@given(data=st.data(), name=st.sampled_from([*sorted(VALID), "", "", ""]))
def test_validation_never_raises_on_what_decoding_lets_through(data: Any, name: str) -> None:
    start = copy.deepcopy(VALID[name] if name else RICH_POD)
    obj = admitted(start) if data.draw(st.booleans()) else start
    for _ in range(data.draw(st.integers(1, 3))):
        keys = ("apiVersion", "kind")
        found = [p for p in _places(obj) if p and p[0] not in keys and p != ("metadata",)]
        if found:
            obj = _mutated(obj, data.draw(st.sampled_from(found)), data.draw(odd_values))
    kind = kind_of(obj)
    decoded = validate_structure(kind, obj)
    if decoded.errors or "metadata" not in decoded.obj:
        return
    old = stored(start)
    for causes in (
        validate_create(kind, admitted(decoded.obj)),
        validate_update(
            kind, prepare_for_update(kind, apply_defaults(kind, decoded.obj), old), old
        ),
        validate_update(kind, prepare_for_update(kind, decoded.obj, old, "status"), old, "status"),
    ):
        assert all(isinstance(cause, Cause) for cause in causes)

"""What is wrong with a pod, in the words that kubectl shows."""

from typing import Any

import pytest

from tests.api.objects import RICH_POD, at, created, valid

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


def test_a_pod_may_say_a_lot() -> None:
    assert created(RICH_POD) == []


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

from typing import Any

import pytest

from kube_actors.api import BUILTIN
from kube_actors.api.tables import to_table
from kube_actors.api.tables.nodes import node_status
from tests.api.tables.cells import MADE, META, NOW_S, Object, cells

TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "j"}]}}
SELECTOR = {"matchLabels": {"app": "web"}}
LABELED = {"key": "tier", "operator": "In", "values": ["b", "a"]}


@pytest.mark.parametrize(
    ("kind", "obj", "row"),
    [
        (
            "deployments",
            {
                "spec": {"replicas": 3, "template": TEMPLATE, "selector": SELECTOR},
                "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            },
            ["x", "2/3", 1, 2, "60m", "a,b", "i:1,j", "app=web"],
        ),
        (
            "replicasets",
            {
                "spec": {"replicas": 3, "selector": {"matchExpressions": [LABELED]}},
                "status": {"replicas": 2, "readyReplicas": 1},
            },
            ["x", 3, 2, 1, "60m", "", "", "tier in (a,b)"],
        ),
        (
            "statefulsets",
            {"spec": {"replicas": 3, "template": TEMPLATE}, "status": {"readyReplicas": 1}},
            ["x", "1/3", "60m", "a,b", "i:1,j"],
        ),
        (
            "daemonsets",
            {"spec": {}, "status": {"desiredNumberScheduled": 2, "numberReady": 1}},
            ["x", 2, 0, 1, 0, 0, "<none>", "60m", "", "", "<none>"],
        ),
        (
            "jobs",
            {
                "spec": {"completions": 3, "selector": SELECTOR},
                "status": {"succeeded": 1, "startTime": "2026-01-01T00:59:00Z"},
            },
            ["x", "Running", "1/3", "60s", "60m", "", "", "app=web"],
        ),
        (
            "jobs",
            {
                "spec": {"parallelism": 2},
                "status": {
                    "succeeded": 1,
                    "startTime": MADE,
                    "completionTime": "2026-01-01T00:00:07Z",
                    "conditions": [{"type": "Complete", "status": "True"}],
                },
            },
            ["x", "Complete", "1/1 of 2", "7s", "60m", "", "", "<none>"],
        ),
        (
            "cronjobs",
            {"spec": {"schedule": "* * * * *", "suspend": False}, "status": {"active": [{}]}},
            ["x", "* * * * *", "<none>", "False", 1, "<none>", "60m", "", "", "<none>"],
        ),
        (
            "services",
            {
                "spec": {
                    "type": "NodePort",
                    "clusterIP": "127.64.0.1",
                    "ports": [
                        {"port": 80, "nodePort": 30080, "protocol": "TCP"},
                        {"port": 53, "protocol": "UDP"},
                    ],
                    "selector": {"b": "2", "a": "1"},
                }
            },
            ["x", "NodePort", "127.64.0.1", "<none>", "80:30080/TCP,53/UDP", "60m", "a=1,b=2"],
        ),
        (
            "services",
            {"spec": {"type": "LoadBalancer", "clusterIPs": ["None"]}},
            ["x", "LoadBalancer", "None", "<pending>", "<none>", "60m", "<none>"],
        ),
        (
            "services",
            {"spec": {"type": "ExternalName", "externalName": "example.com"}},
            ["x", "ExternalName", "<none>", "example.com", "<none>", "60m", "<none>"],
        ),
        (
            "endpoints",
            {
                "subsets": [
                    {
                        "addresses": [{"ip": "10.0.0.1"}, {"ip": "::1"}],
                        "ports": [{"port": 80}, {"port": 443}],
                    }
                ]
            },
            ["x", "10.0.0.1:80,[::1]:80,10.0.0.1:443 + 1 more...", "60m"],
        ),
        ("endpoints", {}, ["x", "<none>", "60m"]),
        (
            "endpointslices",
            {
                "addressType": "IPv4",
                "ports": [{"port": 80}],
                "endpoints": [{"addresses": [f"10.0.0.{n}"]} for n in range(5)],
            },
            ["x", "IPv4", "80", "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more...", "60m"],
        ),
        ("endpointslices", {"addressType": "IPv4"}, ["x", "IPv4", "<unset>", "<unset>", "60m"]),
        (
            "ingresses",
            {"spec": {"rules": [{"host": "a.com"}, {}], "tls": [{}]}},
            ["x", "<none>", "a.com", "", "80, 443", "60m"],
        ),
        ("networkpolicies", {"spec": {"podSelector": {}}}, ["x", "<none>", "60m"]),
        ("namespaces", {"status": {"phase": "Active"}}, ["x", "Active", "60m"]),
        ("configmaps", {"data": {"a": "1"}, "binaryData": {"b": ""}}, ["x", 2, "60m"]),
        ("secrets", {"type": "Opaque", "data": {"a": ""}}, ["x", "Opaque", 1, "60m"]),
        ("serviceaccounts", {}, ["x", 0, "60m"]),
        ("leases", {"spec": {"holderIdentity": "me"}}, ["x", "me", "60m"]),
        (
            "poddisruptionbudgets",
            {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
            ["x", "50%", "N/A", 1, "60m"],
        ),
        (
            "priorityclasses",
            {"value": 1000, "preemptionPolicy": "Never"},
            ["x", 1000, False, "60m", "Never"],
        ),
        (
            "hpa",
            {
                "spec": {
                    "scaleTargetRef": {"kind": "Deployment", "name": "web"},
                    "minReplicas": 1,
                    "maxReplicas": 5,
                    "metrics": [
                        {
                            "type": "Resource",
                            "resource": {"name": "cpu", "target": {"averageUtilization": 80}},
                        }
                    ],
                },
                "status": {"currentReplicas": 2},
            },
            ["x", "Deployment/web", "cpu: <unknown>/80%", "1", 5, 2, "60m"],
        ),
        (
            "persistentvolumes",
            {
                "spec": {
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "claimRef": {"namespace": "a", "name": "c"},
                    "storageClassName": "std",
                    "volumeMode": "Filesystem",
                },
                "status": {"phase": "Bound"},
            },
            [
                "x",
                "1Gi",
                "RWO,RWX",
                "Retain",
                "Bound",
                "a/c",
                "std",
                "<unset>",
                "",
                "60m",
                "Filesystem",
            ],
        ),
        (
            "persistentvolumeclaims",
            {"spec": {"storageClassName": "std"}, "status": {"phase": "Pending"}},
            ["x", "Pending", "", "", "", "std", "<unset>", "60m", "<unset>"],
        ),
        (
            "storageclasses",
            {
                "metadata": {
                    **META,
                    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
                },
                "provisioner": "p",
            },
            ["x (default)", "p", "Delete", "Immediate", False, "60m"],
        ),
        ("roles", {}, ["x", MADE]),
        (
            "rolebindings",
            {
                "roleRef": {"kind": "Role", "name": "r"},
                "subjects": [
                    {"kind": "User", "name": "u"},
                    {"kind": "ServiceAccount", "namespace": "n", "name": "s"},
                ],
            },
            ["x", "Role/r", "60m", "u", "", "n/s"],
        ),
        (
            "resourcequotas",
            {
                "status": {
                    "hard": {"limits.cpu": "2", "pods": "10", "cpu": "1"},
                    "used": {"pods": "3"},
                }
            },
            ["x", "cpu: 0/1, pods: 3/10", "limits.cpu: 0/2", "60m"],
        ),
    ],
)
def test_each_kind_has_kubernetes_own_columns(kind: str, obj: Object, row: list[Any]) -> None:
    assert list(cells(kind, obj, wide=True).values()) == row


def test_a_nodes_row_says_whether_it_takes_pods_and_what_it_is() -> None:
    node = {
        "metadata": {**META, "labels": {"node-role.kubernetes.io/worker": "", "a": "b"}},
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "osImage": "Linux"},
            "addresses": [{"type": "InternalIP", "address": "127.1.0.1"}],
        },
    }
    assert cells("nodes", node, wide=True) == {
        "Name": "x",
        "Status": "Ready,SchedulingDisabled",
        "Roles": "worker",
        "Age": "60m",
        "Version": "v1.36.0",
        "Internal-IP": "127.1.0.1",
        "External-IP": "<none>",
        "OS-Image": "Linux",
        "Kernel-Version": "<unknown>",
        "Container-Runtime": "<unknown>",
    }
    assert node_status({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}) == (
        "NotReady"
    )
    assert node_status({}) == "Unknown"


def test_events_say_when_what_and_about_whom() -> None:
    event = {
        "type": "Warning",
        "reason": "BackOff",
        "message": " Back-off \n",
        "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{a}"},
        "source": {"component": "kubelet", "host": "n1"},
        "firstTimestamp": MADE,
        "lastTimestamp": "2026-01-01T00:59:30Z",
        "count": 4,
    }
    assert cells("events", event) == {
        "Last Seen": "30s",
        "Type": "Warning",
        "Reason": "BackOff",
        "Object": "pod/web",
        "Message": "Back-off",
    }
    wide = cells("events", event, wide=True)
    assert (wide["Source"], wide["First Seen"], wide["Count"]) == ("kubelet, n1", "60m", 4)


def test_a_list_keeps_its_metadata_and_rows_carry_what_was_asked() -> None:
    kind = BUILTIN.find("configmaps")
    listed = {"metadata": {"resourceVersion": "7", "continue": "c"}, "items": [{"metadata": META}]}
    table = to_table(kind, listed, NOW_S)
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert table["metadata"] == {"resourceVersion": "7", "continue": "c"}
    assert table["rows"][0]["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": META,
    }
    whole = to_table(kind, listed, NOW_S, include_object="Object")
    assert whole["rows"][0]["object"] == {"metadata": META}
    assert "object" not in to_table(kind, listed, NOW_S, "None")["rows"][0]


def test_every_built_in_kind_can_be_printed_whatever_is_missing() -> None:
    broken: list[Object] = [
        {},
        {"metadata": META},
        {"metadata": None, "spec": None, "status": None},
    ]
    for kind in BUILTIN.all():
        for row in to_table(kind, broken, NOW_S)["rows"]:
            assert all(cell is not None for cell in row["cells"])

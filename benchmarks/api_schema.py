"""What deciding about one object costs: decode, check structure, default, prepare, validate.

The object is a pod of about 2.5 kB with two containers, as a kubelet sees it. ``--json`` gives
one line for comparison over time, ``--smoke`` a size that only shows it works.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from report import Row, publish

from kube_actors.api import BUILTIN
from kube_actors.api.data import definitions
from kube_actors.api.defaults import apply_defaults
from kube_actors.api.openapi import documents as openapi
from kube_actors.api.schema import validate_structure
from kube_actors.api.schema.compiler import Compiler
from kube_actors.api.strategy import prepare_for_create
from kube_actors.api.validation import validate_create

IMPORT = (
    "import time; t = time.perf_counter(); import kube_actors.api; print(time.perf_counter() - t)"
)


def container(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "image": "registry.example.com/team/web:1.27",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": 80, "protocol": "TCP"}],
        "env": [
            {"name": "MODE", "value": "production"},
            {
                "name": "ADDRESS",
                "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}},
            },
        ],
        "resources": {
            "requests": {"cpu": "100m", "memory": "64Mi"},
            "limits": {"cpu": "1", "memory": "1Gi"},
        },
        "readinessProbe": {
            "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
            "periodSeconds": 10,
            "timeoutSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


def pod() -> dict[str, Any]:
    now = "2026-01-01T00:00:00Z"
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "web-7d9c",
        "uid": "0e6b2ba4-4b0c-4d5e-9d2a-000000000001",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    conditions = [
        {"type": name, "status": "True", "lastTransitionTime": now}
        for name in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-7d9c-x2x4z",
            "namespace": "default",
            "uid": "0e6b2ba4-4b0c-4d5e-9d2a-000000000002",
            "creationTimestamp": now,
            "labels": {"app": "web", "pod-template-hash": "7d9c"},
            "ownerReferences": [owner],
        },
        "spec": {
            "containers": [container("web"), container("sidecar")],
            "volumes": [{"name": "data", "emptyDir": {}}],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "nodeName": "node-1",
            "securityContext": {},
            "schedulerName": "default-scheduler",
            "tolerations": [
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
            ],
            "enableServiceLinks": True,
        },
        "status": {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": "10.0.0.1",
            "podIP": "127.1.0.2",
            "podIPs": [{"ip": "127.1.0.2"}],
            "startTime": now,
            "qosClass": "Burstable",
        },
    }


def microseconds(run: Callable[[], object], *, smoke: bool) -> float:
    total, repetitions = (20, 1) if smoke else (2_000, 7)
    fastest = float("inf")
    for _ in range(repetitions):
        begun = time.perf_counter()
        for _ in range(total):
            run()
        fastest = min(fastest, time.perf_counter() - begun)
    return fastest / total * 1e6


def milliseconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return (time.perf_counter() - begun) * 1e3


def cold_import_ms() -> float:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True
    )
    return float(done.stdout) * 1e3


def measure(*, smoke: bool) -> Sequence[Row]:
    kind, body = BUILTIN.find("pod"), orjson.dumps(pod())
    load_ms = milliseconds(definitions)
    compile_ms = milliseconds(lambda: Compiler(definitions()).named(kind.schema))
    found = orjson.loads(body)
    dirty = orjson.loads(body)
    dirty["spec"]["containers"][0]["unknown"] = 1
    whole = apply_defaults(kind, found)
    ready = prepare_for_create(kind, whole)

    def each(run: Callable[[], object]) -> float:
        return microseconds(run, smoke=smoke)

    def goal(text: str) -> str:
        return "" if smoke else text

    return [
        Row("import kube_actors.api", cold_import_ms(), "ms", goal("≤ 50")),
        Row("read the schema data", load_ms, "ms", goal("≤ 60")),
        Row("compile the pod's schema", compile_ms, "ms"),
        Row("orjson.loads, to compare", each(lambda: orjson.loads(body)), "µs"),
        Row(
            "structure of a clean pod",
            each(lambda: validate_structure(kind, found)),
            "µs",
            goal("≤ 40"),
        ),
        Row(
            "structure of one with an unknown field",
            each(lambda: validate_structure(kind, dirty)),
            "µs",
        ),
        Row("defaults", each(lambda: apply_defaults(kind, found)), "µs"),
        Row("preparing for creation", each(lambda: prepare_for_create(kind, whole)), "µs"),
        Row("validation", each(lambda: validate_create(kind, ready)), "µs"),
        Row(
            "OpenAPI document of v1, first time",
            milliseconds(lambda: openapi.document(BUILTIN, "", "v1")),
            "ms",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--json", action="store_true", help="one line for comparison over time")
    options = parser.parse_args()
    workload = f"one pod of {len(orjson.dumps(pod()))} bytes, fastest of 7 rounds"
    publish("api_schema", workload, measure(smoke=options.smoke), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())

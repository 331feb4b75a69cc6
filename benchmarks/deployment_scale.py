"""A large Deployment on many simulated nodes: time until all is Ready, memory per node and pod.

    python benchmarks/deployment_scale.py [--smoke] [--json] [--replicas N] [--nodes N]

Memory is the growth of this process' resident set after a full garbage collection.
"""

import argparse
import gc
import time
from pathlib import Path
from typing import Any

import anyio
from report import Row, publish

from kube_actors import Cluster

PAGE_KB = 4


def resident_kb() -> float:
    gc.collect()
    return float(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KB


def deployment(replicas: int) -> dict[str, Any]:
    labels = {"app": "scale"}
    container = {"name": "c", "image": "any:1", "resources": {"requests": {"cpu": "10m"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "scale", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


async def ready(cluster: Cluster) -> int:
    found = await cluster.client.get("deployments", "scale", "default")
    return int((found.get("status") or {}).get("readyReplicas", 0))


async def measure(replicas: int, nodes: int) -> list[Row]:
    options = {"masters": 3, "runtime": "simulated", "listen": None, "ready_timeout_s": 120}
    async with Cluster(nodes=1, **options):  # type: ignore[arg-type]
        await anyio.sleep(1)
        one_node_kb = resident_kb()
    began = time.perf_counter()
    async with Cluster(nodes=nodes, **options) as cluster:  # type: ignore[arg-type]
        boot_s = time.perf_counter() - began
        await anyio.sleep(1)
        idle_kb = resident_kb()
        began = time.perf_counter()
        await cluster.client.create(deployment(replicas))
        while await ready(cluster) < replicas:
            await anyio.sleep(0.1)
        ready_s = time.perf_counter() - began
        await anyio.sleep(1)
        full_kb = resident_kb()
    return [
        Row(f"boot with {nodes} simulated nodes", boot_s, "s"),
        Row(f"{replicas} replicas to all Ready", ready_s, "s", "≤ 15"),
        Row("pods per second", replicas / ready_s, "1/s"),
        Row("memory per idle simulated node", (idle_kb - one_node_kb) / (nodes - 1), "kB", "≤ 100"),
        Row("memory per pod", (full_kb - idle_kb) / replicas, "kB", "≤ 20"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="20 replicas on 5 nodes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--replicas", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args()
    if options.smoke:
        options.replicas, options.nodes = 20, 5
    rows = anyio.run(measure, options.replicas, options.nodes, backend=options.backend)
    if options.smoke:
        rows = [Row(row.what, row.value, row.unit) for row in rows]
    workload = f"3 masters in memory, {options.backend}"
    publish("deployment_scale", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main()

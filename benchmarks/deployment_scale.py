"""A large Deployment on many simulated nodes: time until all is Ready, memory per node and pod.

    python benchmarks/deployment_scale.py [--smoke] [--json] [--replicas N] [--nodes N]

Memory is the growth of this process' resident set after a full garbage collection, and after the
C library gave back the pages it held free: a boot's burst leaves some, and whether the next burst
finds them is not what a node or a pod costs. Everything else counts: three members' whole history
and logs, for nothing is compacted in the first minutes, and three watch caches with their rings of
recent changes. CPU time is this process' own, so it says more than the clock on a shared machine.
"""

import argparse
import ctypes
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
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
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
        began, cpu_began = time.perf_counter(), time.process_time()
        await cluster.client.create(deployment(replicas))
        while await ready(cluster) < replicas:
            await anyio.sleep(0.1)
        ready_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        await anyio.sleep(1)
        full_kb = resident_kb()
    return [
        Row(f"boot with {nodes} simulated nodes", boot_s, "s"),
        Row(f"{replicas} replicas to all Ready", ready_s, "s", "≤ 15"),
        Row("CPU time for it", cpu_s, "s"),
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

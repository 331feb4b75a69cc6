"""How long it takes until a cluster is there: import, and boot to all nodes Ready.

python benchmarks/cluster_boot.py [--smoke] [--json] [--backend asyncio|trio]
"""

import argparse
import os
import subprocess
import sys
import time

import anyio
from report import Row, median, publish

from kube_actors import Cluster

IMPORT = (
    "import time; began = time.perf_counter(); import kube_actors.cluster; "
    "print(time.perf_counter() - began)"
)


def import_s() -> float:
    """Time the import in a fresh interpreter that may keep byte code, as installed ones do."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", IMPORT]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout)


async def boot_s(masters: int, nodes: int) -> float:
    began = time.perf_counter()
    async with Cluster(masters=masters, nodes=nodes):
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="once, to see that it works")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--backend", choices=["asyncio", "trio"], default="asyncio")
    options = parser.parse_args()
    rounds = 1 if options.smoke else 7
    import_s()
    imports = [import_s() for _ in range(rounds)]
    boots = [anyio.run(boot_s, 3, 3, backend=options.backend) for _ in range(rounds)]
    rows = [
        Row("import kube_actors.cluster", median(imports), "s", "≤ 0.5"),
        Row("boot to all nodes Ready", median(boots), "s", "≤ 1"),
        Row("slowest boot", max(boots), "s"),
    ]
    workload = f"3 masters, 3 process nodes, store in memory, {options.backend}, median of {rounds}"
    publish("cluster_boot", workload, rows, as_json=options.json)


if __name__ == "__main__":
    main()

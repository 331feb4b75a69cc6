"""How fast a whole simulated cluster lives: 3 masters and 5 nodes at Kubernetes' own times.

Under workload one user changes Deployments, Jobs, Services, Pods and Namespaces about every 0.75 s;
idle nothing is asked. Both run deterministically (seeded schedule, no judges). A world is one seed
of the scenario ``cluster``, with its faults, users and judges, at the quick times. A fork is that
world again up to half of its envelopes, with the run up to there as its bound. Seconds are of
processor time of this process, so that other load on the machine counts less.
"""

import argparse
import time
from collections.abc import Awaitable, Callable
from random import Random

import anyio
from report import Row, publish

from kube_actors import Cluster
from kube_actors.actor import Clock
from kube_actors.cluster import Timings
from kube_actors.simulation import determinism
from kube_actors.simulation.cluster import ClusterWorld
from kube_actors.simulation.cluster.clients import Acknowledged, register
from kube_actors.simulation.cluster.history import History
from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.simulation.cluster.workload import Workload
from kube_actors.store import disks_from_snapshot

OBJECTS = 1_000


ETCDS_TIMES = Timings(store_tick_s=0.1, store_heartbeat_ticks=1)
"""A heartbeat every 100 ms and elections after 1 to 2 s; ours are 100 ms and 0.5 to 1 s."""


def cluster(**options: object) -> Cluster:
    return Cluster(
        3,
        5,
        runtime="simulated",
        listen=None,
        seed=1,
        clock=Clock(1.8e9),
        **options,  # type: ignore[arg-type]
    )


async def idle(cluster: Cluster, seconds: float) -> None:
    for _ in range(int(seconds / 60) or 1):
        await anyio.sleep(min(seconds, 60))
        determinism.collect()


async def busy(cluster: Cluster, seconds: float) -> None:
    breaches = Breaches()
    acknowledged = Acknowledged(History(breaches), breaches)
    user = Workload(cluster.client, "client/user", Random(1), acknowledged)
    with anyio.move_on_after(seconds):
        await user.run()


def lived(
    backend: str,
    live: Callable[[Cluster, float], Awaitable[None]],
    seconds: float,
    **options: object,
) -> float:
    """Return the processor seconds that so many simulated ones took."""
    took: list[float] = []

    async def main() -> None:
        async with cluster(**options) as found:
            began_s = time.process_time()
            await live(found, seconds)
            took.append(time.process_time() - began_s)

    determinism.run(main, backend=backend, seed=1)
    return took[0]


def world() -> tuple[float, float, float]:
    """Return simulated seconds per second of a world, and the times of half of it and its fork."""
    began_s = time.process_time()
    origin = ClusterWorld(4)
    origin.run()
    took_s = time.process_time() - began_s
    half = origin.network.steps // 2
    passed: list[float] = []

    async def arrive(_: ClusterWorld) -> None:
        passed.append(time.process_time())

    times = []
    for _ in range(2):
        began_s = time.process_time()
        passed.clear()
        origin.fork(half, arrive).run()
        times.append(passed[0] - began_s)
    return origin.simulated_s / took_s, times[0], times[1]


def restore(objects: int) -> tuple[float, float, int]:
    """Return seconds to restore the store, and until a new cluster served from it, and its size."""
    found: list[float] = []
    sizes: list[int] = []

    async def main() -> None:
        async with cluster() as origin:
            for number in range(objects):
                await origin.client.create(register(f"c-{number}", number))
            data = await origin.snapshot()
        sizes.append(len(data))
        began_s = time.process_time()
        disks_from_snapshot(data, 3)
        found.append(time.process_time() - began_s)
        began_s = time.process_time()
        async with cluster(snapshot=data) as again:
            await again.client.get("configmaps", f"c-{objects - 1}", "default")
            found.append(time.process_time() - began_s)

    determinism.run(main, seed=1)
    return found[0], found[1], sizes[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--smoke", action="store_true", help="seconds for an hour, no meaning")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    hour_s, busy_s, objects = (5.0, 5.0, 50) if options.smoke else (3600.0, 120.0, OBJECTS)
    rows = []
    for backend in determinism.BACKENDS:
        took_s = lived(backend, busy, busy_s)
        rows.append(Row(f"under workload, {backend}", busy_s / took_s, "simulated s/s", "≥ 20"))
    for backend in determinism.BACKENDS:
        took_s = lived(backend, idle, hour_s)
        rows.append(Row(f"an idle hour, {backend}", took_s * 3600 / hour_s, "processor s", "≤ 30"))
    took_s = lived("asyncio", idle, hour_s, timings=ETCDS_TIMES) * 3600 / hour_s
    rows.append(Row("an idle hour at etcd's times, asyncio", took_s, "processor s", "≤ 30"))
    rate, half_s, fork_s = world()
    rows += [
        Row("a world with faults and judges, quick times", rate, "simulated s/s"),
        Row("a fork at half of a world's steps, of the run so far", fork_s / half_s, "times"),
    ]
    store_s, cluster_s, size = restore(objects)
    rows += [
        Row(f"a store of {objects} objects restored", store_s * 1e3, "ms", "≤ 50"),
        Row("a new cluster serving from it, nodes ready", cluster_s * 1e3, "ms"),
        Row("its snapshot", size / 1e3, "kB"),
    ]
    publish("simulation_cluster", "3 masters, 5 nodes", rows, as_json=options.json)


if __name__ == "__main__":
    main()

"""Runs one cluster through faults and prints the digest of its every byte: the canary's process."""

import sys

import anyio

from kube_actors import Cluster
from kube_actors.actor import ActorError, Clock
from kube_actors.api import StatusError
from kube_actors.simulation import determinism
from kube_actors.simulation.cluster.network_log import LoggedNetwork

SEED = 7


def deployment(replicas: int) -> dict[str, object]:
    pod = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "any"}]},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": pod}
    meta = {"name": "web", "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


async def live(network: LoggedNetwork) -> None:
    async with Cluster(
        3, 3, runtime="simulated", listen=None, seed=SEED, network=network, clock=Clock(1.8e9)
    ) as cluster:
        await cluster.client.apply(deployment(4))
        network.set_fault("store/1", "store/2", drop=0.2, delay_s=(0, 0.2), reorder=0.2)
        await anyio.sleep(3)
        cluster.faults.kill("master/1")
        await anyio.sleep(4)
        try:
            await cluster.client.apply(deployment(6))
        except (StatusError, ActorError) as error:
            network.note(str(error).encode())
        cluster.faults.revive("master/1")
        cluster.faults.kill("controllers/2")
        await anyio.sleep(5)


def main(backend: str, ballast: int) -> None:
    kept = [object() for _ in range(ballast)]
    for _ in range(1 if ballast else 2):
        network = LoggedNetwork(SEED)

        async def run(network: LoggedNetwork = network) -> None:
            await live(network)

        determinism.run(run, backend=backend, seed=SEED)
        print(network.steps, network.digest)
    del kept


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""When a cluster that starts is ready, and what is missing as long as it is not.

Ready means: the store has a leader, every apiserver serves, every node is Ready. Waiting ends early
when it cannot help, for a majority of the store's disks cannot be used.
"""

from typing import Any

import anyio

from kube_actors.client import Client
from kube_actors.cluster.config import ClusterConfig
from kube_actors.cluster.faults import Faults
from kube_actors.cluster.front_door import FrontDoor
from kube_actors.cluster.health import Health

READY_POLL_S = 0.02


class NotReady(TimeoutError):
    """The cluster did not come up in time; the message says what was missing."""


async def wait_ready(
    config: ClusterConfig,
    client: Client,
    health: Health,
    faults: Faults,
    door: FrontDoor,
    *,
    timeout_s: float,
    engine: bool,
) -> None:
    """Wait until everything serves; ``engine``: the store is not the embedded Raft group.

    Raises NotReady after ``timeout_s`` seconds, or at once when the store cannot be opened.
    """
    missing = "the store has no leader"
    with anyio.move_on_after(timeout_s):
        while missing:
            await anyio.sleep(READY_POLL_S)
            missing = await _missing(config, client, health, faults, door, engine)
            _check_disks(config, faults)
        return
    raise NotReady(f"not ready after {timeout_s:g} s: {missing}")


def _check_disks(config: ClusterConfig, faults: Faults) -> None:
    troubles = faults.troubles
    if len(troubles) > config.masters // 2:
        raise NotReady(f"the store cannot be opened: {'; '.join(troubles)}")


async def _missing(
    config: ClusterConfig,
    client: Client,
    health: Health,
    faults: Faults,
    door: FrontDoor,
    engine: bool,
) -> str:
    await health.refresh()
    if not health.leader:
        if engine and not any(health.members.values()):
            return "the store's engine does not answer"
        return "the store has no leader"
    serving = door.masters()
    if len(serving) < config.masters:
        return f"{len(serving)} of {config.masters} apiservers are serving"
    nodes = await describe_nodes(client, faults)
    ready = [name for name, node in nodes.items() if node["ready"]]
    waiting = [spec.name for spec in config.nodes if spec.name not in ready]
    return f"nodes not Ready: {', '.join(waiting[:5])}" if waiting else ""


async def describe_nodes(client: Client, faults: Faults) -> dict[str, Any]:
    """Say of each Node whether it is Ready, may be scheduled on, and has its machine up.

    Raises StatusError and ActorError as a list does; a stale answer is as good.
    """
    found: dict[str, Any] = {}
    listed = await client.list("nodes", resource_version="0")
    for node in listed.get("items") or ():
        conditions = (node.get("status") or {}).get("conditions") or ()
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        name = node["metadata"]["name"]
        machine = faults.machines.get(f"node/{name}")
        found[name] = {
            "ready": ready,
            "up": machine is not None and machine.supervisor is not None,
            "unschedulable": bool((node.get("spec") or {}).get("unschedulable")),
        }
    return found

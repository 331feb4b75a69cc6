"""The actor ``controllers/N``: leads or waits, and while it leads runs every controller.

Each controller is an actor of its own, ``controller/<name>/N``, with its own client and views. A
master that does not lead keeps no view and reads nothing but the Lease. Losing the Lease stops them
all before another master can have taken it: the renew deadline is shorter than the Lease.
"""

from typing import Any

import anyio

from kube_actors.actor import Actor, Child, Supervisor
from kube_actors.client import Client, LeaderElector
from kube_actors.controllers.config import ControllersConfig
from kube_actors.controllers.controller import Controller
from kube_actors.controllers.loop import LoopConfig, run_controller
from kube_actors.controllers.registry import controllers

LEASE_NAMESPACE = "kube-system"
LEASE_NAME = "kube-controller-manager"


async def run_controllers(actor: Actor, config: ControllersConfig) -> None:
    """Take part in the election for ever; run the controllers while elected.

    Raises Escalated when a controller keeps crashing.
    """
    chosen = controllers(config)
    user, groups = "system:kube-controller-manager", ("system:masters",)
    client = Client(actor, config.apiservers, user=user, groups=groups)
    elector = LeaderElector(
        client,
        LEASE_NAMESPACE,
        LEASE_NAME,
        config.identity,
        actor.clock,
        times=config.election,
    )

    async def lead() -> None:
        await _run_all(actor, config, chosen)

    await elector.run(lead)


async def _run_all(
    actor: Actor, config: ControllersConfig, chosen: tuple[Controller[Any], ...]
) -> None:
    loop_config = LoopConfig(config.apiservers, patience_s=config.patience_s)
    name = str(actor.address)
    async with Supervisor(actor.system, name=name, intensity=10, window_s=30.0) as supervisor:
        for controller in chosen:
            address = f"controller/{controller.name}/{config.master}"
            supervisor.start(Child(address, _runner(controller, loop_config)))
        await anyio.sleep_forever()


def _runner(controller: Controller[Any], config: LoopConfig) -> Any:
    async def run(actor: Actor) -> None:
        await run_controller(actor, controller, config)

    return run

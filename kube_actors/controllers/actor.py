"""The actor ``controllers/N``: leads or waits, and while it leads runs every controller.

Each controller is an actor of its own, ``controller/<name>/N``, with its own client and views. A
master that does not lead keeps no view and reads nothing but the Lease. Losing the Lease stops them
all before another master can have taken it: the renew deadline is shorter than the Lease.
"""

from functools import partial
from typing import Any

import anyio

from kube_actors.actor import Actor, Child, Supervisor
from kube_actors.client import Client, LeaderElector
from kube_actors.controllers.config import GROUPS, USER, ControllersConfig
from kube_actors.controllers.loop import Controller, run_controller
from kube_actors.controllers.registry import controllers

LEASE_NAMESPACE = "kube-system"
LEASE_NAME = "kube-controller-manager"


async def run_controllers(actor: Actor, config: ControllersConfig) -> None:
    """Take part in the election for ever; run the controllers while elected.

    Raises Escalated when a controller keeps crashing.
    """
    chosen = controllers(config)
    client = Client(actor, config.apiservers, user=USER, groups=GROUPS)
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
    name = str(actor.address)
    async with Supervisor(actor.runtime, name=name, intensity=10, window_s=30.0) as supervisor:
        for controller in chosen:
            address = f"controller/{controller.name}/{config.master}"
            run = partial(run_controller, controller=controller, config=config)
            supervisor.start(Child(address, run))
        await anyio.sleep_forever()

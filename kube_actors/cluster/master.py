"""One master: a store member, an apiserver, controllers and a scheduler under one supervisor."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import attrs

from kube_actors.actor import Actor, ActorSystem, Address, Child, Restart, Supervisor
from kube_actors.apiserver import ApiServerConfig, Server, create_app, run_apiserver
from kube_actors.cluster.config import QUOTA_BYTES, Timings
from kube_actors.cluster.faults import Machine
from kube_actors.cluster.front_door import FrontDoor
from kube_actors.controllers import ControllersConfig, run_controllers
from kube_actors.raft import SafetyViolation
from kube_actors.scheduler import SchedulerConfig, run_scheduler
from kube_actors.store import (
    CannotRebuild,
    CorruptLog,
    Disk,
    DiskError,
    LostLog,
    MemberConfig,
    Store,
    member_address,
    run_member,
)

logger = logging.getLogger(__name__)

Engine = Callable[[Actor], Store]
"""Makes one actor's client of the store."""


@attrs.frozen
class MasterPlan:
    """Everything one master needs; ``number`` is from 1 to ``masters``.

    ``founders`` is how many began the group, if not all of them; 0 says that this one was added to
    it. ``removed`` is called when the group has removed this master's member.
    ``places`` are the masters that were named to this one, beyond the founders. Over
    ``quota_bytes`` the store takes nothing more. ``commit_notice_s`` is how long the store's leader
    waits for the next write to take word of the last one along. An ``engine`` takes the place of
    the Raft group: the master then runs no store member.
    """

    number: int
    masters: int
    timings: Timings
    disk: Callable[[], Disk]
    api: ApiServerConfig
    authority_pem: bytes
    engine: Engine | None = None
    founders: int | None = None
    removed: Callable[[], None] = lambda: None
    places: tuple[int, ...] = ()
    quota_bytes: int = QUOTA_BYTES
    commit_notice_s: float = 0.0

    @property
    def name(self) -> str:
        """The machine's name, as faults and the status know it."""
        return f"master/{self.number}"

    @property
    def apiservers(self) -> tuple[Address, ...]:
        """Every apiserver, this master's own first."""
        return self._own_first("apiserver")

    @property
    def stores(self) -> tuple[Address, ...]:
        """Every store member, this master's own first."""
        return self._own_first("store")

    def _own_first(self, component: str) -> tuple[Address, ...]:
        others = (number for number in range(1, self.masters + 1) if number != self.number)
        return tuple(Address(f"{component}/{number}") for number in (self.number, *others))


async def run_master(
    system: ActorSystem, plan: MasterPlan, machine: Machine, door: FrontDoor
) -> None:
    """Run the master's actors until cancelled; raises Escalated when they crash in a loop."""
    async with Supervisor(system, name=plan.name, intensity=20, window_s=30.0) as supervisor:
        machine.supervisor = supervisor
        try:
            for child in _children(plan, machine, door):
                supervisor.start(child)
            await anyio.sleep_forever()
        finally:
            machine.supervisor = None
            door.closed(plan.number)


async def _be_member(actor: Actor, plan: MasterPlan, machine: Machine) -> None:
    """Run the store's member; it stays down when starting it again could not mend it."""
    number, timings = plan.number, plan.timings
    named: Any = {place: member_address(place) for place in plan.places}
    config = MemberConfig(
        member=number,
        members=plan.founders or plan.masters,
        joining=plan.founders == 0,
        addresses=named,
        quota_bytes=plan.quota_bytes,
        tick_s=timings.store_tick_s,
        election_ticks=timings.store_election_ticks,
        heartbeat_ticks=timings.store_heartbeat_ticks,
        commit_notice_s=plan.commit_notice_s,
    )
    machine.trouble = ""
    try:
        await run_member(actor, config, plan.disk())
        machine.trouble = f"store/{number}: it was removed from its group"
        plan.removed()
    except DiskError as error:
        machine.trouble = f"store/{number}: {error}"
        if not isinstance(error, CorruptLog | CannotRebuild | LostLog):
            raise
        # Opening it again would find the same damage: the member stays down, the others go on.
        logger.error("%s; this member stays down", machine.trouble)
    except SafetyViolation as broken:
        # It would meet the same promise again, as often as it is started.
        machine.trouble = (
            f"store/{number}: {broken} (if its directory is an older copy, or another member's, "
            "run `kube-actors store rebuild` with it)"
        )
        logger.error("%s; this member stays down", machine.trouble, exc_info=broken)


def _children(plan: MasterPlan, machine: Machine, door: FrontDoor) -> list[Child]:
    number, timings = plan.number, plan.timings

    async def store(actor: Actor) -> None:
        await _be_member(actor, plan, machine)

    async def apiserver(actor: Actor) -> None:
        def serving(server: Server) -> None:
            door.opened(number, create_app(server))

        config = attrs.evolve(plan.api, stores=plan.stores)
        try:
            await run_apiserver(actor, config, store=plan.engine, serving=serving)
        finally:
            door.closed(number)

    async def controllers(actor: Actor) -> None:
        config = ControllersConfig(
            master=number,
            apiservers=plan.apiservers,
            root_certificate=plan.authority_pem.decode(),
            election=timings.election,
            node_grace_s=timings.node_grace_s,
            node_monitor_s=timings.node_monitor_s,
        )
        await run_controllers(actor, config)

    async def scheduler(actor: Actor) -> None:
        config = SchedulerConfig(
            identity=f"master-{number}", apiservers=plan.apiservers, election=timings.election
        )
        await run_scheduler(actor, config)

    return [
        *([] if plan.engine else [Child(f"store/{number}", store, restart=Restart.TRANSIENT)]),
        Child(f"apiserver/{number}", apiserver),
        Child(f"controllers/{number}", controllers),
        Child(f"scheduler/{number}", scheduler),
    ]

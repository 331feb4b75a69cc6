"""A whole cluster from one seed: its weather, its users, its judges, and what they found.

A run boots the cluster, lets the schedule of faults loose on it while users write, read and watch,
then stops the faults (the dead stay dead) and waits until everything is as it was asked. What is
broken on the way is a ``Breach``; an exception that nobody expects is one too. On one backend the
same seed gives the same bytes; the two backends live through two schedules of one world.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from random import Random

import anyio
from attrs import field, frozen

from kube_actors.actor import ActorSystem
from kube_actors.client import Client
from kube_actors.cluster import Cluster, NodeSpec, Timings
from kube_actors.node import DEFAULT_CAPACITY, Script, Stage
from kube_actors.simulation import determinism
from kube_actors.simulation.cluster.clients import (
    REGISTERS,
    Acknowledged,
    Registers,
    register,
    visiting,
    watch_for_ever,
)
from kube_actors.simulation.cluster.faults import (
    VERBS,
    Chaos,
    MachineClocks,
    Shape,
    SimulatedDisk,
    draw_schedule,
)
from kube_actors.simulation.cluster.history import History
from kube_actors.simulation.cluster.judges import (
    BoundOnce,
    JobParallelism,
    LeaseExclusive,
    NodeLoad,
    OwnersKeep,
    RolloutAvailability,
    RolloutSurge,
    ServiceAddresses,
    WatchJudge,
)
from kube_actors.simulation.cluster.liveness import Aftermath, recover
from kube_actors.simulation.cluster.network_log import LoggedNetwork
from kube_actors.simulation.cluster.observers import Crashes, observe, place
from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.simulation.cluster.read_only import probe
from kube_actors.simulation.cluster.workload import PODS_MAX, Workload
from kube_actors.simulation.linearizability import CasRegister, Verdict, check, explain
from kube_actors.simulation.recording import Recording
from kube_actors.simulation.schedule import FaultSchedule

EPOCH_S = 1_767_225_600.0
JUDGE_S = 0.25
COLLECT_TURNS = 80
NODE_CPU_M = 1000 * int(DEFAULT_CAPACITY["cpu"])
WATCHED = (("pods", "core/pods"), ("configmaps", "core/configmaps"))
LINEARIZABILITY_STEPS_MAX = 2_000_000

Part = Callable[["ClusterWorld"], Awaitable[None]]
"""Something of a test's own that takes part in a world."""


@frozen
class Plan:
    """What a world is made of. ``users`` is how many of them change objects all the time.

    ``pods_fit``: so many of the users' pods have room on the nodes that do not die.
    ``setup`` is done before the faults begin; ``parts`` run beside the users and go on to the end;
    ``expectations`` raise AssertionError as long as they are not fulfilled, and are asked when the
    faults have stopped. After ``settle_s`` seconds without faults everything must be as it was
    asked.
    """

    shape: Shape = field(factory=Shape)
    users: int = 1
    roll_only: bool = False
    pods_fit: int = PODS_MAX + 6
    registers: bool = True
    read_only_probe: bool = False
    timings: Timings = field(factory=Timings.quick)
    settle_s: float = 150.0
    setup: tuple[Part, ...] = ()
    parts: tuple[Part, ...] = ()
    expectations: tuple[Part, ...] = ()


@frozen
class Crossroads:
    """Where a fork leaves the common way, and how it goes on."""

    at_step: int
    then: Part | None
    schedule: FaultSchedule | None


class ClusterWorld:
    """One seed's world. ``run`` lives through it once; what was found is in ``breaches``."""

    cluster: Cluster
    system: ActorSystem
    chaos: Chaos

    def __init__(
        self,
        seed: int,
        *,
        backend: str = "asyncio",
        schedule: FaultSchedule | None = None,
        plan: Plan | None = None,
        recording: Recording | None = None,
        until: tuple[str, ...] = (),
    ) -> None:
        """``until``: the run is given up as soon as one of these promises is broken.

        Raises ScheduleError if the schedule is impossible here, ValueError on the backend.
        """
        if backend not in determinism.BACKENDS:
            raise ValueError(f"unknown backend {backend!r}: use asyncio or trio")
        self.seed = seed
        self.backend = backend
        self.plan = plan or Plan()
        shape = self.plan.shape
        self.schedule = draw_schedule(seed, shape) if schedule is None else schedule
        self.schedule.check(VERBS, tuple(shape.targets), end_s=shape.faults_s)
        self.network = LoggedNetwork(seed, recording)
        self.clocks = MachineClocks(EPOCH_S)
        self.breaches = Breaches(self._moment, recording, self._found)
        self._until = until
        self._life: anyio.CancelScope | None = None
        self.history = History(self.breaches)
        keep = OwnersKeep(self.history, self.breaches)
        self.network.listeners.append(keep.hear)
        self.history.listeners += [
            BoundOnce(self.breaches),
            RolloutAvailability(self.history, self.breaches),
            LeaseExclusive(self.breaches, self.plan.timings.renew_deadline_s, self.clocks.true_s),
            RolloutSurge(self.history, self.breaches),
            JobParallelism(self.history, self.breaches),
            NodeLoad(self.history, self.breaches),
            ServiceAddresses(self.breaches),
            keep,
        ]
        self.acknowledged = Acknowledged(self.history, self.breaches)
        self.registers = Registers(self.network)
        self.watches: list[WatchJudge] = []
        self.simulated_s = 0.0
        self.dead: tuple[str, ...] = ()
        self._draw = Random(f"{seed}/world")
        self._disks: dict[int, SimulatedDisk] = {}
        self._crossroads: Crossroads | None = None

    @property
    def digest(self) -> str:
        """A hash of every envelope of the run, and of all that the store's members applied."""
        return self.network.digest

    @property
    def living(self) -> tuple[int, ...]:
        """The masters that are not dead for good."""
        masters = range(1, self.plan.shape.masters + 1)
        return tuple(number for number in masters if f"master/{number}" not in self.dead)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Which faults the budget did not allow, and when they should have begun."""
        return tuple(self.chaos.withheld) if hasattr(self, "chaos") else ()

    def _hurt(self) -> tuple[int, ...]:
        return self.chaos.damage.hurt if hasattr(self, "chaos") else ()

    @property
    def digest_at_fork(self) -> str:
        """The digest when a forked world left the way of its origin; empty before."""
        return self.network.digest_at_mark

    def run(self) -> None:
        """Live through it; raises nothing that happens inside."""
        logger = logging.getLogger("kube_actors")
        crashes = Crashes(self.breaches, self._hurt)
        before = logger.propagate
        logger.addHandler(crashes)
        logger.propagate = False
        try:
            determinism.run(self._begin, backend=self.backend, seed=self.seed)
        except determinism.Livelock as error:
            self.breaches.found("time-passes", str(error))
        except Exception as error:
            self.breaches.found("crash", place(error))
        finally:
            logger.removeHandler(crashes)
            logger.propagate = before
        self._judge_registers()

    def fork(
        self, at_step: int, then: Part | None = None, *, schedule: FaultSchedule | None = None
    ) -> "ClusterWorld":
        """Make a world that goes this one's way up to envelope ``at_step``, and another from there.

        At that moment ``then`` is called with it, beside all that goes on; ``schedule`` takes the
        place of the faults that have not begun. It gets there by living through the same run again
        when it is ``run``; its ``digest_at_fork`` is this run's digest at that step.
        """
        forked = ClusterWorld(
            self.seed, backend=self.backend, schedule=self.schedule, plan=self.plan
        )
        forked._crossroads = Crossroads(at_step, then, schedule)
        return forked

    def client(self, who: str, apiserver: int = 0) -> AbstractAsyncContextManager[Client]:
        """``async with world.client("name") as client:`` of one apiserver, or of any (0)."""
        masters = self.plan.shape.masters
        return visiting(self.system, who, (apiserver,) if apiserver else range(1, masters + 1))

    # How it lives.

    def _nodes(self) -> list[NodeSpec]:
        draw = self._draw
        script = Script(
            pull=Stage(delay_s=round(draw.uniform(0, 0.5), 3)),
            start=Stage(delay_s=round(draw.uniform(0, 0.3), 3)),
        )
        return [NodeSpec(runtime="simulated", script=script)] * self.plan.shape.nodes

    def _found(self, promise: str) -> None:
        if promise in self._until and self._life is not None:
            self._life.cancel()

    async def _begin(self) -> None:
        with anyio.CancelScope() as self._life:
            await self._live()
        self._life = None
        self.network.note(repr(sorted(self.history.changes.items())).encode())

    async def _live(self) -> None:
        shape = self.plan.shape
        for number in range(1, shape.masters + 1):
            sync_s = self._draw.choice((0.0, 0.001, 0.01))
            self._disks[number] = SimulatedDisk(f"{self.seed}/disk/{number}", sync_s=sync_s)
        async with Cluster(
            shape.masters,
            self._nodes(),
            listen=None,
            seed=self.seed,
            network=self.network,
            clock=self.clocks,
            timings=self.plan.timings,
            disk=self._disks.__getitem__,
        ) as self.cluster:
            self.system = self.cluster.system
            self.chaos = chaos = Chaos(
                self.cluster, self.network, self._disks, self.clocks, self.schedule, shape
            )
            async with anyio.create_task_group() as lookers:
                for number in range(1, shape.masters + 1):
                    lookers.start_soon(
                        observe, self.system, number, self.history, chaos.damage.refusing
                    )
                lookers.start_soon(self._judge)
                lookers.start_soon(self._turn_off, chaos)
                for part in self.plan.setup:
                    await part(self)
                for position, part in enumerate(self.plan.parts):
                    lookers.start_soon(self._take_part, part, name=f"part {position}")
                await self._use(lookers, chaos)
                await chaos.calm()
                self.dead = chaos.dead
                async with self.client("client/liveness") as client:
                    await recover(client, self._aftermath())
                self.network.stop_recording()
                lookers.cancel_scope.cancel()
            self.simulated_s = anyio.current_time()

    def _aftermath(self) -> Aftermath:
        return Aftermath(
            self.history,
            self.breaches,
            self.watches,
            self.dead,
            self.living,
            lambda final: self.settle(final=final),
            tuple(partial(expectation, self) for expectation in self.plan.expectations),
            self.plan.settle_s,
        )

    async def _use(self, lookers: anyio.abc.TaskGroup, chaos: Chaos) -> None:
        """Let users use the cluster while the schedule lasts."""
        masters = self.plan.shape.masters
        for number in range(REGISTERS if self.plan.registers else 0):
            answer = await self.cluster.client.create(register(f"register-{number}", 0))
            self.acknowledged.note("client/embedder", "core/configmaps", answer)
            self.registers.begin(f"register-{number}")
        async with anyio.create_task_group() as users:
            for number in range(1, masters + 1):
                for kind, resource in WATCHED:
                    name = f"client/watch-{kind}-{number}"
                    judge = WatchJudge(name, resource, self.history, self.breaches)
                    self.watches.append(judge)
                    lookers.start_soon(
                        self._visit, name, number, partial(watch_for_ever, kind=kind, judge=judge)
                    )
                if self.plan.registers:
                    who = f"client/register-{number}"
                    use = partial(
                        self.registers.use,
                        who=who,
                        draw=Random(f"{self.seed}/{who}"),
                        acked=self.acknowledged,
                    )
                    users.start_soon(self._visit, who, number, use)
                if self.plan.read_only_probe:
                    ask = partial(probe, master=number, chaos=chaos, breaches=self.breaches)
                    users.start_soon(self._visit, f"client/probe-{number}", number, ask)
            for number in range(1, self.plan.users + 1):
                users.start_soon(self._work, number)
            await chaos.run()
            users.cancel_scope.cancel()

    async def _work(self, number: int) -> None:
        who = f"client/user-{number}"
        draw = Random(f"{self.seed}/{who}")
        async with self.client(who) as client:
            plan, shape = self.plan, self.plan.shape
            # One of several nodes may die, see the weather.
            nodes = shape.nodes - 1 if shape.nodes > 2 else shape.nodes
            user = Workload(
                client,
                who,
                draw,
                self.acknowledged,
                roll_only=plan.roll_only,
                cpu_m=NODE_CPU_M // -(-plan.pods_fit // nodes),
            )
            await user.run()

    async def _visit(
        self, who: str, apiserver: int, use: Callable[[Client], Awaitable[None]]
    ) -> None:
        async with self.client(who, apiserver) as client:
            await use(client)

    async def _turn_off(self, chaos: Chaos) -> None:
        """Wait for the crossroads; every world waits, so that a fork and its origin are alike."""
        passed = anyio.Event()
        crossroads = self._crossroads
        self.network.mark(crossroads.at_step if crossroads else -1, passed.set)
        await passed.wait()
        assert crossroads is not None
        if crossroads.schedule is not None:
            chaos.replace(crossroads.schedule)
        if crossroads.then is not None:
            await crossroads.then(self)

    async def _take_part(self, part: Part) -> None:
        await part(self)

    async def _judge(self) -> None:
        """Look again and again at what waits to be judged; collect garbage now and then."""
        turn = 0
        while True:
            await anyio.sleep(JUDGE_S)
            turn += 1
            self.settle()
            if turn % COLLECT_TURNS == 0:
                determinism.collect()

    def settle(self, *, final: bool = False) -> None:
        """Judge what can be judged by now."""
        self.simulated_s = anyio.current_time()
        self.acknowledged.settle(final=final)
        for watch in self.watches:
            watch.settle()

    def _moment(self) -> tuple[int, float]:
        try:
            self.simulated_s = anyio.current_time()
        except anyio.NoEventLoopError:
            # After the end: what it was then.
            pass
        return self.network.steps, self.simulated_s

    def _judge_registers(self) -> None:
        judgement = check(
            self.registers.events,
            CasRegister(),
            steps_max=LINEARIZABILITY_STEPS_MAX,
            explain=True,
        )
        if judgement.verdict is Verdict.NOT:
            self.breaches.found("registers-linearizable", explain(judgement, CasRegister()))

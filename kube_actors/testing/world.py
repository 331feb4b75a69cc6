"""Many simulated clusters around one operator: which seed breaks it, and with how few faults.

The operator runs beside the cluster's own controllers, on virtual time, and is killed and started
again while the faults last: at any moment, and often right after a write of its own. When they
have stopped, ``expect`` must come true. Nothing in a run reads the machine's clock, chance or
network: an operator that does is told so.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from random import Random

import anyio
from attrs import field, frozen

from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.simulation import FaultSchedule, Finding, Run, Shrunk, shrink_schedule
from kube_actors.simulation.cluster import Change, ClusterWorld, Part, Plan
from kube_actors.simulation.cluster.faults import VERBS, Shape, draw_schedule
from kube_actors.testing.crashing_door import CrashingDoor

Operator = Callable[[Client], Awaitable[None]]
"""Runs until it is cancelled, as a controller does; an API error ends it and it starts again."""

Always = Callable[[Change], None]
"""Raises AssertionError when a change in the store must not be."""

RESTART_S = 0.5
LIFE_S = 6.0
LIFE_WRITES = 2.0
SHRINK_RUNS_MAX = 40


@frozen
class WorldSettings:
    """What ``@pytest.mark.world(…)`` takes. ``faults`` are verbs of the weather, by default all.

    ``seconds`` is how long the faults last, ``settle_seconds`` how long ``expect`` may take after
    them; ``users`` change Deployments, Jobs and Services of their own meanwhile.
    """

    seeds: Iterable[int] = field(factory=lambda: range(5), converter=tuple)
    faults: tuple[str, ...] = field(default=tuple(VERBS), converter=tuple)
    masters: int = 3
    nodes: int = 2
    seconds: float = 10.0
    settle_seconds: float = 60.0
    users: int = 0
    backend: str = "asyncio"

    def __attrs_post_init__(self) -> None:
        unknown = [verb for verb in self.faults if verb not in VERBS]
        if unknown or set(self.faults) == {"dead"}:
            known = ", ".join(sorted(VERBS))
            raise ValueError(
                f"world(faults=…) takes verbs of {known}, not {unknown or 'dead alone'}"
            )
        if not self.seeds:
            raise ValueError("world(seeds=…) takes at least one seed")

    @property
    def shape(self) -> Shape:
        """What the weather is drawn for with these settings."""
        return Shape(self.masters, self.nodes, self.seconds, verbs=self.faults)


class WorldBroken(AssertionError):
    """A seed broke something; ``run`` is what came of it, ``shrunk`` the shortest way to it."""

    def __init__(self, text: str, run: Run, shrunk: Shrunk) -> None:
        super().__init__(text)
        self.run = run
        self.shrunk = shrunk


class World:
    """The fixture. ``run`` is called once in a test; ``digests`` has one per seed that survived."""

    def __init__(self, settings: WorldSettings, test: str = "") -> None:
        self.settings = settings
        self.digests: dict[int, str] = {}
        self._test = test

    def run(
        self,
        *operators: Operator,
        setup: Operator | None = None,
        expect: Operator | None = None,
        always: Always | None = None,
    ) -> None:
        """Live through a cluster per seed; raises WorldBroken for the first that broke something.

        ``setup`` is called once before the faults begin (it is tried until it succeeds), ``expect``
        after they have ended, again and again until it raises no AssertionError. Any promise of the
        cluster itself counts as well: a report that your operator is innocent of is ours to mend.
        """
        plan = Plan(
            shape=self.settings.shape,
            users=self.settings.users,
            registers=False,
            settle_s=self.settings.settle_seconds,
            setup=() if setup is None else (_once(setup),),
            parts=tuple(_living(number, one) for number, one in enumerate(operators, 1)),
            expectations=() if expect is None else (_asked(expect),),
        )
        __tracebackhide__ = True  # Whoever reads it has to mend the operator, not this.
        for seed in self.settings.seeds:
            run = self._live(plan, always, seed, draw_schedule(seed, self.settings.shape))
            if run.findings:
                self._tell(plan, always, run)
            self.digests[seed] = run.digest

    def _live(self, plan: Plan, always: Always | None, seed: int, schedule: FaultSchedule) -> Run:
        world = ClusterWorld(seed, backend=self.settings.backend, schedule=schedule, plan=plan)
        if always is not None:
            world.history.listeners.append(partial(_judge, world, always))
        world.run()
        findings = tuple(
            Finding("world", seed, breach.promise, breach.text, breach.step, breach.time_s)
            for breach in world.breaches.first.values()
        )
        steps, time_s = world.network.steps, world.simulated_s
        return Run("world", seed, findings, steps, time_s, world.digest, schedule)

    def _tell(self, plan: Plan, always: Always | None, run: Run) -> None:
        __tracebackhide__ = True
        shrunk = shrink_schedule(
            run,
            lambda schedule: self._live(plan, always, run.seed, schedule),
            runs_max=SHRINK_RUNS_MAX,
        )
        finding = run.findings[0]
        faults = [f"    {fault.to_json()}" for fault in shrunk.after.faults]
        lines = [
            f"seed {run.seed} breaks {finding.property} at {finding.time_s:.1f} s: {finding.text}",
            f"  the shortest schedule found ({shrunk.describe()}, {shrunk.runs} runs):",
            *(faults or ["    no fault at all"]),
            f"  again: python -m pytest {self._test} --world-seed {run.seed}",
        ]
        raise WorldBroken("\n".join(lines), run, shrunk)


def _judge(world: ClusterWorld, always: Always, change: Change) -> None:
    try:
        always(change)
    except AssertionError as error:
        world.breaches.found("expectation", f"{change.key} at {change.revision}: {error}")


def _once(setup: Operator) -> Part:
    async def prepare(world: ClusterWorld) -> None:
        async with world.client("client/setup") as client:
            await setup(client)

    return prepare


def _asked(expect: Operator) -> Part:
    async def ask(world: ClusterWorld) -> None:
        async with world.client("client/expect") as client:
            await expect(client)

    return ask


def _living(number: int, operator: Operator) -> Part:
    """Run an operator; kill it now and then while the faults last, start it again always."""

    async def live(world: ClusterWorld) -> None:
        draw = Random(f"{world.seed}/operator/{number}")
        faults_end_s = anyio.current_time() + world.plan.shape.faults_s
        while True:
            begun_s = anyio.current_time()
            dies_s = begun_s + draw.expovariate(1 / LIFE_S)
            writes = 1 + int(draw.expovariate(1 / LIFE_WRITES))
            by_writes = draw.random() < 0.7
            crashes = "crash" in world.plan.shape.verbs
            async with world.client(f"client/operator-{number}") as client:
                with anyio.CancelScope() as life:
                    if crashes and dies_s < faults_end_s:
                        life.deadline = dies_s
                    if crashes and by_writes and begun_s < faults_end_s:
                        client.door = CrashingDoor(client.door, writes, life.cancel)
                    try:
                        await operator(client)
                    except (StatusError, ActorError):
                        pass
            await anyio.sleep(RESTART_S)

    return live

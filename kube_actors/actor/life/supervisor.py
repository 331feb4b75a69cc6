"""Runs actors, and starts them again when they end: supervision as in Erlang/OTP.

A crash loses the child's state, fails whoever waits for it at once, is reported to the log and
restarts what the strategy names, with backoff; a crash loop raises ``Escalated`` out of the
block, into the actor that opened it, whose own supervisor then decides. Leaving the block, or
cancelling it, leaves no task. The fault verbs act on one child by its address.
"""

from types import TracebackType

import anyio
from anyio.abc import TaskGroup

from kube_actors.actor.life.actor import Runtime
from kube_actors.actor.life.child import Child, Restart, State, SupervisorStatistics
from kube_actors.actor.life.record import ChildRecord
from kube_actors.actor.life.restarts import Backoff, Intensity, Strategy
from kube_actors.actor.loop import only


class Escalated(Exception):
    """A supervisor gave up: its children crashed too often."""

    def __init__(self, supervisor: str, address: str, restarts: int, window_s: float) -> None:
        super().__init__(supervisor, address, restarts, window_s)
        self.supervisor = supervisor
        self.address = address
        self.restarts = restarts
        self.window_s = window_s

    def __str__(self) -> str:
        return (
            f"{self.supervisor} gave up: more than {self.restarts} restarts within "
            f"{self.window_s:g} s, the last of {self.address}"
        )


class Supervisor:
    """``async with Supervisor(system, name="master/1") as supervisor: supervisor.start(…)``.

    An actor that opens one gives its ``actor.runtime`` instead of the system.

    More than ``intensity`` restarts within ``window_s`` seconds escalate; ``backoff_s`` is the
    first and the longest pause before a restart.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        name: str,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: int = 5,
        window_s: float = 10.0,
        backoff_s: tuple[float, float] = (0.05, 5.0),
    ) -> None:
        self.name = name
        self._runtime = runtime
        self._strategy = strategy
        self._intensity_max = intensity
        self._window_s = window_s
        self._intensity = Intensity(intensity, window_s)
        self._backoff = Backoff(*backoff_s)
        self._records: list[ChildRecord] = []
        self._exits: list[ChildRecord] = []
        self._governing = False
        self._closing = False
        self._restarts = 0
        self._crashes = 0
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> "Supervisor":
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        assert self._tasks is not None
        self._closing = True
        try:
            if error is None:
                await self._stop_all()
        except BaseException as stopped:
            kind, error, traceback = type(stopped), stopped, stopped.__traceback__
        self._tasks.cancel_scope.cancel()
        try:
            for record in self._records:
                record.cut_off()
        except Exception as broken:
            # The tasks must be waited for all the same, or nothing after them could end.
            if error is None:
                kind, error, traceback = type(broken), broken, broken.__traceback__
        try:
            return await self._tasks.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            failure = only(group)
        raise failure

    # What can be asked of it.

    def start(self, child: Child) -> None:
        """Start a child, last in order; its address can be called when this returns.

        Raises ValueError when the address is taken.
        """
        if self._closing or self._tasks is None:
            raise RuntimeError(f"supervisor {self.name} is not running")
        if any(record.child.address == child.address for record in self._records):
            raise ValueError(f"the address {child.address} is taken")
        record = ChildRecord(child, self._runtime)
        self._launch(record)
        self._records.append(record)

    async def stop(self, address: str) -> None:
        """End a child and forget it; returns when no task of it is left."""
        record = self._find(address)
        record.stopping = True
        record.end(State.ENDED)
        await record.wait_gone()
        if record in self._records:
            self._records.remove(record)

    def crash(self, address: str) -> None:
        """Make a child end as if it had raised; it restarts by its policy."""
        record = self._find(address)
        if record.alive and record.state in (State.RUNNING, State.PAUSED):
            record.injected = True
            record.end(record.state)

    def kill(self, address: str) -> None:
        """End a child at once, as a killed process; it stays down until ``revive``."""
        record = self._find(address)
        record.revive = False
        record.end(State.KILLED)

    def revive(self, address: str) -> None:
        """Start a killed child again, with nothing but what it had stored."""
        record = self._find(address)
        if record.state is State.KILLED and not self._closing:
            if record.alive:
                record.revive = True
            else:
                self._launch(record)

    def pause(self, address: str) -> None:
        """Hold what a child receives and sends, as a stopped process."""
        record = self._find(address)
        if record.state is State.RUNNING and record.port is not None:
            record.state = State.PAUSED
            record.port.pause()

    def resume(self, address: str) -> None:
        """Let a paused child go on with what was held."""
        record = self._find(address)
        if record.state is State.PAUSED and record.port is not None:
            record.state = State.RUNNING
            record.port.resume()

    def __contains__(self, address: str) -> bool:
        return any(record.child.address == address for record in self._records)

    def statistics(self) -> SupervisorStatistics:
        """Say how the children are."""
        return SupervisorStatistics(
            name=self.name,
            restarts=self._restarts,
            crashes=self._crashes,
            children=tuple(record.statistics() for record in self._records),
        )

    # How it does it.

    def _find(self, address: str) -> ChildRecord:
        for record in self._records:
            if record.child.address == address:
                return record
        raise KeyError(f"supervisor {self.name} has no child {address}")

    def _launch(self, record: ChildRecord) -> None:
        assert self._tasks is not None
        record.begin()
        self._tasks.start_soon(self._live, record, name=record.child.address)

    async def _live(self, record: ChildRecord) -> None:
        await record.live()
        # Not reached when the supervisor itself is being cancelled.
        self._exits.append(record)
        if not self._governing and not self._closing and self._tasks is not None:
            self._governing = True
            self._tasks.start_soon(self._govern, name=f"supervisor {self.name}")

    async def _stop_all(self) -> None:
        """End the children, the last started first."""
        for record in reversed(self._records):
            record.stopping = True
            record.end(State.ENDED)
            await record.wait_gone()

    async def _govern(self) -> None:
        """Take the ends of children one by one; it runs only while there are some."""
        try:
            while self._exits:
                await self._ended(self._exits.pop(0))
        finally:
            self._governing = False

    async def _ended(self, record: ChildRecord) -> None:
        if record.alive or record.stopping or self._closing or record not in self._records:
            return
        if record.state is State.KILLED:
            if record.revive:
                self._launch(record)
            return
        if record.state is State.WAITING:
            if record.error is not None and not record.reported:
                self._report(record)
            return
        crashed = record.injected or record.error is not None
        if crashed:
            self._report(record)
        again = record.child.restart is Restart.PERMANENT or (
            crashed and record.child.restart is Restart.TRANSIENT
        )
        if not again:
            record.state = State.ENDED
            self._records.remove(record)
            return
        now_s = self._runtime.timers.now()
        if self._intensity.exceeded(now_s):
            raise Escalated(
                self.name, record.child.address, self._intensity_max, self._window_s
            ) from record.error
        if now_s - record.started_s >= self._window_s:
            record.crashes_in_a_row = 0
        record.crashes_in_a_row += 1
        record.state = State.WAITING
        await self._restart_with(record)

    async def _restart_with(self, crashed: ChildRecord) -> None:
        place = self._records.index(crashed)
        affected = [self._records[at] for at in self._strategy.affected(place, len(self._records))]
        for record in reversed(affected):
            if record.state in (State.RUNNING, State.PAUSED):
                record.end(State.WAITING)
        for record in reversed(affected):
            await record.wait_gone()
        delay_s = self._backoff.delay_s(crashed.crashes_in_a_row)
        for record in affected:
            if record.state is State.WAITING and record in self._records:
                self._restart_after(record, crashed, delay_s)

    def _restart_after(self, record: ChildRecord, crashed: ChildRecord, delay_s: float) -> None:
        record.forget_restart()
        if record is not crashed and record.child.restart is Restart.TEMPORARY:
            record.state = State.ENDED
            self._records.remove(record)
            return

        def restart() -> None:
            record.timer = None
            if record.state is State.WAITING and not record.alive and not self._closing:
                self._restarts += 1
                record.restarts += 1
                self._launch(record)

        record.timer = self._runtime.timers.after(delay_s, restart)

    def _report(self, record: ChildRecord) -> None:
        self._crashes += 1
        record.report(self._window_s)

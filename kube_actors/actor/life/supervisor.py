"""Runs actors, and starts them again when they end: supervision as in Erlang/OTP.

A crash loses the child's state, fails whoever waits for it at once, is reported to the log and
restarts what the strategy names, with backoff; a crash loop raises ``Escalated`` out of the
block, into the actor that opened it, whose own supervisor then decides. Leaving the block, or
cancelling it, leaves no task. The fault verbs act on one child by its address. This is the one
place that catches whatever an actor raises.
"""

import logging
from types import TracebackType

import anyio
import attrs
from anyio.abc import TaskGroup

from kube_actors.actor.errors import OutsideTrouble
from kube_actors.actor.life.child import (
    Child,
    ChildStatistics,
    Restart,
    State,
    SupervisorStatistics,
)
from kube_actors.actor.life.restarts import Backoff, Intensity, Strategy
from kube_actors.actor.life.system import ActorSystem
from kube_actors.actor.loop import Timer, only
from kube_actors.actor.talk import Mailbox, Port

logger = logging.getLogger(__name__)


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


class InjectedCrash(Exception):
    """Somebody asked for this crash."""


@attrs.define(eq=False)
class _Record:
    """One child and its present incarnation."""

    child: Child
    state: State = State.ENDED
    port: Port | None = None
    scope: anyio.CancelScope | None = None
    timer: Timer | None = None
    alive: bool = False
    ended: anyio.Event | None = None
    """Set when it has ended; made by who waits for that."""
    injected: bool = False
    stopping: bool = False
    revive: bool = False
    reported: bool = False
    started_s: float = 0.0
    crashes_in_a_row: int = 0
    crashes: int = 0
    restarts: int = 0
    crash: str = ""
    error: BaseException | None = None


class Supervisor:
    """``async with Supervisor(system, name="master/1") as supervisor: supervisor.start(…)``.

    More than ``intensity`` restarts within ``window_s`` seconds escalate; ``backoff_s`` is the
    first and the longest pause before a restart.
    """

    def __init__(
        self,
        system: ActorSystem,
        *,
        name: str,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        intensity: int = 5,
        window_s: float = 10.0,
        backoff_s: tuple[float, float] = (0.05, 5.0),
    ) -> None:
        self.system = system
        self.name = name
        self._strategy = strategy
        self._intensity_max = intensity
        self._window_s = window_s
        self._intensity = Intensity(intensity, window_s)
        self._backoff = Backoff(*backoff_s)
        self._records: list[_Record] = []
        self._exits: list[_Record] = []
        self._governing = False
        self._closing = False
        self._restarts = 0
        self._crashes = 0
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> "Supervisor":
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self.system.supervisors.append(self)
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
                self._quench(record)
        except Exception as broken:
            # The tasks must be waited for all the same, or nothing after them could end.
            if error is None:
                kind, error, traceback = type(broken), broken, broken.__traceback__
        try:
            return await self._tasks.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as group:
            failure = only(group)
        finally:
            self.system.supervisors.remove(self)
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
        record = _Record(child)
        self._launch(record)
        self._records.append(record)

    async def stop(self, address: str) -> None:
        """End a child and forget it; returns when no task of it is left."""
        record = self._find(address)
        record.stopping = True
        self._end(record, State.ENDED)
        await self._gone(record)
        if record in self._records:
            self._records.remove(record)

    def crash(self, address: str) -> None:
        """Make a child end as if it had raised; it restarts by its policy."""
        record = self._find(address)
        if record.alive and record.state in (State.RUNNING, State.PAUSED):
            record.injected = True
            self._end(record, record.state)

    def kill(self, address: str) -> None:
        """End a child at once, as a killed process; it stays down until ``revive``."""
        record = self._find(address)
        record.revive = False
        self._end(record, State.KILLED)

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
            children=tuple(_statistics(record) for record in self._records),
        )

    # How it does it.

    def _find(self, address: str) -> _Record:
        for record in self._records:
            if record.child.address == address:
                return record
        raise KeyError(f"supervisor {self.name} has no child {address}")

    def _launch(self, record: _Record) -> None:
        assert self._tasks is not None
        assert not record.alive
        child = record.child
        record.port = self.system.open_port(child.address, child.mailbox_max, child.overflow)
        record.scope = None
        record.alive = True
        record.injected = record.revive = record.reported = False
        record.state = State.RUNNING
        record.error = None
        record.started_s = self.system.library.time()
        self._tasks.start_soon(self._live, record, name=child.address)

    async def _live(self, record: _Record) -> None:
        """Run one incarnation and put down how it ended."""
        assert record.port is not None

        def entered(scope: anyio.CancelScope) -> None:
            record.scope = scope

        try:
            # Closed already when it was ended before its task began.
            if not record.port.closed:
                await self.system.inhabit(record.port, record.child.run, entered)
        except Exception as error:
            record.error = error
        except BaseExceptionGroup as group:
            crash, rest = group.split(Exception)
            record.error = crash
            if rest is not None:
                raise rest from None
        finally:
            record.alive = False
            record.scope = None
            if record.ended is not None:
                record.ended.set()
                record.ended = None
        # Not reached when the supervisor itself is being cancelled.
        self._exits.append(record)
        if not self._governing and not self._closing and self._tasks is not None:
            self._governing = True
            self._tasks.start_soon(self._govern, name=f"supervisor {self.name}")

    async def _gone(self, record: _Record) -> None:
        """Wait until no task of a child is left."""
        if record.alive:
            if record.ended is None:
                record.ended = anyio.Event()
            await record.ended.wait()

    def _end(self, record: _Record, state: State) -> None:
        """Cut a child off and let its task end."""
        record.state = state
        try:
            self._quench(record)
        finally:
            if record.scope is not None:
                record.scope.cancel()

    def _quench(self, record: _Record) -> None:
        if record.timer is not None:
            record.timer.cancel()
            record.timer = None
        if record.port is not None:
            self.system.close_port(record.port)

    async def _stop_all(self) -> None:
        """End the children, the last started first."""
        for record in reversed(self._records):
            record.stopping = True
            self._end(record, State.ENDED)
            await self._gone(record)

    async def _govern(self) -> None:
        """Take the ends of children one by one; it runs only while there are some."""
        try:
            while self._exits:
                await self._ended(self._exits.pop(0))
        finally:
            self._governing = False

    async def _ended(self, record: _Record) -> None:
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
        now_s = self.system.library.time()
        if self._intensity.exceeded(now_s):
            raise Escalated(
                self.name, record.child.address, self._intensity_max, self._window_s
            ) from record.error
        if now_s - record.started_s >= self._window_s:
            record.crashes_in_a_row = 0
        record.crashes_in_a_row += 1
        record.state = State.WAITING
        await self._restart_with(record)

    async def _restart_with(self, crashed: _Record) -> None:
        place = self._records.index(crashed)
        affected = [self._records[at] for at in self._strategy.affected(place, len(self._records))]
        for record in reversed(affected):
            if record.state in (State.RUNNING, State.PAUSED):
                self._end(record, State.WAITING)
        for record in reversed(affected):
            await self._gone(record)
        delay_s = self._backoff.delay_s(crashed.crashes_in_a_row)
        for record in affected:
            if record.state is State.WAITING and record in self._records:
                self._restart_after(record, crashed, delay_s)

    def _restart_after(self, record: _Record, crashed: _Record, delay_s: float) -> None:
        if record.timer is not None:
            record.timer.cancel()
            record.timer = None
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

        record.timer = self.system.timers.after(delay_s, restart)

    def _report(self, record: _Record) -> None:
        self._crashes += 1
        record.crashes += 1
        record.reported = True
        error = record.error if record.error is not None else InjectedCrash("injected")
        if isinstance(error, BaseExceptionGroup):
            error = only(error)
        record.error = error
        said, record.crash = record.crash, f"{type(error).__name__}: {error}"
        if isinstance(error, OutsideTrouble):
            lived_s = self.system.library.time() - record.started_s
            if said != record.crash or lived_s >= self._window_s:
                logger.error("%s cannot go on: %s", record.child.address, error)
        elif record.injected:
            logger.warning("%s crashed: %s", record.child.address, record.crash)
        else:
            logger.error("%s crashed: %s", record.child.address, record.crash, exc_info=error)


def _statistics(record: _Record) -> ChildStatistics:
    port = record.port
    mailbox = port.mailbox if port is not None else Mailbox(1, record.child.overflow)
    return ChildStatistics(
        address=record.child.address,
        state=record.state,
        restarts=record.restarts,
        crashes=record.crashes,
        crash=record.crash,
        mailbox=len(mailbox),
        mailbox_max=record.child.mailbox_max,
        accepted=mailbox.accepted,
        given_up=mailbox.given_up,
        malformed=port.malformed if port is not None else 0,
        open_calls=port.open_calls if port is not None else 0,
        open_requests=port.open_requests if port is not None else 0,
    )

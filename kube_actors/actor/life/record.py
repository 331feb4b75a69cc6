"""One child of a supervisor over all its lives: where it is, how it ended, how often it crashed.

The record knows how one incarnation begins and ends. Whether another one follows, and when, is its
supervisor's decision. This is the one place that catches whatever an actor raises.
"""

import logging

import anyio
import attrs

from kube_actors.actor.errors import OutsideTrouble
from kube_actors.actor.life.actor import Runtime
from kube_actors.actor.life.child import Child, ChildStatistics, State
from kube_actors.actor.loop import Timer, only
from kube_actors.actor.talk import Mailbox, Port

logger = logging.getLogger(__name__)


class InjectedCrash(Exception):
    """Somebody asked for this crash."""


@attrs.define(eq=False)
class ChildRecord:
    """A child and its present incarnation, whose task and port it has while it is ``alive``."""

    child: Child
    runtime: Runtime
    state: State = State.ENDED
    port: Port | None = None
    scope: anyio.CancelScope | None = None
    timer: Timer | None = None
    """Starts it again after its backoff."""
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

    def begin(self) -> None:
        """Open the port of a new incarnation; ValueError when the address is taken."""
        assert not self.alive
        child = self.child
        self.port = self.runtime.open_port(child.address, child.mailbox_max, child.overflow)
        self.scope = None
        self.alive = True
        self.injected = self.revive = self.reported = False
        self.state = State.RUNNING
        self.error = None
        self.started_s = self.runtime.timers.now()

    async def live(self) -> None:
        """Run the incarnation and put down how it ended; raises only what is no Exception."""
        assert self.port is not None
        try:
            # Closed already when it was ended before its task began.
            if not self.port.closed:
                await self.runtime.run_incarnation(self.port, self.child.run, self._entered)
        except Exception as error:
            self.error = error
        except BaseExceptionGroup as group:
            crash, rest = group.split(Exception)
            self.error = crash
            if rest is not None:
                raise rest from None
        finally:
            self.alive = False
            self.scope = None
            if self.ended is not None:
                self.ended.set()
                self.ended = None

    def _entered(self, scope: anyio.CancelScope) -> None:
        self.scope = scope

    async def wait_gone(self) -> None:
        """Wait until no task of it is left."""
        if self.alive:
            if self.ended is None:
                self.ended = anyio.Event()
            await self.ended.wait()

    def end(self, state: State) -> None:
        """Cut it off and let its task end; ``state`` says what follows."""
        self.state = state
        try:
            self.cut_off()
        finally:
            if self.scope is not None:
                self.scope.cancel()

    def cut_off(self) -> None:
        """Close its port and forget its restart; its task goes on until it is cancelled."""
        self.forget_restart()
        if self.port is not None:
            self.runtime.close_port(self.port)

    def forget_restart(self) -> None:
        """Stop the timer that would start it again, if there is one."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def report(self, window_s: float) -> None:
        """Count the crash it ended with and log it.

        Trouble from outside is logged in one line, and again only when it is another one or comes
        after a life of at least ``window_s``.
        """
        self.crashes += 1
        self.reported = True
        error = self.error if self.error is not None else InjectedCrash("injected")
        if isinstance(error, BaseExceptionGroup):
            error = only(error)
        self.error = error
        said, self.crash = self.crash, f"{type(error).__name__}: {error}"
        if isinstance(error, OutsideTrouble):
            lived_s = self.runtime.timers.now() - self.started_s
            if said != self.crash or lived_s >= window_s:
                logger.error("%s cannot go on: %s", self.child.address, error)
        elif self.injected:
            logger.warning("%s crashed: %s", self.child.address, self.crash)
        else:
            logger.error("%s crashed: %s", self.child.address, self.crash, exc_info=error)

    def statistics(self) -> ChildStatistics:
        """Say how it is; what its mailbox counts begins anew with each incarnation."""
        port = self.port
        mailbox = port.mailbox if port is not None else Mailbox(1, self.child.overflow)
        return ChildStatistics(
            address=self.child.address,
            state=self.state,
            restarts=self.restarts,
            crashes=self.crashes,
            crash=self.crash,
            mailbox=len(mailbox),
            mailbox_max=self.child.mailbox_max,
            accepted=mailbox.accepted,
            given_up=mailbox.given_up,
            malformed=port.malformed if port is not None else 0,
            open_calls=port.open_calls if port is not None else 0,
            open_requests=port.open_requests if port is not None else 0,
        )

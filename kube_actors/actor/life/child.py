"""What a supervisor is told about one actor, and what it knows of it afterwards."""

from collections.abc import Awaitable, Callable
from enum import Enum

import attrs

from kube_actors.actor.life.actor import Actor
from kube_actors.actor.talk import Overflow


class Restart(Enum):
    """When an ended child is started again.

    PERMANENT: always. TRANSIENT: when it crashed. TEMPORARY: never.
    """

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


@attrs.frozen
class Child:
    """One actor to run; ``mailbox_max`` counts messages."""

    address: str
    run: Callable[[Actor], Awaitable[None]]
    restart: Restart = Restart.PERMANENT
    mailbox_max: int = attrs.field(default=4096, validator=attrs.validators.ge(1))
    overflow: Overflow = Overflow.REJECT


class State(Enum):
    """Where a child is in its life."""

    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    """Ended, and to be started again after its backoff."""
    KILLED = "killed"
    ENDED = "ended"


@attrs.frozen
class ChildStatistics:
    """What a supervisor knows of one child; ``crash`` is the text of the last one."""

    address: str
    state: State
    restarts: int
    crashes: int
    crash: str
    mailbox: int
    mailbox_max: int
    accepted: int
    given_up: int
    malformed: int
    open_calls: int
    open_requests: int


@attrs.frozen
class SupervisorStatistics:
    """``restarts`` counts all since the supervisor began."""

    name: str
    restarts: int
    crashes: int
    children: tuple[ChildStatistics, ...]

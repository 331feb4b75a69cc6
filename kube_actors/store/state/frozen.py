"""The replicated state at one moment, as immutable values: what a snapshot is made of.

Freezing only collects references, so it is done on the loop between two transactions;
``encoding.py`` turns the result into bytes elsewhere.
"""

from attrs import field, frozen

from kube_actors.store.messages import Alarm, KeyValue
from kube_actors.store.state.roster import FrozenRoster


@frozen
class FrozenKeyspace:
    """``base`` are the versions older than ``first_change``; ``changes`` follow, per revision."""

    revision: int
    compact_revision: int
    first_change: int
    base: tuple[KeyValue, ...] = field(repr=False)
    changes: tuple[tuple[KeyValue, ...], ...] = field(repr=False)


@frozen
class FrozenLease:
    """Its keys are not listed: they are the ones whose newest version names the lease."""

    id: int
    ttl_s: int
    remaining_s: int = 0


@frozen
class FrozenSession:
    """Which requests of one member's incarnation were applied: ``applied`` lie above ``floor``."""

    member: int
    incarnation: int
    floor: int
    applied: tuple[int, ...]


@frozen
class FrozenState:
    """All that ``State`` holds at one moment; ``State.restore`` makes an equal one of it."""

    keyspace: FrozenKeyspace
    leases: tuple[FrozenLease, ...] = ()
    sessions: tuple[FrozenSession, ...] = ()
    roster: FrozenRoster = field(factory=FrozenRoster)
    alarms: tuple[Alarm, ...] = ()

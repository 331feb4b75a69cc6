"""What every part of a member stands on: its actor, its Raft, and the state that it has applied.

None of these knows the parts, so each part may be given all of them and nobody is given the whole
member. What a part asks of another one it is given beside this, by name.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from kube_actors.actor import Actor
from kube_actors.raft import Raft, SnapshotMetadata
from kube_actors.store.config import MemberConfig
from kube_actors.store.disk import StateSnapshot
from kube_actors.store.state import Applied, Roster


@frozen(eq=False)
class Replica:
    """One member's ground. ``spawn`` starts a task that ends with the member."""

    actor: Actor
    config: MemberConfig
    raft: Raft
    applied: Applied
    spawn: Callable[..., Any]

    @property
    def number(self) -> int:
        """The number under which this member belongs to its group."""
        return self.config.member

    @property
    def roster(self) -> Roster:
        """Who belongs, as far as it is applied."""
        return self.applied.state.roster

    @property
    def knows_group(self) -> bool:
        """Say whether who belongs is applied; one that joined learns it from the log first."""
        return bool(self.raft.config_as_of(self.applied.index).voters)

    def snapshot(self) -> StateSnapshot:
        """Freeze the state as it is, with the configuration in force at its last entry."""
        applied = self.applied
        config = self.raft.config_as_of(applied.index)
        metadata = SnapshotMetadata(applied.index, applied.term, config)
        return StateSnapshot(metadata, applied.state.freeze())

"""How far one member has come: the replicated state, and the entry up to which it is applied.

Whoever only looks at the state is given this. One part of the member changes it, entry by entry; a
snapshot from the leader puts another ``State`` in its place, so it is read anew each time.
"""

from kube_actors.raft import ConfigState, SnapshotMetadata
from kube_actors.store.state.replicated import State


class Applied:
    """The state of the day; ``index`` and ``term`` are those of the last entry in it, or 0."""

    def __init__(self, founders: ConfigState) -> None:
        self.state = State()
        self.state.roster.found(founders)
        self.index = 0
        self.term = 0

    def replace(self, state: State, metadata: SnapshotMetadata) -> None:
        """Put a state in place of this one; who belongs is what its metadata says."""
        self.state = state
        self.state.roster.config = metadata.config
        self.index = metadata.index
        self.term = metadata.term

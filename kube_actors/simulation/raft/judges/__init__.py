"""What must be true of a Raft group: after every step, and of what its clients saw."""

from kube_actors.simulation.raft.judges.history import check_history, judge
from kube_actors.simulation.raft.judges.invariants import (
    PROPERTIES,
    InvariantViolation,
    Ledger,
    agree,
)

__all__ = ["InvariantViolation", "Ledger", "PROPERTIES", "agree", "check_history", "judge"]

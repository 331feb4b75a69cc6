"""The replicated state: keys at every revision, leases, sessions, roster, alarms. Pure.

``State`` is changed by commands alone, in the order of the log, so every member's is the same.
It knows no clock, disk or Raft: time is the leader's business, and what is frozen becomes bytes
in ``encoding``. Long work is done in steps, so that somebody else may have a turn.
"""

from kube_actors.store.state.alarms import grows
from kube_actors.store.state.applied import Applied
from kube_actors.store.state.encoding import BadSnapshot, decode_state, decoding, encode_state
from kube_actors.store.state.frozen import FrozenKeyspace, FrozenState
from kube_actors.store.state.keyspace import Keyspace
from kube_actors.store.state.leases import Leases
from kube_actors.store.state.ranges import read_range
from kube_actors.store.state.replicated import State
from kube_actors.store.state.roster import (
    FrozenRoster,
    Roster,
    RosterChange,
    belonging,
    change_of,
    encode_change,
)
from kube_actors.store.state.steps import run_in_turns
from kube_actors.store.state.validation import check_grant, check_range, check_txn, check_watch

__all__ = [
    "Applied",
    "BadSnapshot",
    "FrozenKeyspace",
    "FrozenRoster",
    "FrozenState",
    "Keyspace",
    "Leases",
    "Roster",
    "RosterChange",
    "State",
    "belonging",
    "change_of",
    "check_grant",
    "check_range",
    "check_txn",
    "check_watch",
    "decode_state",
    "decoding",
    "encode_change",
    "encode_state",
    "grows",
    "read_range",
    "run_in_turns",
]

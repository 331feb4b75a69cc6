"""What a member hands to its caller: everything to write, send, apply and answer.

A ``Ready`` is the only way anything leaves the algorithm. Its two message lists are the disk
contract: ``messages`` promise nothing that is not on disk already and may leave at once, in
parallel with the write; ``messages_after_persist`` promise what this Ready, and every Ready
before it, asks to be written, and must wait for that.
"""

from collections.abc import Sequence
from enum import Enum

from attrs import frozen

from kube_actors.raft.frozen_quickly import quickly
from kube_actors.raft.messages import Entry, HardState, Message, Snapshot


class Role(Enum):
    """The states of figure 4 of the paper, and the pre-candidate of thesis 9.6.

    A pre-candidate asks whether it could win before it disturbs anybody with a new term.
    """

    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


FOLLOWER = Role.FOLLOWER
PRE_CANDIDATE = Role.PRE_CANDIDATE
CANDIDATE = Role.CANDIDATE
LEADER = Role.LEADER


@frozen
class SoftState:
    """Who leads as far as this member knows (0: nobody) and what it is itself. Not persisted."""

    leader: int
    role: Role


@frozen
class ReadState:
    """A read asked with ``context`` is linearizable once ``index`` has been applied."""

    index: int
    context: bytes


@quickly
@frozen
class Ready:
    """One hand-over; ``number`` grows by one each time. Lists are the caller's to keep.

    ``hard_state``: None if unchanged. ``entries``: to be written, replacing whatever the disk
    holds from the first one's index on. ``snapshot``: received from the leader: write it, then
    replace the state machine by it, before anything else is applied; it replaces the whole log.
    ``committed_entries``: to be applied in order; already durable here. ``must_sync``: whether
    the write must be flushed before ``messages_after_persist`` (else only the commit changed).
    """

    number: int
    hard_state: HardState | None
    entries: Sequence[Entry]
    snapshot: Snapshot | None
    messages: Sequence[Message]
    messages_after_persist: Sequence[Message]
    committed_entries: Sequence[Entry]
    read_states: Sequence[ReadState]
    soft_state: SoftState | None
    must_sync: bool

"""What members of a group say to each other, one frozen class per message.

Every field is plain (integers, booleans, bytes, tuples of frozen classes), so a codec can be
generated from the annotations. ``source`` and ``target`` are member numbers (1 and up, 0 is
nobody); ``term`` is the sender's, except in a ``PreVote`` and its grant, where it is the term
that the candidate would campaign in. Names are those of the Raft paper, figures 2 and 13, and
of Ongaro's thesis, chapters 3, 6 and 9.
"""

from enum import IntEnum
from typing import Final, NewType, Union, get_args

from attrs import frozen

from kube_actors.raft.frozen_quickly import quickly

Term = NewType("Term", int)
Index = NewType("Index", int)
MemberId = NewType("MemberId", int)

NOBODY: Final = MemberId(0)


class EntryType(IntEnum):
    """NORMAL data belongs to the caller; CONFIG data is a whole configuration with the context of
    the change to it (``decode_config``), and in a ``Propose`` the ``ConfigChange`` itself."""

    NORMAL = 0
    CONFIG = 1


@quickly
@frozen
class Entry:
    """One log entry. Empty NORMAL data marks the beginning of a leader's term."""

    index: int
    term: int
    data: bytes = b""
    type: EntryType = EntryType.NORMAL


@frozen
class HardState:
    """What a member must never forget: persisted before anything that depends on it is sent."""

    term: int = 0
    vote: int = 0
    commit: int = 0


@frozen
class ConfigState:
    """Who is in the group. ``voters_outgoing`` is not empty only in joint consensus."""

    voters: tuple[int, ...] = ()
    voters_outgoing: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()
    learners_next: tuple[int, ...] = ()
    auto_leave: bool = False


@frozen
class SnapshotMetadata:
    """The last entry that a snapshot replaces, and the configuration as of that entry."""

    index: int = 0
    term: int = 0
    config: ConfigState = ConfigState()


@frozen
class Snapshot:
    """``data`` is opaque; it may be empty when the caller attaches it while sending."""

    metadata: SnapshotMetadata = SnapshotMetadata()
    data: bytes = b""


@quickly
@frozen
class Vote:
    """RequestVote. ``force`` is set by leadership transfer and overrides the voters' lease."""

    source: int
    target: int
    term: int
    last_index: int
    last_term: int
    force: bool = False


@quickly
@frozen
class VoteReply:
    """Whether ``source`` voted for ``target`` in ``term`` (paper, figure 2).

    Sent only once term and vote are durable: a grant is a promise to vote for nobody else.
    """

    source: int
    target: int
    term: int
    granted: bool


@quickly
@frozen
class PreVote:
    """Would you vote for me in ``term``? Changes nothing at the receiver (thesis 9.6)."""

    source: int
    target: int
    term: int
    last_index: int
    last_term: int


@quickly
@frozen
class PreVoteReply:
    """Whether ``source`` would vote for ``target``; binds nobody (thesis 9.6).

    ``term`` is the candidate's future term in a grant, the voter's own in a refusal.
    """

    source: int
    target: int
    term: int
    granted: bool


@quickly
@frozen
class Append:
    """AppendEntries; without entries it probes or carries a newer ``commit``."""

    source: int
    target: int
    term: int
    previous_index: int
    previous_term: int
    entries: tuple[Entry, ...]
    commit: int


@quickly
@frozen
class AppendReply:
    """``index``: what now matches, or the refused ``previous_index`` when ``rejected``.

    The hint says where the follower's log may first agree: at ``hint_index``, of ``hint_term``.
    """

    source: int
    target: int
    term: int
    index: int
    rejected: bool = False
    hint_index: int = 0
    hint_term: int = 0


@quickly
@frozen
class Heartbeat:
    """``round`` numbers the leader's read rounds within its term; the reply echoes it."""

    source: int
    target: int
    term: int
    commit: int
    round: int


@quickly
@frozen
class HeartbeatReply:
    """``source`` still followed in ``term`` when the heartbeat of ``round`` came (thesis 6.4).

    It says nothing of the log. Under lease reads it is a promise to elect nobody else for an
    election timeout.
    """

    source: int
    target: int
    term: int
    round: int


@quickly
@frozen
class InstallSnapshot:
    """Answered by an ``AppendReply`` for the snapshot's index."""

    source: int
    target: int
    term: int
    snapshot: Snapshot


@quickly
@frozen
class ReadIndex:
    """A follower asks the leader for a read index; ``incarnation`` fends off old replies."""

    source: int
    target: int
    term: int
    incarnation: int
    contexts: tuple[bytes, ...]


@quickly
@frozen
class ReadIndexReply:
    """These reads are linearizable once ``index`` is applied at the follower (thesis 6.4).

    A reply to another ``incarnation`` is to a member that has restarted since, and is dropped.
    """

    source: int
    target: int
    term: int
    incarnation: int
    index: int
    contexts: tuple[bytes, ...]


@frozen
class TransferLeader:
    """A follower asks the leader to hand leadership to ``transferee``."""

    source: int
    target: int
    term: int
    transferee: int


@frozen
class TimeoutNow:
    """The leader tells a caught-up follower to campaign at once (thesis 3.10)."""

    source: int
    target: int
    term: int


@quickly
@frozen
class Propose:
    """Proposals that a follower passes on to the leader, in order."""

    source: int
    target: int
    term: int
    data: tuple[bytes, ...]
    type: EntryType = EntryType.NORMAL


Message = Union[  # noqa: UP007  (a runtime value, for codecs)
    Append,
    AppendReply,
    Heartbeat,
    HeartbeatReply,
    Vote,
    VoteReply,
    PreVote,
    PreVoteReply,
    InstallSnapshot,
    ReadIndex,
    ReadIndexReply,
    TransferLeader,
    TimeoutNow,
    Propose,
]

MESSAGE_TYPES: Final[tuple[type, ...]] = get_args(Message)

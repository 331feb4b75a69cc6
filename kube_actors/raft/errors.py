"""What can go wrong in a Raft group, as types.

``ProposalDropped`` and ``ReadDropped`` are ordinary life: nothing happened, try again elsewhere or
later. ``LogCompacted`` and ``LogUnavailable`` name a log position that cannot be read.
``CorruptState`` and ``SafetyViolation`` mean that a promise was broken (a disk lost what it had
acknowledged, two leaders share a term): the member must stop, never carry on.
"""

from enum import StrEnum


class RaftError(Exception):
    """The root of every error that this package raises on purpose."""


class DropReason(StrEnum):
    """Why a proposal, a read or a transfer was refused; nothing was changed by it."""

    NO_LEADER = "no leader is known"
    NOT_LEADER = "this member does not lead and forwarding is off"
    TRANSFERRING = "leadership is being transferred"
    UNCOMMITTED_LIMIT = "too many uncommitted bytes"
    REMOVED = "this member is no longer a voter"
    CHANGE_PENDING = "another configuration change is not committed yet"
    NOT_CAUGHT_UP = "the learner has not caught up"
    CHANGE_REFUSED = "the configuration does not allow this change now"


class ProposalDropped(RaftError):
    """The proposal did not enter the log of this member and will never commit because of it."""

    def __init__(self, reason: DropReason) -> None:
        super().__init__(f"proposal dropped: {reason.value}")
        self.reason = reason


class ReadDropped(RaftError):
    """The read index was not asked for; no read state will follow."""

    def __init__(self, reason: DropReason) -> None:
        super().__init__(f"read dropped: {reason.value}")
        self.reason = reason


class TransferRefused(RaftError):
    """Leadership cannot be transferred to ``target`` now."""

    def __init__(self, target: int, reason: str) -> None:
        super().__init__(f"leadership cannot go to {target}: {reason}")
        self.target = target


class LogCompacted(RaftError):
    """``index`` is older than the first entry that is kept."""

    def __init__(self, index: int, first_index: int) -> None:
        super().__init__(f"entry {index} is compacted, the log begins at {first_index}")
        self.index = index
        self.first_index = first_index


class LogUnavailable(RaftError):
    """``index`` is beyond the end of the log."""

    def __init__(self, index: int, last_index: int) -> None:
        super().__init__(f"entry {index} does not exist, the log ends at {last_index}")
        self.index = index
        self.last_index = last_index


class InvalidChange(RaftError, ValueError):
    """The configuration change can never be applied to this configuration."""


class UnknownMessage(RaftError, TypeError):
    """``step`` was given something that is not a Raft message for this member."""


class BadChunk(RaftError, ValueError):
    """A chunk of a snapshot, or the answer to one, contradicts itself or its transfer."""


class SessionUnknown(RaftError, LookupError):
    """The session was never opened or is gone: whether the request was applied is unknown."""

    def __init__(self, session: int) -> None:
        super().__init__(f"session {session} is not known: open a new one")
        self.session = session


class AlreadyAnswered(RaftError):
    """The client said that it needs no answer to this request any more; it was not repeated."""

    def __init__(self, session: int, sequence: int) -> None:
        super().__init__(f"request {sequence} of session {session} has been answered")
        self.session = session
        self.sequence = sequence


class SessionFull(RaftError):
    """Too many replies wait for the client to say that it has them; nothing was performed."""

    def __init__(self, session: int, replies_max: int) -> None:
        super().__init__(f"session {session} holds {replies_max} replies: acknowledge some")
        self.session = session


class BadSessions(RaftError, ValueError):
    """Encoded sessions, or a client's request, cannot be decoded."""


class CorruptState(RaftError):
    """What was recovered from disk contradicts itself; starting from it could lose data."""


class SafetyViolation(RaftError):
    """An invariant of Raft was broken by a peer, a disk or the caller: stop this member."""

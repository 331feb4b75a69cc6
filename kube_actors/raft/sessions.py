"""Client sessions: each request is applied once, however often it is sent (thesis 6.3).

A client that got no answer must send its request again, and it may then stand in the log twice.
Part of the replicated state machine, a ``Sessions`` remembers what it answered to each client
until the client says that it heard. Everything here follows from the log alone, so it is the
same at every member: a session is named by the index of the entry that opened it, and the one
whose last request is oldest in the log goes when there are too many. What came of a request whose
session is gone is unknown, so it is refused, never guessed.
"""

import struct
from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen

from kube_actors.raft.errors import AlreadyAnswered, BadSessions, SessionFull, SessionUnknown

_REQUEST: Final = struct.Struct(">QQQ")
_HEAD: Final = struct.Struct(">Q")
_SESSION: Final = struct.Struct(">QQQQQ")
_REPLY: Final = struct.Struct(">QQ")
NUMBER_MAX: Final = (1 << 64) - 1


def _number(_: object, attribute: object, value: int) -> None:
    if not 0 <= value <= NUMBER_MAX:
        raise ValueError(f"{getattr(attribute, 'name', '')} is not within 64 bits: {value}")


@frozen
class ClientRequest:
    """What a client proposes: its session, its own number for the request, and the command.

    ``answered_below``: every request with a lower sequence has been answered as far as the
    client cares; their replies are forgotten and they are never applied again. Raises ValueError.
    """

    session: int = field(validator=_number)
    sequence: int = field(validator=_number)
    command: bytes
    answered_below: int = field(default=0, validator=_number)

    def to_bytes(self) -> bytes:
        """Encode as the data of an entry."""
        return _REQUEST.pack(self.session, self.sequence, self.answered_below) + self.command

    @classmethod
    def from_bytes(cls, data: bytes) -> "ClientRequest":
        """Decode what ``to_bytes`` made. Raises BadSessions."""
        if len(data) < _REQUEST.size:
            raise BadSessions(f"a request of {len(data)} bytes, at least {_REQUEST.size} expected")
        session, sequence, answered_below = _REQUEST.unpack_from(data)
        return cls(session, sequence, data[_REQUEST.size :], answered_below)


@define
class _Session:
    """``replies`` by sequence; ``time`` is whatever the caller's log said last."""

    last_index: int
    time: int
    answered_below: int
    replies: dict[int, bytes]


class Sessions:
    """The sessions of a group's clients, as of one log index.

    ``sessions_max`` and ``replies_max`` (per session) must be the same at all members.
    """

    __slots__ = ("_replies_max", "_sessions", "_sessions_max")

    def __init__(self, *, sessions_max: int = 10_000, replies_max: int = 1_000) -> None:
        """Raises ValueError below 1."""
        if sessions_max < 1 or replies_max < 1:
            raise ValueError(f"at most {sessions_max} sessions of {replies_max} replies")
        self._sessions_max = sessions_max
        self._replies_max = replies_max
        self._sessions: dict[int, _Session] = {}  # The least recently used first.

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, session: int) -> bool:
        return session in self._sessions

    def open(self, index: int, *, time: int = 0) -> int:
        """Open a session for the entry at ``index`` and return its name; the least recently used
        one goes if there are too many."""
        self._sessions[index] = _Session(index, time, 0, {})
        if len(self._sessions) > self._sessions_max:
            del self._sessions[next(iter(self._sessions))]
        return index

    def apply(
        self,
        index: int,
        request: ClientRequest,
        perform: Callable[[bytes], bytes],
        *,
        time: int = 0,
    ) -> bytes:
        """Apply the request that the entry at ``index`` holds, once; return its reply.

        ``perform`` is called for the first of a request's entries only, later ones get the reply
        it had. Raises SessionUnknown, AlreadyAnswered and SessionFull: nothing was performed, at
        no member.
        """
        session = self._sessions.pop(request.session, None)
        if session is None:
            raise SessionUnknown(request.session)
        self._sessions[request.session] = session
        session.last_index = index
        session.time = max(session.time, time)
        if request.answered_below > session.answered_below:
            session.answered_below = request.answered_below
            for sequence in [s for s in session.replies if s < request.answered_below]:
                del session.replies[sequence]
        if request.sequence in session.replies:
            return session.replies[request.sequence]
        if request.sequence < session.answered_below:
            raise AlreadyAnswered(request.session, request.sequence)
        if len(session.replies) >= self._replies_max:
            raise SessionFull(request.session, self._replies_max)
        reply = session.replies[request.sequence] = perform(request.command)
        return reply

    def expire(self, before_time: int) -> tuple[int, ...]:
        """Close the sessions whose last entry had an earlier time; return their names.

        The time must come from the log (a leader's entry says how late it is), never from a
        member's own clock.
        """
        gone = tuple(name for name, held in self._sessions.items() if held.time < before_time)
        for name in gone:
            del self._sessions[name]
        return gone

    def close(self, session: int) -> bool:
        """Close a session at its client's wish; say whether there was one."""
        return self._sessions.pop(session, None) is not None

    def to_bytes(self) -> bytes:
        """Encode for the snapshot of the state machine; equal states give equal bytes."""
        parts = [_HEAD.pack(len(self._sessions))]
        for name, held in self._sessions.items():
            parts.append(
                _SESSION.pack(
                    name, held.last_index, held.time, held.answered_below, len(held.replies)
                )
            )
            for sequence, reply in held.replies.items():
                parts += (_REPLY.pack(sequence, len(reply)), reply)
        return b"".join(parts)

    def restore(self, data: bytes) -> None:
        """Become what ``to_bytes`` encoded. Raises BadSessions, changing nothing."""
        sessions: dict[int, _Session] = {}
        try:
            (count,) = _HEAD.unpack_from(data)
            at = _HEAD.size
            for _ in range(count):
                name, last_index, time, answered_below, replies = _SESSION.unpack_from(data, at)
                at += _SESSION.size
                held = sessions[name] = _Session(last_index, time, answered_below, {})
                for _ in range(replies):
                    sequence, size = _REPLY.unpack_from(data, at)
                    at += _REPLY.size + size
                    held.replies[sequence] = data[at - size : at]
                if len(held.replies) != replies:
                    raise BadSessions(f"session {name} has two replies to one request")
        except struct.error as error:
            raise BadSessions(f"cut off after {len(data)} bytes: {error}") from error
        if at != len(data) or len(sessions) != count:
            raise BadSessions(f"{len(data)} bytes of sessions where {at} were announced")
        self._sessions = sessions

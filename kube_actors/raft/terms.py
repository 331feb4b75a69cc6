"""Terms as a logical clock (paper §5.1): every message is first brought to one term with its
receiver.

A newer term makes anyone a follower of it, except that a voter under a leader's lease ignores
candidates and that pre-votes only ask. An older term is refused, and an old leader is told so.
"""

from typing import Final

from kube_actors.raft.election import hears_a_leader
from kube_actors.raft.errors import UnknownMessage
from kube_actors.raft.messages import (
    Append,
    AppendReply,
    Heartbeat,
    InstallSnapshot,
    Message,
    PreVote,
    PreVoteReply,
    Vote,
)
from kube_actors.raft.roles import become_follower
from kube_actors.raft.state import RaftState

TERM_MAX: Final = (1 << 63) - 2
_FROM_LEADER: Final = (Append, Heartbeat, InstallSnapshot)


def settle_term(state: RaftState, message: Message) -> bool:
    """Bring two different terms together (§5.1); say whether to go on with the message."""
    kind = type(message)
    if message.term > state.term:
        if message.term > TERM_MAX:
            raise UnknownMessage(f"term {message.term} of member {message.source} cannot be")
        if kind is Vote and not message.force and hears_a_leader(state):  # type: ignore[union-attr]
            return False
        if kind is PreVote or (kind is PreVoteReply and message.granted):  # type: ignore[union-attr]
            return True
        waited, timeout, led = state.election_elapsed, state.timeout_ticks, state.is_leader
        become_follower(state, message.term, message.source if kind in _FROM_LEADER else 0)
        if kind is Vote and not led:
            # Only a granted vote restarts the wait (§5.2): a candidate that cannot win must not
            # keep the one that can from campaigning.
            state.election_elapsed, state.timeout_ticks = waited, timeout
        return True
    if kind in _FROM_LEADER:
        # An old leader, or this member left its term unheard: the answer's term tells it.
        state.after_persist.append(AppendReply(state.id, message.source, state.term, 0))
        return False
    return kind is PreVote

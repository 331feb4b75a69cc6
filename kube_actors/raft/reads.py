"""Linearizable reads without the log (thesis 6.4): ReadIndex, many reads per heartbeat round.

A read may be served at the leader's commit index once a quorum has answered a heartbeat that was
sent after the read arrived: until then somebody else may lead. A leader that has not committed
in its own term does not know the commit index yet and lets reads wait. One round is in flight;
reads that come meanwhile share the next, and every periodic heartbeat opens one too, so that a
lost round delays reads by one heartbeat. Under a lease that is certain there is no round.
"""

from kube_actors.raft.config import ReadOnly
from kube_actors.raft.errors import DropReason, ReadDropped
from kube_actors.raft.messages import Heartbeat, ReadIndex, ReadIndexReply
from kube_actors.raft.ready import LEADER, ReadState
from kube_actors.raft.state import RaftState, ReadRequest, ReadRound


def read_index(state: RaftState, context: bytes) -> None:
    """Ask for a read state. Raises ReadDropped when no leader is known."""
    if state.role is LEADER:
        state.reads.waiting.append(ReadRequest(0, 0, (context,)))
    elif state.leader:
        state.reads.to_forward.append(context)
    else:
        raise ReadDropped(DropReason.NO_LEADER)
    state.dirty = True


def on_read_index(state: RaftState, message: ReadIndex) -> None:
    """Queue a follower's reads for the next round of heartbeats (thesis 6.4).

    A member that does not lead drops them, as a lost message: the follower asks again.
    """
    if state.is_leader:
        request = ReadRequest(message.source, message.incarnation, message.contexts)
        state.reads.waiting.append(request)
        state.dirty = True


def on_read_index_reply(state: RaftState, message: ReadIndexReply) -> None:
    """Hand out the follower's reads with the leader's index (thesis 6.4).

    Each is to be served once that index is applied here. A reply to an earlier incarnation of this
    member is dropped: its contexts may be in use again.
    """
    if message.incarnation == state.incarnation:
        state.read_states.extend([ReadState(message.index, c) for c in message.contexts])


def flush_reads(state: RaftState) -> None:
    """Forward what belongs to the leader, or begin the next round if none is in flight."""
    reads = state.reads
    if reads.to_forward and state.leader:
        contexts = tuple(reads.to_forward)
        reads.to_forward = []
        state.messages.append(
            ReadIndex(state.id, state.leader, state.term, state.incarnation, contexts)
        )
    if not (reads.waiting and state.committed_in_term and state.role is LEADER):
        return
    if leads_by_lease(state):
        requests, reads.waiting = reads.waiting, []
        _answer(state, requests, state.log.committed)
    elif not reads.rounds:
        begin_round(state)
        for member in state.quorum.members if reads.rounds else ():
            if member != state.id:
                commit = min(state.progress[member].match_index, state.log.committed)
                state.messages.append(Heartbeat(state.id, member, state.term, commit, reads.round))


def leads_by_lease(state: RaftState) -> bool:
    """Say whether nobody else can lead now, whatever the network does (thesis 6.4.1)."""
    holders = state.lease.holders(state.ticks, state.config)
    return bool(holders) and state.quorum.is_met([state.id, *holders])


def number_round(state: RaftState) -> None:
    """Number the next heartbeats, so that their answers can be told from older ones."""
    state.reads.round += 1
    if state.config.read_only is ReadOnly.LEASE:
        state.lease.round_began(state.reads.round, state.ticks, state.config)


def begin_round(state: RaftState) -> None:
    """Number a new round for all waiting reads; the caller sends its heartbeats."""
    reads = state.reads
    number_round(state)
    reads.rounds.append(ReadRound(reads.round, state.log.committed, {state.id}, reads.waiting))
    reads.waiting = []
    _finish_rounds(state)


def answered_round(state: RaftState, member: int, number: int) -> None:
    """Take note that ``member`` still follows as of round ``number`` and all before it."""
    rounds = state.reads.rounds
    if not rounds:
        return
    for pending in rounds:
        if pending.number <= number:
            pending.answered.add(member)
    _finish_rounds(state)


def _finish_rounds(state: RaftState) -> None:
    rounds = state.reads.rounds
    while rounds and state.quorum.is_met(rounds[0].answered):
        done = rounds.pop(0)
        _answer(state, done.requests, done.index)
    if state.reads.waiting:
        state.dirty = True


def _answer(state: RaftState, requests: list[ReadRequest], index: int) -> None:
    for request in requests:
        if request.source == 0:
            state.read_states.extend([ReadState(index, c) for c in request.contexts])
        else:
            state.messages.append(
                ReadIndexReply(
                    state.id,
                    request.source,
                    state.term,
                    request.incarnation,
                    index,
                    request.contexts,
                )
            )

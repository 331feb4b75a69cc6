"""Rules of reads, leases and sessions to break, one at a time."""

from collections.abc import Callable
from typing import Any

import pytest

from kube_actors.raft import (
    AlreadyAnswered,
    ClientRequest,
    ReadIndexReply,
    ReadState,
    election,
    lease,
    reads,
    replication,
    roles,
    sessions,
    state,
)
from kube_actors.raft import raft as raft_module


def reads_without_asking(patch: pytest.MonkeyPatch) -> None:
    def begin_round(raft: state.RaftState) -> None:
        for request in raft.reads.waiting:
            if request.source == 0:
                raft.read_states += [
                    ReadState(raft.log.committed, context) for context in request.contexts
                ]
        raft.reads.waiting = []

    patch.setattr(reads, "begin_round", begin_round)
    patch.setattr(replication, "begin_round", begin_round)


def reads_before_its_first_commit(patch: pytest.MonkeyPatch) -> None:
    become_leader = roles.become_leader

    def become_leader_at_once(raft: state.RaftState) -> None:
        become_leader(raft)
        raft.committed_in_term = True

    patch.setattr(election, "become_leader", become_leader_at_once)


def reads_by_lease_after_a_transfer(patch: pytest.MonkeyPatch) -> None:
    """A leader that has told another one to campaign still trusts its lease."""
    holders = lease.Lease.holders

    def holders_anyway(self: lease.Lease, tick: int, config: Any) -> list[int]:
        self.broken = False
        return holders(self, tick, config)

    patch.setattr(lease.Lease, "holders", holders_anyway)


def counts_any_answer(patch: pytest.MonkeyPatch) -> None:
    """An answer to an older heartbeat confirms a read that came after it was sent."""
    answered_round = reads.answered_round

    def answered_the_newest(raft: state.RaftState, member: int, number: int) -> None:
        answered_round(raft, member, raft.reads.round)

    patch.setattr(replication, "answered_round", answered_the_newest)


def takes_any_answer_for_its_own(patch: pytest.MonkeyPatch) -> None:
    """A read is answered by what the incarnation before had asked."""

    def on_read_index_reply(raft: state.RaftState, message: Any) -> None:
        raft.read_states.extend([ReadState(message.index, c) for c in message.contexts])

    patch.setitem(raft_module._HANDLERS, ReadIndexReply, on_read_index_reply)


def leases_from_the_newest_round(patch: pytest.MonkeyPatch) -> None:
    """A lease is counted from the newest heartbeat sent, not from the one that was answered."""

    def answered(self: lease.Lease, member: int, number: int) -> None:
        if self.sent:
            self.held[member] = self.sent[-1][1]

    patch.setattr(lease.Lease, "answered", answered)


def trusts_every_clock(patch: pytest.MonkeyPatch) -> None:
    """A lease is as long as if no clock were slower than another."""
    patch.setattr(lease, "lease_ticks", lambda config: config.election_ticks - 2)


def forgets_its_promise(patch: pytest.MonkeyPatch) -> None:
    """A voter that takes its leader for gone votes at once, also under lease reads."""

    def forget_leader(raft: state.RaftState) -> bool:
        if raft.role is not state.FOLLOWER or not raft.leader:
            return False
        raft.leader = 0
        raft.lease.promise_tick = state.NEVER
        return True

    patch.setattr(election, "forget_leader", forget_leader)


def performs_a_duplicate_again(patch: pytest.MonkeyPatch) -> None:
    """A session forgets what it answered as soon as it did."""
    apply = sessions.Sessions.apply

    def apply_and_forget(
        self: sessions.Sessions,
        index: int,
        request: ClientRequest,
        perform: Callable[[bytes], bytes],
        *,
        time: int = 0,
    ) -> bytes:
        reply = apply(self, index, request, perform, time=time)
        self._sessions[request.session].replies.clear()
        return reply

    patch.setattr(sessions.Sessions, "apply", apply_and_forget)


def performs_what_was_answered_long_ago(patch: pytest.MonkeyPatch) -> None:
    """A request whose reply the client let go is taken for a new one."""
    apply = sessions.Sessions.apply

    def apply_anyway(
        self: sessions.Sessions,
        index: int,
        request: ClientRequest,
        perform: Callable[[bytes], bytes],
        *,
        time: int = 0,
    ) -> bytes:
        try:
            return apply(self, index, request, perform, time=time)
        except AlreadyAnswered:
            return perform(request.command)

    patch.setattr(sessions.Sessions, "apply", apply_anyway)


def loses_replies_in_snapshots(patch: pytest.MonkeyPatch) -> None:
    restore = sessions.Sessions.restore

    def restore_without(self: sessions.Sessions, data: bytes) -> None:
        restore(self, data)
        for held in self._sessions.values():
            held.replies.clear()

    patch.setattr(sessions.Sessions, "restore", restore_without)

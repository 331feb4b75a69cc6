"""What a member says about itself when it is asked how it is."""

from typing import TYPE_CHECKING

from kube_actors.store.messages import MemberStatus

if TYPE_CHECKING:
    from kube_actors.store.member.member import Member


def describe_member(member: "Member") -> MemberStatus:
    """Answer from what is known here, without asking anybody."""
    raft, state, peers = member.raft, member.machine.state, member.peers
    keyspace = state.keyspace
    return MemberStatus(
        member=member.config.member,
        members=peers.voters,
        leader=raft.leader,
        term=raft.term,
        commit_index=raft.commit_index,
        applied_index=member.machine.applied_index,
        revision=keyspace.revision,
        compact_revision=keyspace.compact_revision,
        answering=peers.answering,
        read_only=not raft.leader or not peers.has_quorum,
        size_bytes=keyspace.size_bytes,
        size_in_use_bytes=keyspace.live_bytes,
        quota_bytes=member.config.quota_bytes,
        alarms=state.alarms.all(),
        learner=member.config.member not in raft.config_state.voters,
        log_bytes=member.writer.log_bytes,
        group=state.roster.group,
    )

"""What a member says about itself when it is asked how it is."""

from kube_actors.store.disk import Disk
from kube_actors.store.group.peers import Peers
from kube_actors.store.group.replica import Replica
from kube_actors.store.messages import MemberStatus


def describe_member(replica: Replica, peers: Peers, disk: Disk) -> MemberStatus:
    """Answer from what is known here, without asking anybody."""
    raft, state, number = replica.raft, replica.applied.state, replica.number
    keyspace = state.keyspace
    return MemberStatus(
        member=number,
        members=peers.voters,
        leader=raft.leader,
        term=raft.term,
        commit_index=raft.commit_index,
        applied_index=replica.applied.index,
        revision=keyspace.revision,
        compact_revision=keyspace.compact_revision,
        answering=peers.answering,
        read_only=not raft.leader or not peers.has_quorum,
        size_bytes=keyspace.size_bytes,
        size_in_use_bytes=keyspace.live_bytes,
        quota_bytes=replica.config.quota_bytes,
        alarms=state.alarms.all(),
        learner=number not in raft.config_state.voters,
        log_bytes=disk.size_bytes,
        group=state.roster.group,
    )

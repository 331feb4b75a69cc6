"""How a member is, for people and for health checks: a frozen picture without consequences."""

from attrs import frozen

from kube_actors.raft.messages import ConfigState
from kube_actors.raft.ready import Role
from kube_actors.raft.state import RaftState


@frozen
class PeerStatus:
    """What a leader knows of one member; ``heard_ticks_ago`` since its last answer."""

    id: int
    state: str
    match_index: int
    next_index: int
    inflight: int
    inflight_bytes: int
    heard_ticks_ago: int
    is_learner: bool


@frozen
class Status:
    """How a member is; ``peers`` is empty unless it leads."""

    id: int
    role: Role
    term: int
    vote: int
    leader: int
    commit_index: int
    applied_index: int
    first_index: int
    last_index: int
    persisted_index: int
    uncommitted_bytes: int
    transferee: int
    config: ConfigState
    peers: tuple[PeerStatus, ...]


def describe(state: RaftState) -> Status:
    """Describe a member and, if it leads, what it knows of the others."""
    log = state.log
    peers = tuple(
        PeerStatus(
            id=member,
            state=progress.state.value,
            match_index=progress.match_index,
            next_index=progress.next_index,
            inflight=len(progress.inflight),
            inflight_bytes=progress.inflight_bytes,
            heard_ticks_ago=0 if member == state.id else state.ticks - state.heard.get(member, 0),
            is_learner=progress.is_learner,
        )
        for member, progress in state.progress.items()
    )
    return Status(
        id=state.id,
        role=state.role,
        term=state.term,
        vote=state.vote,
        leader=state.leader,
        commit_index=log.committed,
        applied_index=log.applied,
        first_index=log.first_index,
        last_index=log.last_index,
        persisted_index=log.persisted,
        uncommitted_bytes=state.uncommitted_bytes,
        transferee=state.transferee,
        config=state.config_state,
        peers=peers,
    )

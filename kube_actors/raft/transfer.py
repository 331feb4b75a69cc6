"""Leadership transfer (thesis 3.10): the leader stops taking proposals, completes the log of its
successor and tells it to campaign at once; it gives up after an election timeout.
"""

from kube_actors.raft.errors import TransferRefused
from kube_actors.raft.messages import TransferLeader
from kube_actors.raft.replication import hand_over
from kube_actors.raft.state import RaftState


def transfer(state: RaftState, target: int) -> None:
    """Begin to hand leadership to ``target``. Raises TransferRefused."""
    if target not in state.quorum.members:
        raise TransferRefused(target, "it is not a voter")
    if target == state.id:
        raise TransferRefused(target, "it leads already")
    state.transferee = target
    state.lease.broken = True
    state.election_elapsed = 0
    state.progress[target].must_send = True
    state.dirty = True
    hand_over(state)


def on_transfer_leader(state: RaftState, message: TransferLeader) -> None:
    """Hand leadership over as a follower asked (thesis 3.10).

    A member that does not lead, or cannot hand over to that one, drops it: no reply is owed.
    """
    if state.is_leader:
        try:
            transfer(state, message.transferee)
        except TransferRefused:
            return

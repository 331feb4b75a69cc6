"""Sends the state to a member whose log is too far behind."""

from typing import TYPE_CHECKING

import anyio

from kube_actors.actor import Blob
from kube_actors.raft import InstallSnapshot
from kube_actors.store.raft_wire import CarriedSnapshot
from kube_actors.store.snapshot import encode_state

if TYPE_CHECKING:
    from kube_actors.store.member import Member


async def send_snapshot(member: "Member", message: InstallSnapshot) -> None:
    """Freeze the state as it is now, at least as new as Raft asks for, and send it."""
    if not member.raft.is_leader or member.raft.term != message.term:
        return  # Nobody would take it, and what leads now may be replacing this very state.
    snapshot = member.snapshot()
    blocks: list[Blob] = []
    for block in encode_state(snapshot.state):
        blocks.append(Blob(block))
        await anyio.lowlevel.checkpoint()
    carried = CarriedSnapshot(
        message.source, message.target, message.term, snapshot.metadata, tuple(blocks)
    )
    member.actor.tell(member.address(message.target), carried)

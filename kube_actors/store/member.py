"""The member actor (filled in below)."""

from kube_actors.actor import Actor
from kube_actors.store.config import MemberConfig
from kube_actors.store.disk import Disk


async def run_member(actor: Actor, config: MemberConfig, disk: Disk) -> None:
    """Be one member of the store until cancelled."""
    raise NotImplementedError

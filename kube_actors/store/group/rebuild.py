"""A place whose log is lost joins its group again, under a number that has promised nothing.

``disk/identity.py`` says why it cannot simply begin anew. The group needs a majority without it;
while there is none the place waits, for it has nothing to contribute that could be trusted.
"""

import logging

import anyio
import attrs

from kube_actors.actor import Actor, ActorError
from kube_actors.store.client import StoreClient
from kube_actors.store.config import MemberConfig
from kube_actors.store.disk import DiskError, Identity, IdentityKeeper
from kube_actors.store.group.address_book import AddressBook
from kube_actors.store.group.replica import Replica
from kube_actors.store.messages import MemberInfo, MemberNotFound
from kube_actors.store.state import belonging

logger = logging.getLogger(__name__)

AGAIN_S = 0.25
ATTEMPT_S = 5.0


class CannotRebuild(DiskError):
    """There is nobody to be rebuilt from; the message says what to do."""


async def assume_identity(
    actor: Actor, config: MemberConfig, keeper: IdentityKeeper
) -> tuple[MemberConfig, Identity]:
    """Return the configuration of the member that this disk is.

    Gets a new number from the others first if it has to; that may take as long as they are away.
    Raises CorruptLog, CannotRebuild.
    """
    identity = keeper.load()
    if identity.replacing or identity.rebuild:
        keeper.set_aside()
        number = await _replace(actor, config, identity.replacing or config.member)
        identity = Identity(number, promote=True)
        keeper.keep(identity)
    if identity.member:
        config = attrs.evolve(config, member=identity.member, joining=True)
    return config, identity


def peers_of(actor: Actor, config: MemberConfig) -> StoreClient:
    """Return a client of everybody else that the configuration knows: founders, and by address."""
    numbers = dict.fromkeys((*range(1, config.members + 1), *config.addresses))
    everybody = (config.address(number) for number in numbers)
    others = [address for address in everybody if address != actor.address]
    if not others:
        raise CannotRebuild(
            f"{actor.address} is a group of one: there is nobody to rebuild it from;"
            " restore a saved snapshot instead"
        )
    return StoreClient(actor, others, timeout_s=ATTEMPT_S)


async def _replace(actor: Actor, config: MemberConfig, old: int) -> int:
    client = peers_of(actor, config)
    said = ""
    while True:
        try:
            return await _replaced(actor, config, client, old)
        except ActorError as error:
            # What was asked for may have happened: the next attempt looks first.
            if str(error) != said:
                said = str(error)
                logger.warning("%s waits to be rebuilt: %s", actor.address, error)
        await anyio.sleep(AGAIN_S)


async def _replaced(actor: Actor, config: MemberConfig, client: StoreClient, old: int) -> int:
    """Remove every number that this place had or may have been given, and get a new one."""
    before = MemberInfo(old)
    for info in await client.members():
        address = info.address or str(config.address(info.id))
        if info.id == old or address == actor.address:
            before = info
            try:
                await client.remove_member(info.id)
            except MemberNotFound:
                continue
    added = await client.add_member(
        before.name,
        before.peer_urls,
        before.client_urls,
        learner=True,
        address=str(actor.address),
    )
    logger.warning("%s is rebuilt as member %d instead of %d", actor.address, added.id, before.id)
    return added.id


async def seek_promotion(replica: Replica, addresses: AddressBook, keeper: IdentityKeeper) -> None:
    """Ask to vote, until it is granted; only then the place is rebuilt, and its disk says so."""
    number, raft = replica.number, replica.raft
    while number not in (config := replica.roster.config).voters:
        await anyio.sleep(AGAIN_S)
        others = [one for one in belonging(config) if one != number]
        if others and replica.applied.index and raft.leader:
            others.sort(key=lambda one: one != raft.leader)
            known = [addresses.address(one) for one in others]
            client = StoreClient(replica.actor, known, timeout_s=ATTEMPT_S)
            try:
                await client.promote_member(number)
            except ActorError:
                continue
    keeper.keep(Identity(number))

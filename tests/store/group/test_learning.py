"""A client learns who belongs to the group: it outlives everybody that it was told of."""

from contextlib import suppress

import anyio
import pytest

from kube_actors.actor import Unreachable
from kube_actors.store import LearnerNotReady, OutcomeUnknown, Range, StoreClient, member_address
from kube_actors.store.client import LEARN_S
from tests.store.groups import Group, open_group, put


async def replace(group: Group, old: int, new: int) -> None:
    added = await group.client.add_member(f"m{new}", learner=True)
    assert added.id == new
    group.join(new)
    with anyio.fail_after(60):
        while True:
            try:
                await group.client.promote_member(new)
                break
            except LearnerNotReady:
                await anyio.sleep(0.05)
    # It is decided also when the leader that goes does not live to say so.
    with suppress(OutcomeUnknown):
        await group.at(new).remove_member(old)
    await group.ended(old)
    group.left(old)
    await group.leader()


@pytest.mark.anyio
async def test_a_client_outlives_all_the_members_that_it_was_given() -> None:
    async with open_group() as group:
        founders = [member_address(number) for number in (1, 2, 3)]
        client = StoreClient(group.actor, founders, learn=True)
        await client.txn(put(b"a"))
        for old, new in ((1, 4), (2, 5), (3, 6)):
            await replace(group, old, new)
            await anyio.sleep(LEARN_S)
            assert (await client.range(Range(b"a"))).count == 1
        await client.txn(put(b"b"))
        assert (await client.range(Range(b"a", b"c"))).count == 2
        async with client.watch_session():
            pass
        with pytest.raises(Unreachable):
            await group.at(1, 2, 3).range(Range(b"a"))

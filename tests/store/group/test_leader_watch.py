"""A leader whose process ends is succeeded at once; who merely lost sight of it disturbs nobody."""

import anyio
import pytest

from kube_actors.actor import ActorCrashed, Address
from kube_actors.actor.talk import CALL, FAIL, Envelope, decode, encode
from kube_actors.store import member_address
from kube_actors.store.group import WatchLeader
from kube_actors.store.group.leader_watch import HASTE
from tests.store.groups import Group, open_group, put

ELECTION_S = 0.5


class BrokenLinks:
    """Sees who begins to watch the leader, and ends that call as a lost connection does."""

    def __init__(self, group: Group) -> None:
        self._send = group.network.send
        self._calls: dict[Address, Envelope] = {}
        group.network.send = self.send  # type: ignore[method-assign]

    def send(self, envelope: Envelope) -> None:
        if envelope.kind == CALL and isinstance(decode(envelope.frame), WatchLeader):
            self._calls[envelope.source] = envelope
        self._send(envelope)

    def lose(self, member: int) -> None:
        call = self._calls.pop(member_address(member))
        crashed = encode(ActorCrashed(str(call.target)))
        self._send(Envelope(FAIL, call.target, call.source, call.number, crashed))


@pytest.mark.anyio
async def test_a_leader_that_ended_is_succeeded_within_a_fraction_of_the_election_timeout() -> None:
    async with open_group() as group:
        for number in range(5):
            await group.client.txn(put(b"before/%d" % number))
            leader = await group.leader()
            await group.settled()
            rest = [member for member in group.numbers if member != leader]
            began_s = anyio.current_time()
            group.kill(leader)
            await group.at(*rest).txn(put(b"after/%d" % number))
            assert anyio.current_time() - began_s <= HASTE * ELECTION_S + 0.1
            assert await group.leader(*rest) != leader
            group.revive(leader)
            await group.healthy()
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_leader_that_falls_silent_is_missed_only_after_the_election_timeout() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"before"))
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        began_s = anyio.current_time()
        group.network.isolate(member_address(leader))
        assert await group.leader(*rest) != leader
        assert anyio.current_time() - began_s >= ELECTION_S / 2


@pytest.mark.anyio
async def test_one_follower_that_lost_its_connection_to_the_leader_causes_no_election() -> None:
    async with open_group() as group:
        leader = await group.leader()
        lone = next(member for member in group.numbers if member != leader)
        links = BrokenLinks(group)
        group.kill(lone)
        group.revive(lone)
        await group.healthy()
        before = await group.status(leader)
        for number in range(5):
            links.lose(lone)
            await group.at(lone).txn(put(b"%d" % number))
            await anyio.sleep(ELECTION_S)
        links.lose(lone)
        group.network.partition(member_address(lone), member_address(leader))
        await anyio.sleep(3 * ELECTION_S)
        group.network.heal()
        await group.healthy()
        after = await group.status(leader)
        assert (after.leader, after.term) == (before.leader, before.term)
        assert (await group.status(lone)).leader == leader
        await group.assert_equal()

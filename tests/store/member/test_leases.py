"""Leases: never over early, over soon enough, whatever becomes of leaders meanwhile."""

import random
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from attrs import define, field

from kube_actors.actor import ActorError
from kube_actors.store import (
    EventType,
    InvalidRequest,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseTimeToLive,
    MemoryDisk,
    Range,
    StoreClient,
    Watch,
)
from kube_actors.store.member.lease_deadlines import LEFT_MAX, Expiry
from kube_actors.store.messages import Command, LeaseCheckpoint
from kube_actors.store.state import State, decode_state, encode_state
from tests.store.groups import Group, open_group, put

SEEDS = range(4)
TTL_S = 2


@define
class Kept:
    """One lease with one key: when keep-alives that were acknowledged were sent, and its end."""

    id: int
    acknowledged_s: list[float] = field(factory=list)
    stopped_s: float = 0.0
    gone_s: float | None = None


class Keeper:
    """Grants leases and keeps each alive for a while, then lets go of it."""

    def __init__(self, client: StoreClient, rng: random.Random) -> None:
        self._client = client
        self._rng = rng
        self.leases: dict[int, Kept] = {}

    async def run(self, first: int, turns: int) -> None:
        for number in range(first, first + turns):
            lease = Kept(number)
            try:
                await self._keep(lease)
            except ActorError:
                lease.stopped_s = anyio.current_time()

    async def _keep(self, lease: Kept) -> None:
        sent_s = anyio.current_time()
        await self._client.lease(LeaseGrant(TTL_S, lease.id))
        lease.acknowledged_s.append(sent_s)
        await self._client.txn(put(b"lease/%d" % lease.id, lease=lease.id))
        self.leases[lease.id] = lease
        for _ in range(self._rng.randrange(8)):
            await anyio.sleep(self._rng.uniform(0.1, 1.1 * TTL_S))
            sent_s = anyio.current_time()
            try:
                answer = await self._client.lease(LeaseKeepAlive(lease.id))
            except ActorError:
                continue
            if answer.ttl_s < 0:
                break
            lease.acknowledged_s.append(sent_s)
        lease.stopped_s = anyio.current_time()

    async def watch(self, client: StoreClient) -> None:
        """Note when a lease's key is first seen to be gone."""
        revision = 0
        while True:
            try:
                async with client.watch(Watch(b"lease/", b"lease0", revision + 1)) as items:
                    async for item in items:
                        for event in item.events:
                            self._seen(event.type, int(event.kv.key.split(b"/")[1]))
                        revision = max(revision, item.revision)
            except ActorError:
                await anyio.sleep(0.01)

    def _seen(self, kind: EventType, number: int) -> None:
        lease = self.leases.get(number)
        if lease is not None and kind is EventType.DELETE and lease.gone_s is None:
            lease.gone_s = anyio.current_time()


async def trouble_leaders(
    group: Group, disks: list[MemoryDisk], rng: random.Random, turns: int
) -> None:
    """Take the lead from whoever has it, again and again, in ways that it may survive."""
    for _ in range(turns):
        await anyio.sleep(rng.uniform(0.2, 2.5))
        leader = await group.leader()
        kind = rng.choice(["kill", "isolate", "pause", "lossy", "cannot send", "slow"])
        if kind == "kill":
            group.kill(leader)
        elif kind == "isolate":
            group.isolate(leader)
        elif kind == "pause":
            group.supervisor.pause(f"store/{leader}")
        elif kind == "cannot send":
            others = [f"store/{one}" for one in group.numbers if one != leader]
            group.network.partition(f"store/{leader}", others, both=False)
        elif kind == "slow":
            for disk in disks:
                disk.sync_s = rng.uniform(0.05, 0.4)
        else:
            group.network.set_fault("store", "store", drop=0.1, delay_s=0.05, reorder=0.2)
        await anyio.sleep(rng.uniform(0.1, 3))
        group.network.heal()
        for disk in disks:
            disk.sync_s = 0
        group.supervisor.resume(f"store/{leader}")
        group.revive(leader)


@pytest.mark.anyio
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_lease_is_never_over_early_and_always_soon_whoever_leads(seed: int) -> None:
    rng = random.Random(seed)
    checkpoint_s = rng.choice([0.5, 1.5, 300])
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks, seed=seed, lease_checkpoint_s=checkpoint_s) as group:
        keepers = [Keeper(group.at(n % 3 + 1, (n + 1) % 3 + 1), rng) for n in range(6)]
        async with anyio.create_task_group() as tasks:
            for keeper in keepers:
                for member in group.numbers:
                    tasks.start_soon(keeper.watch, group.at(member))
            async with anyio.create_task_group() as working:
                for number, keeper in enumerate(keepers):
                    working.start_soon(keeper.run, 1 + 100 * number, 6)
                working.start_soon(trouble_leaders, group, disks, rng, 8)
            await group.leader()
            await anyio.sleep(TTL_S + 1.5)
            tasks.cancel_scope.cancel()
        leases = [lease for keeper in keepers for lease in keeper.leases.values()]
        assert sum(len(lease.acknowledged_s) for lease in leases) > 30
        for lease in leases:
            assert lease.gone_s is not None, f"{lease} is still there"
            assert lease.gone_s >= max(lease.acknowledged_s) + TTL_S, f"{lease} was over early"
        assert (await group.client.range(Range(b"lease/", b"lease0"))).count == 0


async def two_leaders(group: Group, ttl_s: int, use: Callable[[int], None]) -> tuple[int, int]:
    """Grant lease 7, replace the leader in the way of ``use``; return the old one and the new."""
    await group.client.txn(put(b"before"))
    old = await group.leader()
    await group.client.lease(LeaseGrant(ttl_s, 7))
    await group.client.txn(put(b"kept", lease=7))
    await anyio.sleep(ttl_s - 0.3)
    use(old)
    new = await group.leader(*(one for one in group.numbers if one != old))
    return old, new


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["both", "cannot send"])
async def test_a_leader_that_was_cut_off_does_not_end_what_its_successor_renewed(way: str) -> None:
    async with open_group() as group:

        def cut(leader: int) -> None:
            others = [f"store/{one}" for one in group.numbers if one != leader]
            group.network.partition(f"store/{leader}", others, both=way == "both")

        old, new = await two_leaders(group, 2, cut)
        for _ in range(10):
            assert (await group.at(new).lease(LeaseKeepAlive(7))).ttl_s == 2
            await anyio.sleep(0.1)
        group.network.heal()
        for _ in range(20):
            assert (await group.at(new).lease(LeaseKeepAlive(7))).ttl_s == 2
            await anyio.sleep(0.1)
        assert (await group.at(old).range(Range(b"kept"))).count == 1


@pytest.mark.anyio
async def test_a_keep_alive_that_comes_while_the_end_is_being_written_is_not_acknowledged() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks) as group:
        await group.client.lease(LeaseGrant(2, 7))
        await group.client.txn(put(b"kept", lease=7))
        for disk in disks:
            disk.sync_s = 0.4
        await anyio.sleep(2.1)
        assert (await group.client.range(Range(b"kept"))).count == 1
        assert (await group.client.lease(LeaseKeepAlive(7))).ttl_s == -1
        assert (await group.client.range(Range(b"kept"))).count == 0


@pytest.mark.anyio
async def test_a_new_leader_gives_what_the_last_checkpoint_left_not_the_whole_time() -> None:
    async with open_group(lease_checkpoint_s=10) as group:
        began = anyio.current_time()
        old, new = await two_leaders(group, 60, group.kill)
        left = await group.at(new).lease(LeaseTimeToLive(7))
        assert left.ttl_s <= 11
        assert left.granted_ttl_s == 60
        group.revive(old)
        async with group.at(new).watch(Watch(b"kept")) as items:
            await anext(items)
            await anext(items)
        assert 60 <= anyio.current_time() - began < 60 + 10 + 3


@pytest.mark.anyio
async def test_a_keep_alive_after_a_checkpoint_holds_with_the_next_leader() -> None:
    async with open_group(lease_checkpoint_s=10) as group:
        await group.client.lease(LeaseGrant(60, 7))
        await group.client.txn(put(b"kept", lease=7))
        await anyio.sleep(55)
        for _ in range(3):
            assert (await group.at(2).lease(LeaseKeepAlive(7))).ttl_s == 60
        leader = await group.leader()
        group.kill(leader)
        new = await group.leader(*(one for one in group.numbers if one != leader))
        assert (await group.at(new).lease(LeaseTimeToLive(7))).ttl_s >= 59
        await anyio.sleep(59)
        assert (await group.at(new).range(Range(b"kept"))).count == 1


@pytest.mark.anyio
async def test_an_idle_group_writes_nothing_for_leases_that_are_short_or_known() -> None:
    async with open_group(lease_checkpoint_s=10) as group:
        await anyio.sleep(1)  # Each member says once that it has a log.
        await group.client.lease(LeaseGrant(9, 1))
        await group.client.lease(LeaseGrant(1000, 2))
        await group.settled()
        before = (await group.status(1)).applied_index
        await anyio.sleep(35)
        # Three checkpoints, and the end of the short one.
        assert (await group.status(1)).applied_index - before == 4


@pytest.mark.anyio
async def test_many_leases_that_end_together_leave_room_for_others() -> None:
    async with open_group(pending_max=700) as group:
        async with anyio.create_task_group() as tasks:
            for number in range(1, 601):
                tasks.start_soon(group.client.lease, LeaseGrant(3, number))
        await anyio.sleep(3.02)
        for number in range(100):
            await group.client.txn(put(b"%d" % number))
        await anyio.sleep(1)
        for number in (1, 300, 600):
            assert (await group.client.lease(LeaseTimeToLive(number))).ttl_s == -1


@pytest.mark.anyio
async def test_a_lease_shorter_than_an_election_is_made_longer_and_absurd_ones_refused() -> None:
    async with open_group(election_ticks=40) as group:
        assert (await group.client.lease(LeaseGrant(1, 5))).ttl_s == 3
        for request in (LeaseGrant(9_000_000_001), LeaseGrant(5, 1 << 63), LeaseGrant(0)):
            with pytest.raises(InvalidRequest):
                await group.client.lease(request)
        with pytest.raises(InvalidRequest):
            await group.actor.call("store/1", LeaseCheckpoint((5,), (1,)))


def test_what_is_left_of_leases_survives_a_snapshot() -> None:
    state = State()
    requests: list[Any] = [LeaseGrant(60, 5), LeaseGrant(90, -6), LeaseCheckpoint((5, 8), (20, 3))]
    for number, request in enumerate(requests, 1):
        state.apply(Command(1, 1, number, number, request))
    twin = State.restore(decode_state(b"".join(encode_state(state.freeze()))))
    for one in (state, twin):
        assert [(x.id, x.ttl_s, x.remaining_s) for x in one.leases.all()] == [
            (5, 60, 20),
            (-6, 90, 0),
        ]


def test_leases_for_years_that_are_revoked_at_once_leave_nothing() -> None:
    expiry = Expiry()
    expiry.renew(1, 10, 0.0)
    for lease in range(2, 3 * LEFT_MAX):
        expiry.renew(lease, 1e9, 0.0)
        expiry.forget(lease)
    assert len(expiry) <= LEFT_MAX + 2
    expiry.renew(1, 10, 5.0)
    assert expiry.over(14.9, 10) == []
    assert expiry.over(15.0, 10) == [1]

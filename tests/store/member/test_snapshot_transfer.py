"""A state on its way in chunks: nothing is lost for long, and nobody stops answering meanwhile."""

import random

import anyio
import pytest

from kube_actors.actor import Blob
from kube_actors.raft import ConfigState, SnapshotMetadata
from kube_actors.store import Range, disks_from_snapshot
from kube_actors.store.disk import StateSnapshot
from kube_actors.store.member.snapshot_transfers import EncodedState
from kube_actors.store.saved import encode_saved
from kube_actors.store.state import State, decoding, encode_state
from kube_actors.store.state.steps import run
from tests.store.groups import Group, open_group, put, write_until_it_works

OPTIONS = {"snapshot_entries": 20, "keep_entries": 5, "snapshot_chunk_bytes": 2000}


async def left_behind(group: Group, *, count: int = 100) -> int:
    """Cut a follower off until it needs a snapshot of about ``count`` kB; return it."""
    await group.client.txn(put(b"k"))
    leader = await group.leader()
    away = next(member for member in group.numbers if member != leader)
    group.isolate(away)
    for number in range(count):
        await group.at(leader).txn(put(b"k%d" % number, b"x" * 1000))
    return away


@pytest.mark.anyio
async def test_chunks_that_are_lost_are_sent_again_within_ticks() -> None:
    async with open_group(**OPTIONS) as group:
        away = await left_behind(group)
        group.network.heal()
        group.network.set_fault("store", f"store/{away}", drop=0.3, delay_s=0.001)
        group.network.set_fault(f"store/{away}", "store", drop=0.3, delay_s=0.001)
        began = anyio.current_time()
        every = Range(b"k", b"l", serializable=True)
        while (await group.at(away).range(every)).count < 101:  # noqa: ASYNC110
            await anyio.sleep(0.02)
        assert anyio.current_time() - began < 4, "each loss costs ticks, not election timeouts"
        group.network.heal()
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_transfer_goes_on_where_it_broke_off() -> None:
    async with open_group(**OPTIONS) as group:
        away = await left_behind(group, count=400)
        group.network.heal()
        group.network.set_fault("store", f"store/{away}", delay_s=(0.05, 0.3))
        await anyio.sleep(0.25)
        assert (await group.status(away)).revision < 100
        group.isolate(away)
        await anyio.sleep(0.3)
        group.network.heal()
        began = anyio.current_time()
        await group.assert_equal()
        assert anyio.current_time() - began < 1


@pytest.mark.anyio
async def test_a_member_answers_its_leader_while_it_is_sent_a_large_state() -> None:
    async with open_group(**OPTIONS) as group:
        away = await left_behind(group, count=300)
        leader = await group.leader(*[member for member in group.numbers if member != away])
        term = (await group.status(leader)).term
        group.network.heal()
        group.network.set_fault("store", "store", delay_s=0.05)
        await group.settled()
        after = await group.status(leader)
        assert (after.leader, after.term) == (leader, term)


@pytest.mark.anyio
async def test_a_leader_that_dies_in_the_middle_is_replaced_by_one_that_sends_it_all() -> None:
    async with open_group(**OPTIONS) as group:
        away = await left_behind(group, count=300)
        leader = await group.leader(*[member for member in group.numbers if member != away])
        group.network.heal()
        group.network.set_fault("store", f"store/{away}", delay_s=0.05)
        await anyio.sleep(0.3)
        group.kill(leader)
        await write_until_it_works(
            group.at(*[member for member in group.numbers if member != leader]), b"a", b"1"
        )
        group.revive(leader)
        await group.assert_equal()


@pytest.mark.anyio
async def test_members_of_another_group_are_not_listened_to() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a", b"old"))
        await group.leader()
    state = State()
    metadata = SnapshotMetadata(1, 1, ConfigState((1, 2, 3)))
    data = b"".join(encode_saved(StateSnapshot(metadata, state.freeze())))
    first = disks_from_snapshot(data, token="one")
    second = disks_from_snapshot(data, token="two")
    disks = [first[1], first[2], second[3]]
    async with open_group(disks=disks) as group:
        await write_until_it_works(group.at(1, 2), b"a", b"1")
        await anyio.sleep(3)
        status = await group.status(3)
        assert (status.leader, status.revision, status.read_only) == (0, 1, True)
        assert (await group.status(1)).group != status.group
        assert (await group.at(1, 2).range(Range(b"a"))).count == 1


def test_a_large_state_is_read_and_rebuilt_in_many_small_steps() -> None:
    state = State()
    for number in range(5000):
        state.keyspace.put(b"k%d" % (number % 3000), Blob(b"v"), 0)
        state.keyspace.commit()
    frozen = state.freeze()
    data = b"".join(encode_state(frozen))
    assert sum(1 for _ in decoding(data)) >= 5
    assert sum(1 for _ in State.restoring(frozen)) >= 5
    assert run(decoding(data)) == frozen
    assert run(State.restoring(frozen)).keyspace.hash() == state.keyspace.hash()


def test_a_state_is_read_from_its_blocks_as_if_they_were_one() -> None:
    chance = random.Random(1)
    blocks = [chance.randbytes(size) for size in (1, 7, 100, 3)]
    whole = b"".join(blocks)
    state = EncodedState(SnapshotMetadata(), blocks, (1, 8, 108, 111), b"")
    assert state.total_bytes == 111
    for size in (1, 5, 1000):
        found = b""
        while len(found) < len(whole):
            part = state.read(len(found), size)
            assert 0 < len(part) <= size
            found += part
        assert found == whole

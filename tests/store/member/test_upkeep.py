"""Room, alarms, members that differ, and snapshots for people."""

import anyio
import attrs
import pytest

from kube_actors.actor import Blob
from kube_actors.store import (
    Alarm,
    AlarmKind,
    Corrupt,
    CorruptLog,
    DeleteRange,
    LeaseGrant,
    LeaseRevoke,
    MemoryDisk,
    NoSpace,
    Range,
    Txn,
    decode_saved,
    disks_from_snapshot,
)
from kube_actors.store.group.corruption import corrupt_members
from tests.store.groups import Group, open_group, put


async def fill(group: Group) -> int:
    """Write until there is no room; return how many keys there are."""
    for number in range(30):
        try:
            await group.client.txn(put(b"k%d" % number, b"x" * 1000))
        except NoSpace:
            return number
    raise AssertionError("there was room for everything")


@pytest.mark.anyio
async def test_over_its_quota_it_takes_nothing_more_until_it_is_disarmed() -> None:
    async with open_group(quota_bytes=20_000) as group:
        lease = await group.client.lease(LeaseGrant(1000))
        filled = await fill(group)
        assert 15 <= filled < 20
        await group.settled()
        (alarm,) = await group.client.alarms()
        assert (alarm.member, alarm.kind) == (1, AlarmKind.NOSPACE)
        for member in group.numbers:
            assert (await group.status(member)).alarms == (alarm,)
            with pytest.raises(NoSpace):
                await group.at(member).txn(put(b"a", b""))
            with pytest.raises(NoSpace):
                await group.at(member).lease(LeaseGrant(10))
        # What makes room, or takes none, is served.
        assert (await group.client.range(Range(b"k", b"l"))).count == filled
        assert (await group.client.txn(Txn((), (Range(b"k0"),)))).succeeded
        await group.client.txn(Txn((), (DeleteRange(b"k", b"l"),)))
        await group.client.lease(LeaseRevoke(lease.id))
        await group.client.compact(await group.client.current_revision())
        await anyio.sleep(1)
        status = await group.client.defragment()
        assert (status.size_bytes, status.size_in_use_bytes) == (0, 0)
        with pytest.raises(NoSpace):
            await group.client.txn(put(b"a", b"still"))
        assert await group.client.disarm_alarm(0, AlarmKind.NOSPACE) == (alarm,)
        await group.client.txn(put(b"a", b"x" * 1000))
        await group.assert_equal()


@pytest.mark.anyio
async def test_an_alarm_outlives_every_member_and_a_snapshot() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks, snapshot_entries=5) as group:
        await group.client.activate_alarm(2, AlarmKind.NOSPACE)
        for _ in range(20):
            await group.client.txn(Txn((), (Range(b"a"),)))
    async with open_group(disks=disks) as group:
        assert await group.client.alarms() == (Alarm(2, AlarmKind.NOSPACE),)
        with pytest.raises(NoSpace):
            await group.client.txn(put(b"a"))


def flip(disk: object, key: bytes) -> None:
    """Change one value in a member's snapshot, as a bad memory bank would."""
    assert isinstance(disk, MemoryDisk)
    snapshot = disk._snapshot
    assert snapshot is not None
    keyspace = snapshot.state.keyspace

    def flipped(kvs):  # type: ignore[no-untyped-def]
        return tuple(
            type(kv)(kv.key, Blob(b"?"), kv.create_revision, kv.mod_revision, kv.version, kv.lease)
            if kv.key == key
            else kv
            for kv in kvs
        )

    changes = tuple(flipped(kvs) for kvs in keyspace.changes)
    keyspace = attrs.evolve(keyspace, base=flipped(keyspace.base), changes=changes)
    state = attrs.evolve(snapshot.state, keyspace=keyspace)
    disk._snapshot = attrs.evolve(snapshot, state=state)


async def corrupted(group: Group, victim: int) -> None:
    for number in range(20):
        await group.client.txn(put(b"k%d" % number, b"v"))
    await group.settled()
    await group.at(victim).defragment()
    group.kill(victim)
    flip(group.disks[victim - 1], b"k3")
    group.revive(victim)
    await group.settled()


@pytest.mark.anyio
@pytest.mark.parametrize("leads", [False, True])
async def test_a_member_whose_data_differs_is_found_and_named_and_the_store_stops(
    leads: bool,
) -> None:
    async with open_group(corrupt_check_ticks=100) as group:
        await group.client.txn(put(b"a"))
        leader = await group.leader()
        victim = leader if leads else next(n for n in group.numbers if n != leader)
        await corrupted(group, victim)
        if leads:
            await group.client.move_leader(victim)
        await anyio.sleep(8)
        (alarm,) = await group.client.alarms()
        assert (alarm.member, alarm.kind) == (victim, AlarmKind.CORRUPT)
        assert "revision 22" in alarm.text
        for member in group.numbers:
            with pytest.raises(Corrupt, match=f"store/{victim}: its hash at revision 22"):
                await group.at(member).txn(put(b"a"))
            with pytest.raises(Corrupt):
                await group.at(member).range(Range(b"a"))
            with pytest.raises(Corrupt):
                await group.at(member).compact(5)
        assert (await group.client.range(Range(b"a", serializable=True))).count == 1
        # The damaged member is replaced by one that gets its state from the others.
        await group.client.remove_member(victim)
        group.left(victim)
        await group.client.add_member()
        group.join(4)
        await group.client.disarm_alarm(0, AlarmKind.CORRUPT)
        await group.client.txn(put(b"a"))
        await anyio.sleep(8)
        assert await group.client.alarms() == ()
        await group.assert_equal()


@pytest.mark.anyio
async def test_equal_members_raise_no_alarm_while_the_data_changes_and_is_compacted() -> None:
    async with open_group(corrupt_check_ticks=5, retention_revisions=10, progress_ticks=7) as group:
        for number in range(200):
            await group.client.txn(put(b"k%d" % (number % 40)))
            await anyio.sleep(0.02)
        assert await group.client.alarms() == ()


def test_the_majority_is_right_and_without_one_everybody_is_suspect() -> None:
    assert corrupt_members({1: 7, 2: 7, 3: 7}) == []
    assert corrupt_members({1: 8, 2: 7, 3: 7}) == [1]
    assert corrupt_members({1: 8, 2: 7}) == [1, 2]
    assert corrupt_members({1: 8, 2: 7, 3: 6}) == [1, 2, 3]
    assert corrupt_members({1: 8}) == []


async def saved(group: Group) -> bytes:
    parts: list[bytes] = []
    async with group.client.snapshot() as items:
        async for item in items:
            parts.append(item.data)
            remaining = item.remaining_bytes
    assert remaining == 0
    return b"".join(parts)


@pytest.mark.anyio
async def test_a_saved_snapshot_makes_a_new_group_with_the_same_data() -> None:
    async with open_group() as group:
        lease = await group.client.lease(LeaseGrant(500))
        for number in range(100):
            await group.client.txn(put(b"k%d" % (number % 50), b"%d" % number))
        await group.client.txn(put(b"held", lease=lease.id))
        before = await group.client.range(Range(b"\0", b"\0"))
        old = await group.client.range(Range(b"k7", revision=10))
        data = await saved(group)
    described = decode_saved(data)
    assert (described.revision, described.keys, described.leases) == (102, 51, 1)
    disks = disks_from_snapshot(data, 5)
    async with open_group(5, disks=list(disks.values())) as group:
        assert await group.client.range(Range(b"\0", b"\0")) == before
        assert await group.client.range(Range(b"k7", revision=10)) == old
        assert await group.client.leases() == (lease.id,)
        assert len(await group.client.members()) == 5
        done = await group.client.txn(put(b"k1", b"new"))
        assert done.revision == 103
        await group.assert_equal()
        assert (await group.client.add_member(learner=True)).id == 6


@pytest.mark.anyio
async def test_a_restored_group_can_go_on_at_a_higher_revision_with_no_past() -> None:
    async with open_group() as group:
        for number in range(10):
            await group.client.txn(put(b"k%d" % (number % 5), b"%d" % number))
        await group.client.txn(Txn((), (DeleteRange(b"k0"),)))
        data = await saved(group)
    disks = disks_from_snapshot(data, 1, bump_revision=1000, mark_compacted=True)
    async with open_group(1, disks=list(disks.values())) as group:
        read = await group.client.range(Range(b"k", b"l"))
        assert (read.revision, read.count) == (1012, 4)
        status = await group.status(1)
        assert (status.revision, status.compact_revision) == (1012, 1012)
        assert (await group.client.txn(put(b"k0"))).revision == 1013


@pytest.mark.anyio
async def test_a_saved_file_with_any_damage_is_refused_with_its_place() -> None:
    async with open_group(1) as group:
        for number in range(20):
            await group.client.txn(put(b"k%d" % number))
        data = await saved(group)
    for offset in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[offset] ^= 1 << offset % 8
        with pytest.raises(CorruptLog, match="offset") as error:
            decode_saved(bytes(damaged), "a.snap")
        assert error.value.file == "a.snap"
        assert 0 <= error.value.offset <= len(data)
        with pytest.raises(CorruptLog):
            decode_saved(data[:offset])
    with pytest.raises(CorruptLog, match="offset 16: this is a database of etcd's own"):
        decode_saved(bytes(16) + bytes.fromhex("edda0ced02000000") + bytes(4072))
    with pytest.raises(CorruptLog, match="follow"):
        decode_saved(data + b"\0" * 64)
    with pytest.raises(CorruptLog):
        decode_saved(data + data)

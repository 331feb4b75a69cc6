"""What a group promises while a disk of its members fails, stalls or is slow."""

from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

from kube_actors.actor import (
    Actor,
    ActorError,
    ActorSystem,
    Child,
    Restart,
    Supervisor,
    Unreachable,
)
from kube_actors.store import (
    DiskFailed,
    MemberConfig,
    MemoryDisk,
    OutcomeUnknown,
    Range,
    StoreClient,
    member_address,
    run_member,
)
from tests.store.groups import open_group, put, write_until_it_works

ELECTION_S = 0.5


@pytest.mark.anyio
async def test_a_disk_keeps_only_what_its_snapshot_does_not_cover() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks, snapshot_entries=10, keep_entries=5) as group:
        for number in range(200):
            await group.client.txn(put(b"a", b"%d" % number))
        await group.settled()
        await anyio.sleep(0.1)
        assert all(disk.size_bytes < 20 * 200 for disk in disks)


@pytest.mark.anyio
async def test_a_disk_that_fails_to_sync_ends_its_member_and_loses_nothing() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks) as group:
        await group.client.txn(put(b"a", b"1"))
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        disks[leader - 1].fail_syncs()
        with pytest.raises((OutcomeUnknown, Unreachable)):
            await group.at(leader).txn(put(b"b", b"lost or not"))
        await write_until_it_works(group.at(*rest), b"c", b"2")
        with pytest.raises(DiskFailed):
            await disks[leader - 1].open()
        disks[leader - 1].repair()
        await group.assert_equal()
        assert (await group.client.range(Range(b"a"))).kvs[0].value == b"1"


@pytest.mark.anyio
async def test_a_member_ends_with_what_ended_it_and_not_with_a_group_around_it() -> None:
    """Whoever runs it tells a disk that failed from a program that is wrong."""
    ends: list[BaseException] = []
    disk = MemoryDisk()

    async def run(actor: Actor) -> None:
        try:
            await run_member(actor, MemberConfig(member=1, members=1), disk)
        except DiskFailed as error:
            ends.append(error)

    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("store/1", run, restart=Restart.TRANSIENT))
        client = StoreClient(actor, [member_address(1)])
        await write_until_it_works(client, b"a", b"1")
        disk.fail_syncs()
        with pytest.raises((OutcomeUnknown, Unreachable)):
            await client.txn(put(b"b"))
        with anyio.fail_after(60):
            while not ends:  # noqa: ASYNC110
                await anyio.sleep(0.05)


@pytest.mark.anyio
@pytest.mark.parametrize(("members", "why"), [(1, "it took too long"), (3, "lost its majority")])
async def test_a_write_whose_fate_is_unknown_says_why(members: int, why: str) -> None:
    disks = [MemoryDisk() for _ in range(members)]
    async with open_group(members, disks=disks) as group:
        await group.client.txn(put(b"a", b"1"))
        leader = await group.leader()
        disks[leader - 1].sync_s = 3600
        async with anyio.create_task_group() as tasks:

            async def write() -> None:
                with pytest.raises(OutcomeUnknown, match=why):
                    await group.at(leader).txn(put(b"b"))

            tasks.start_soon(write)
            await anyio.sleep(0.01)
            for number in group.numbers:
                if number != leader:
                    group.kill(number)


@pytest.mark.anyio
async def test_a_leader_whose_disk_does_not_answer_is_replaced() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks) as group:
        await group.client.txn(put(b"a", b"1"))
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        disks[leader - 1].sync_s = 3600
        began = anyio.current_time()

        async def read_all_the_time() -> None:
            while True:
                await anyio.sleep(0.02)
                with suppress(ActorError):
                    await group.at(rest[0]).current_revision()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read_all_the_time)
            with anyio.fail_after(10):
                await write_until_it_works(group.at(*rest), b"a", b"2")
                assert await group.leader(*rest) in rest
            tasks.cancel_scope.cancel()
        assert anyio.current_time() - began < 10 * ELECTION_S
        disks[leader - 1].sync_s = 0
        group.kill(leader)
        group.revive(leader)
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_slow_disk_is_not_given_the_same_request_again_and_again() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks) as group:
        leader = await group.leader()
        follower = next(member for member in group.numbers if member != leader)
        for disk in disks:
            disk.sync_s = 1.2
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(group.at(follower).txn, put(b"k%d" % number, bytes(10_000)))
                await anyio.sleep(0.05)
        await group.settled()
        assert all(disk.size_bytes < 1.5 * 20 * 10_000 for disk in disks)

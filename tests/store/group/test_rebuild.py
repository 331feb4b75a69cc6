"""A member that lost its log gets everything back from the others, and nobody loses anything."""

from pathlib import Path

import anyio
import pytest

from kube_actors.actor import ActorError, ActorSystem, Address, Clock, MemoryNetwork
from kube_actors.store import (
    CorruptLog,
    FileDisk,
    LostLog,
    MemberConfig,
    MemoryDisk,
    NoQuorum,
    OutcomeUnknown,
    Range,
    run_member,
)
from kube_actors.store.disk import Identity
from kube_actors.store.group.rebuild import peers_of
from kube_actors.store.member.upkeep import Upkeep
from tests.store.groups import Group, open_group, put, write_until_it_works


def rebuild(group: Group, place: int) -> None:
    """Do what the command does: the old number is given up, the old log is put aside."""
    disk = group.disks[place - 1]
    assert isinstance(disk, MemoryDisk)
    disk.keep(Identity(replacing=disk.load().member or place))


async def voting_again(group: Group, place: int, above: int = 3) -> int:
    """Wait until the member at a place is a voter with a new number; return it."""
    with anyio.fail_after(30):
        while True:
            try:
                status = await group.status(place)
                if not status.learner and status.leader and status.member > above:
                    return status.member
            except ActorError:
                pass
            await anyio.sleep(0.05)


@pytest.mark.anyio
@pytest.mark.parametrize("place", [1, 3])
async def test_a_damaged_member_is_rebuilt_in_its_place_under_a_new_number(place: int) -> None:
    async with open_group(snapshot_entries=20, keep_entries=5) as group:
        others = [one for one in group.numbers if one != place]
        for number in range(50):
            await group.client.txn(put(b"k%d" % number))
        await group.client.update_member(place, name="mine", client_urls=("http://c",))
        group.kill(place)
        group.disks[place - 1].damage()  # type: ignore[attr-defined]
        rebuild(group, place)
        group.revive(place)
        assert await voting_again(group, place) == 4
        (mine,) = [m for m in await group.client.members() if m.id == 4]
        assert (mine.name, mine.client_urls, mine.learner) == ("mine", ("http://c",), False)
        assert mine.address == f"store/{place}"
        await group.assert_equal()
        # It counts again, and it stays who it has become.
        group.kill(others[0])
        await write_until_it_works(group.at(place), b"a", b"1")
        group.revive(others[0])
        group.crash(place)
        await group.assert_equal()
        assert (await group.status(place)).member == 4
        # And once more.
        group.kill(place)
        rebuild(group, place)
        group.revive(place)
        assert await voting_again(group, place, above=4) == 5
        assert sorted(m.id for m in await group.client.members()) == sorted([*others, 5])
        await group.assert_equal()


@pytest.mark.anyio
async def test_whoever_was_named_is_asked_to_rebuild_it_when_the_founders_are_gone() -> None:
    named = {number: Address(f"store/{number}") for number in (3, 4, 5)}
    config = MemberConfig(member=3, members=3, addresses=named)
    async with (
        ActorSystem(MemoryNetwork(1), Clock(0.0), 1) as system,
        system.client("store/3") as me,
    ):
        assert peers_of(me, config).known == ("store/1", "store/2", "store/4", "store/5")


async def lose_the_log_of_the_only_other_copy(*, safely: bool) -> bool:
    """A write is on 1 and 3 alone. 3 loses its log, 1 dies, 2 and 3 are what is left.

    Returns whether the acknowledged write is there at the end, when everybody is back.
    """
    async with open_group(election_ticks=10) as group:
        await group.client.txn(put(b"before"))
        if await group.leader() != 1:
            await group.client.move_leader(1)
        await group.settled()
        group.isolate(2)
        assert (await group.at(1).txn(put(b"precious"))).succeeded
        group.kill(1, 3)
        disk = group.disks[2]
        assert isinstance(disk, MemoryDisk)
        disk.wipe()
        if safely:
            rebuild(group, 3)
        group.network.heal()
        group.revive(3)
        await anyio.sleep(5)
        if safely:
            with pytest.raises((NoQuorum, OutcomeUnknown)):
                await group.at(2).txn(put(b"other"))
        else:
            await write_until_it_works(group.at(2), b"other", b"")
        group.revive(1)
        await write_until_it_works(group.at(2), b"end", b"")
        if safely:
            await voting_again(group, 3)
        await group.assert_equal()
        return (await group.at(2).range(Range(b"precious"))).count == 1


@pytest.mark.anyio
async def test_a_member_that_lost_its_log_cannot_elect_a_leader_without_what_was_decided() -> None:
    assert await lose_the_log_of_the_only_other_copy(safely=True)


@pytest.mark.anyio
async def test_under_its_old_number_it_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the number is given up: this is the same story without it, and without a warning."""
    monkeypatch.setattr(Upkeep, "_introduce", lambda self: None)
    assert not await lose_the_log_of_the_only_other_copy(safely=False)


@pytest.mark.anyio
@pytest.mark.parametrize("moment", range(8))
async def test_a_rebuilding_that_is_interrupted_anywhere_ends_well(moment: int) -> None:
    async with open_group(snapshot_entries=20, keep_entries=5) as group:
        for number in range(50):
            await group.client.txn(put(b"k%d" % number))
        group.kill(3)
        rebuild(group, 3)
        group.network.set_fault("store/3", "store", delay_s=0.01)
        group.network.set_fault("store", "store/3", delay_s=0.01)
        for turn in range(3):
            group.revive(3)
            await anyio.sleep(0.013 * (moment + 1) * (turn + 1))
            group.kill(3)
            if moment % 2:
                group.crash(await group.leader(1, 2))
                await group.leader(1, 2)
        group.network.heal()
        group.revive(3)
        number = await voting_again(group, 3)
        members = await group.at(1, 2).members()
        assert [one.id for one in members] == [1, 2, number], "no phantom is left"
        await group.assert_equal()


async def run_alone(group: Group, place: int) -> None:
    """Run a killed member without its supervisor, to see what it raises."""
    async with group.system.client(f"store/{place}") as actor:
        await run_member(actor, group.configs[place - 1], group.disks[place - 1])


@pytest.mark.anyio
async def test_a_member_whose_disk_was_emptied_is_not_taken_for_a_new_one() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        await anyio.sleep(2)
        group.kill(3)
        disk = group.disks[2]
        assert isinstance(disk, MemoryDisk)
        disk.wipe()
        await anyio.sleep(0.1)
        with pytest.raises(LostLog, match="store/3 is empty, but its group knows"):
            await run_alone(group, 3)
        await group.client.txn(put(b"b"))
        rebuild(group, 3)
        group.revive(3)
        assert await voting_again(group, 3) == 4
        await group.assert_equal()


@pytest.mark.anyio
async def test_a_group_is_founded_at_once_and_by_a_majority_a_little_later() -> None:
    async with open_group() as group:
        began = anyio.current_time()
        await group.client.txn(put(b"a"))
        assert anyio.current_time() - began < 0.1
    async with open_group() as group:
        group.kill(3)
        await write_until_it_works(group.at(1, 2), b"a", b"1")
        await anyio.sleep(3)
        group.revive(3)
        await group.assert_equal()


@pytest.mark.anyio
async def test_while_the_others_are_away_it_waits_and_answers_nothing_wrong() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        group.kill(1, 2, 3)
        rebuild(group, 3)
        group.revive(3)
        group.revive(2)
        await anyio.sleep(5)
        with pytest.raises(ActorError):
            await group.at(2).txn(put(b"b"))
        group.revive(1)
        assert await voting_again(group, 3) == 4
        assert (await group.at(3).range(Range(b"a"))).count == 1


def test_an_identity_file_is_whole_or_refused(tmp_path: Path) -> None:
    directory = tmp_path
    keeper = FileDisk(directory).identity
    assert keeper.load() == Identity()
    keeper.keep(Identity(7, promote=True))
    assert keeper.load() == Identity(7, promote=True)
    for name in ("log-1", "snapshot-1", "lock"):
        (directory / name).write_text(name)
    keeper.set_aside()
    keeper.set_aside()
    assert (directory / "damaged-1" / "log-1").read_text() == "log-1"
    assert (directory / "lock").exists()
    assert not (directory / "log-1").exists()
    for text in ("", "{", "[]", '{"member": -1}', '{"member": "x"}', '{"number": 1}', "7"):
        (directory / "identity.json").write_text(text)
        with pytest.raises(CorruptLog, match=r"identity\.json: offset 0"):
            keeper.load()


@pytest.mark.anyio
async def test_a_member_is_rebuilt_by_a_leader_that_was_rebuilt_itself() -> None:
    # The leader's number says no longer where it is: whoever joins must answer it all the same.
    async with open_group(snapshot_entries=20, keep_entries=5) as group:
        for number in range(50):
            await group.client.txn(put(b"k%d" % number))
        for turn, place in enumerate((1, 2, 3)):
            group.kill(place)
            rebuild(group, place)
            group.revive(place)
            number = await voting_again(group, place, above=3 + turn)
            await group.client.move_leader(number)
        await group.assert_equal()

"""Members come and go while the group works; nobody is lost and nothing is decided twice."""

import logging
from collections.abc import Awaitable, Callable

import anyio
import pytest

from kube_actors.actor import ActorError
from kube_actors.store import (
    LearnerNotReady,
    MemberConfig,
    MemberInfo,
    MemberNotFound,
    MembershipRefused,
    MemoryDisk,
    OutcomeUnknown,
    Range,
)
from tests.store.groups import Group, open_group, put, write_until_it_works


async def eventually(ask: Callable[[], Awaitable[object]], *errors: type[ActorError]) -> None:
    """Ask again while it is refused for a reason that passes."""
    with anyio.fail_after(60):
        while True:
            try:
                await ask()
                return
            except errors:
                await anyio.sleep(0.05)


def numbers(members: tuple[MemberInfo, ...]) -> list[int]:
    return [one.id for one in members]


@pytest.mark.anyio
async def test_a_learner_joins_empty_gets_everything_and_votes_once_it_is_promoted() -> None:
    async with open_group(snapshot_entries=20, keep_entries=5) as group:
        for number in range(60):
            await group.client.txn(put(b"k%d" % number))
        added = await group.client.add_member("four", ("http://4",), learner=True)
        assert added == MemberInfo(4, "four", ("http://4",), (), True)
        with pytest.raises(LearnerNotReady):
            await group.client.promote_member(4)
        group.join(4)
        await eventually(lambda: group.client.promote_member(4), LearnerNotReady)
        assert [one.learner for one in await group.client.members()] == [False] * 4
        await group.assert_equal()
        assert (await group.at(4).range(Range(b"k", b"l"))).count == 60
        # It counts: with one of four dead there is a majority, with two there is none.
        group.kill(2)
        await write_until_it_works(group.at(4), b"a", b"1")
        status = await group.status(4)
        assert (status.members, status.learner, status.read_only) == (4, False, False)


@pytest.mark.anyio
async def test_a_learner_is_never_counted() -> None:
    async with open_group() as group:
        await group.client.add_member(learner=True)
        group.join(4)
        await group.assert_equal()
        group.kill(2, 3)
        await anyio.sleep(1)
        assert (await group.status(1)).read_only
        assert (await group.status(4)).read_only
        with pytest.raises(ActorError):
            await group.at(1).txn(put(b"a"))


@pytest.mark.anyio
async def test_a_voter_can_be_added_at_once_and_the_founders_removed_one_by_one() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a", b"1"))
        for number in (4, 5, 6):
            added = await group.client.add_member()
            assert (added.id, added.learner) == (number, False)
            group.join(number)
            await group.settled()
        group.left(1, 2, 3)
        for number in (1, 2, 3):
            await eventually(lambda one=number: group.client.remove_member(one), OutcomeUnknown)  # type: ignore[misc]
            await group.ended(number)
        await group.client.txn(put(b"a", b"2"))
        assert numbers(await group.client.members()) == [4, 5, 6]
        await group.assert_equal()
        assert (await group.client.range(Range(b"a"))).kvs[0].version == 2
        # A number is never given twice.
        assert (await group.client.add_member(learner=True)).id == 7
        assert numbers(await group.client.remove_member(7)) == [4, 5, 6]
        assert (await group.client.add_member(learner=True)).id == 8


@pytest.mark.anyio
@pytest.mark.parametrize("through_itself", [False, True])
async def test_the_leader_can_be_removed_and_ends_by_itself_and_says_so(
    through_itself: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        leader = await group.leader()
        rest = [member for member in group.numbers if member != leader]
        through = leader if through_itself else rest[0]
        with caplog.at_level(logging.WARNING):
            await group.at(through).remove_member(leader)
            await group.ended(leader)
        assert f"store/{leader} was removed" in caplog.text
        began = anyio.current_time()
        await write_until_it_works(group.at(*rest), b"a", b"2")
        assert anyio.current_time() - began < 1.5
        assert numbers(await group.at(*rest).members()) == rest


@pytest.mark.anyio
async def test_a_member_that_was_removed_while_it_was_away_is_told_when_it_comes_back() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        leader = await group.leader()
        away = next(member for member in group.numbers if member != leader)
        group.kill(away)
        group.left(away)
        await group.client.remove_member(away)
        term = (await group.status(leader)).term
        group.revive(away)
        await group.ended(away)
        assert (await group.status(leader)).term == term, "it disturbed nobody"
        group.crash(leader)
        await group.settled()
        await group.client.txn(put(b"a"))


@pytest.mark.anyio
async def test_what_would_lose_the_majority_is_refused_and_changes_nothing() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        leader = await group.leader()
        dead, other = [member for member in group.numbers if member != leader]
        group.kill(dead)
        await anyio.sleep(1)
        with pytest.raises(MembershipRefused, match="only 1 of the 2 voters"):
            await group.at(leader).remove_member(other)
        with pytest.raises(MembershipRefused, match="only 2 of the 4"):
            # A new voter that does not answer yet would have to: two of four are no majority.
            await group.at(other).add_member()
        with pytest.raises(MemberNotFound) as missing:
            await group.at(other).remove_member(9)
        assert missing.value.id == 9
        with pytest.raises(MembershipRefused, match="votes already"):
            await group.at(leader).promote_member(other)
        assert numbers(await group.at(other).members()) == [1, 2, 3]
        # Removing the dead one makes the group healthier, not weaker.
        assert numbers(await group.at(other).remove_member(dead)) == sorted([leader, other])


@pytest.mark.anyio
async def test_the_last_voter_stays_and_a_group_of_one_can_grow() -> None:
    async with open_group(1) as group:
        await group.client.txn(put(b"a"))
        with pytest.raises(MembershipRefused, match="last voter"):
            await group.client.remove_member(1)
        await group.client.add_member(learner=True)
        group.join(2)
        await eventually(lambda: group.client.promote_member(2), LearnerNotReady)
        await group.client.remove_member(1)
        assert numbers(await group.at(2).members()) == [2]
        await write_until_it_works(group.at(2), b"a", b"2")


@pytest.mark.anyio
async def test_names_and_urls_are_replicated_and_nobody_shares_them() -> None:
    disks = [MemoryDisk() for _ in range(3)]
    async with open_group(disks=disks, snapshot_entries=10) as group:
        await group.client.update_member(2, name="two", client_urls=("http://c2",))
        found = await group.client.update_member(2, peer_urls=("http://p2",))
        assert found[1] == MemberInfo(2, "two", ("http://p2",), ("http://c2",))
        with pytest.raises(MembershipRefused, match="called 'two'"):
            await group.client.add_member("two")
        with pytest.raises(MembershipRefused, match="peer url"):
            await group.client.add_member("three", ("http://p2",))
        with pytest.raises(MembershipRefused, match="is at store/1"):
            await group.client.add_member("three", address="store/1")
        with pytest.raises(MemberNotFound):
            await group.client.update_member(7, name="x")
        for number in range(30):
            await group.client.txn(put(b"k%d" % number))
    async with open_group(disks=disks) as group:
        for member in group.numbers:
            assert (await group.at(member).members())[1].name == "two"


@pytest.mark.anyio
async def test_leadership_moves_where_it_is_asked_to_go() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        leader = await group.leader()
        target, other = [member for member in group.numbers if member != leader]
        status = await group.at(other).move_leader(target)
        assert status.leader == target
        assert (await group.at(target).move_leader(target)).leader == target
        assert await group.leader() == target
        with pytest.raises(MemberNotFound):
            await group.at(other).move_leader(9)
        group.kill(other)
        await anyio.sleep(1)
        with pytest.raises(MembershipRefused, match="does not answer"):
            await group.at(target).move_leader(other)


@pytest.mark.anyio
async def test_another_address_serves_a_number_and_everybody_finds_it_there() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        group.supervisor.kill("store/3")
        await group.at(1, 2).remove_member(3)
        added = await group.at(1, 2).add_member(learner=True, address="elsewhere/3")
        assert (added.id, added.address) == (4, "elsewhere/3")
        group.join(4, address="elsewhere/3")
        client = group.at(1, 2)
        await eventually(lambda: client.promote_member(4), LearnerNotReady)
        group.kill(1)
        await write_until_it_works(group.at(2), b"a", b"2")
        group.revive(1)


def test_a_joining_member_may_have_any_number() -> None:
    assert MemberConfig(member=8, joining=True).founders == ()
    with pytest.raises(ValueError, match="at least 1"):
        MemberConfig(member=0, joining=True)


async def churn(group: Group, seed: int) -> None:
    """Add and remove without pause, with deaths at every moment."""
    chance = group.actor.random
    for _ in range(12):
        try:
            members = numbers(await group.client.members())
            action = chance.randrange(4)
            if action == 0 and len(members) < 6:
                added = await group.client.add_member(learner=chance.random() < 0.5)
                group.join(added.id)
                group.client = group.at(*group.numbers)
            elif action == 1 and len(members) > 3:
                await group.client.remove_member(chance.choice(members))
            elif action == 2:
                await group.client.promote_member(chance.choice(members))
            else:
                await group.client.txn(put(b"k", b"%d" % seed))
        except ActorError:
            await anyio.sleep(0.1)
        if chance.random() < 0.5:
            await anyio.sleep(chance.random())


async def crash_at_random(group: Group) -> None:
    chance = group.actor.random
    while True:
        await anyio.sleep(chance.random())
        victim = chance.choice(group.numbers)
        if not group.has_ended(victim):
            group.crash(victim)


async def cut_at_random(group: Group) -> None:
    chance = group.actor.random
    while True:
        await anyio.sleep(2 * chance.random())
        if chance.random() < 0.5:
            group.isolate(*chance.sample(group.numbers, chance.randrange(1, 3)))
        else:
            group.network.set_fault("store", "store", drop=0.2, duplicate=0.2, reorder=0.2)
        await anyio.sleep(2 * chance.random())
        group.network.heal()


async def survive_changes(
    seed: int, turns: int, *troubles: Callable[[Group], Awaitable[None]]
) -> None:
    async with open_group(seed=seed, snapshot_entries=15, keep_entries=3) as group:
        await group.client.txn(put(b"k"))
        async with anyio.create_task_group() as tasks:
            for trouble in troubles:
                tasks.start_soon(trouble, group)
            for _ in range(turns):
                await churn(group, seed)
            tasks.cancel_scope.cancel()
        group.network.heal()
        # Whoever was added without its adder learning of it is started as well: it may be needed.
        for number in range(4, max(group.numbers) + 12):
            if number not in group.numbers:
                group.join(number)
        await anyio.sleep(5)
        living = [one for one in group.numbers if not group.has_ended(one)]
        knowing = [one for one in living if (await group.status(one)).members]
        members = await group.at(*knowing).members()
        belonging = numbers(members)
        started = [one for one in belonging if one in group.numbers]
        assert set(living) <= {*started, *never_joined(group, belonging)}
        assert set(started) <= set(living), "nobody who belongs has ended"
        group.numbers = started
        group.client = group.at(*started)
        await group.assert_equal()
        for member in started:
            assert await group.at(member).members(serializable=True) == members
        await group.client.txn(put(b"k", b"end"))


def never_joined(group: Group, belonging: list[int]) -> list[int]:
    """Return who was added and removed again before anybody could tell it so."""
    return [one for one in group.numbers if one > 3 and one not in belonging]


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(6))
async def test_changes_under_crashes_leave_one_consistent_configuration(seed: int) -> None:
    await survive_changes(seed, 1, crash_at_random)


@pytest.mark.soak
@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(100, 160))
async def test_many_changes_under_crashes_cuts_and_losses(seed: int) -> None:
    await survive_changes(seed, 4, crash_at_random, cut_at_random)

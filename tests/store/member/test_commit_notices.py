"""A leader that tells of commits with the next entry: who waits is told at once, others soon."""

import anyio
import pytest

from kube_actors.actor import Address
from kube_actors.actor.talk import Envelope
from kube_actors.store import MemberConfig, Range, Watch
from tests.store.groups import Group, open_group, put

NOTICE_S = 0.02


def counted(group: Group) -> list[tuple[Address, Address]]:
    """Note who sends to whom from now on."""
    sent: list[tuple[Address, Address]] = []
    send = group.network.send

    def noting(envelope: Envelope) -> None:
        sent.append((envelope.source, envelope.target))
        send(envelope)

    group.network.send = noting  # type: ignore[method-assign]
    return sent


async def messages_of_a_row(notice_s: float) -> int:
    """Count what the members send each other for a hundred writes in a row."""
    async with open_group(commit_notice_s=notice_s) as group:
        leader = await group.leader()
        await group.settled()
        sent = counted(group)
        for number in range(100):
            await group.at(leader).txn(put(b"k%d" % number))
        return sum(1 for pair in sent if all(one.startswith("store/") for one in pair))


@pytest.mark.anyio
async def test_writes_in_a_row_cost_half_the_messages() -> None:
    eager = await messages_of_a_row(0.0)
    lazy = await messages_of_a_row(NOTICE_S)
    assert eager >= 800
    assert lazy <= 410


@pytest.mark.anyio
async def test_a_watcher_at_another_member_hears_of_a_lone_write_soon() -> None:
    async with open_group(commit_notice_s=NOTICE_S) as group:
        leader = await group.leader()
        await group.settled()
        other = leader % 3 + 1
        async with group.at(other).watch(Watch(b"a")) as items:
            await anext(items)
            began_s = anyio.current_time()
            await group.at(leader).txn(put(b"a"))
            assert anyio.current_time() == began_s
            assert (await anext(items)).events[0].kv.key == b"a"
            assert NOTICE_S <= anyio.current_time() - began_s <= 2 * NOTICE_S


@pytest.mark.anyio
async def test_who_passed_a_write_on_is_told_at_once_and_its_readers_wait_for_nobody() -> None:
    async with open_group(commit_notice_s=NOTICE_S) as group:
        leader = await group.leader()
        await group.settled()
        other = leader % 3 + 1
        began_s = anyio.current_time()
        await group.at(other).txn(put(b"a"))
        stale = await group.at(other).range(Range(b"a", serializable=True))
        assert stale.count == 1
        await group.at(leader).txn(put(b"b"))
        third = 6 - leader - other
        assert (await group.at(third).range(Range(b"b"))).count == 1
        assert anyio.current_time() == began_s


@pytest.mark.anyio
async def test_everybody_settles_when_the_writing_ends() -> None:
    async with open_group(commit_notice_s=NOTICE_S) as group:
        leader = await group.leader()
        await group.settled()
        for number in range(10):
            await group.at(leader).txn(put(b"k%d" % number))
        await anyio.sleep(2 * NOTICE_S)
        applied = {(await group.status(member)).applied_index for member in (1, 2, 3)}
        assert len(applied) == 1


def test_a_notice_that_comes_before_its_cause_is_refused() -> None:
    with pytest.raises(ValueError, match="commit_notice_s must be 0 or more, not -1"):
        MemberConfig(member=1, commit_notice_s=-1)

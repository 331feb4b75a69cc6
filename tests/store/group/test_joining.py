"""A member that joins and was not told yet who belongs: it passes for nobody, it saves nothing."""

from functools import partial

import anyio
import attrs
import pytest

from kube_actors.actor import Unreachable
from kube_actors.raft import ConfigState, HardState, Raft
from kube_actors.store import (
    Defragment,
    LearnerNotReady,
    LostLog,
    MemoryDisk,
    Range,
    Watch,
    member_address,
    run_member,
)
from kube_actors.store.disk import StateSnapshot
from tests.store.groups import open_group, put


@pytest.mark.anyio
async def test_who_knows_nobody_yet_is_passed_over_for_the_next() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        group.network.partition([member_address(4)], [member_address(n) for n in (1, 2, 3)])
        await group.client.add_member("m4", learner=True)
        group.join(4)
        both, alone = group.at(4, 1), group.at(4)
        for serializable in (True, False):
            read = Range(b"a", serializable=serializable)
            with pytest.raises(Unreachable):
                await alone.range(read)
            assert (await both.range(read)).count == 1
        for ask in (partial(alone.txn, put(b"b")), partial(alone.compact, 1)):
            with pytest.raises(Unreachable):
                await ask()
        await both.txn(put(b"b"))
        with pytest.raises(Unreachable):
            async with alone.watch(Watch(b"a")):
                pass
        async with both.watch(Watch(b"a", start_revision=1)) as watched:
            opened, event = await anext(watched), await anext(watched)
            assert (opened.events, len(event.events)) == ((), 1)
        group.network.heal()
        await group.settled()
        assert (await alone.range(Range(b"a", serializable=True))).count == 1


class Recorder(MemoryDisk):
    """Remembers which snapshots were saved."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[StateSnapshot] = []

    async def save_snapshot(self, snapshot: StateSnapshot) -> None:
        await super().save_snapshot(snapshot)
        self.saved.append(snapshot)


@pytest.mark.anyio
async def test_no_snapshot_is_taken_that_would_not_say_who_belongs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disks = [Recorder() for _ in range(3)]
    async with open_group(disks=disks, snapshot_entries=20, keep_entries=5) as group:
        for number in range(15):
            await group.client.txn(put(b"k%d" % number))
        with monkeypatch.context() as replaying:
            replaying.setattr(Raft, "config_as_of", lambda self, index: ConfigState())
            await group.actor.call("store/1", Defragment())
            assert not disks[0].saved
        await group.actor.call("store/1", Defragment())
        (kept,) = disks[0].saved
        assert kept.metadata.config.voters == (1, 2, 3)


@pytest.mark.anyio
async def test_no_snapshot_is_sent_that_would_not_say_who_belongs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_group(snapshot_entries=20, keep_entries=5) as group:
        for number in range(60):
            await group.client.txn(put(b"k%d" % number))
        await group.settled()
        with monkeypatch.context() as replaying:
            replaying.setattr(Raft, "config_as_of", lambda self, index: ConfigState())
            await group.client.add_member("m4", learner=True)
            group.join(4)
            await anyio.sleep(5)
            with pytest.raises(Unreachable):
                await group.at(4).range(Range(b"k0", serializable=True))
        with anyio.fail_after(30):
            await group.settled()
        await group.assert_equal()


@pytest.mark.anyio
async def test_who_joined_and_lost_its_log_does_not_begin_again_under_its_number() -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a"))
        await group.client.add_member("m4", learner=True)
        group.join(4)
        await group.settled()
        # Not before the others know that it has a log, which it may lose.
        with pytest.raises(LearnerNotReady, match="keeps a log"):
            await group.client.promote_member(4)
        await anyio.sleep(1)
        await group.client.promote_member(4)
        group.kill(4)
        await anyio.sleep(0.1)
        config = attrs.evolve(group.configs[0], member=4, joining=True)
        disk = MemoryDisk()
        with anyio.fail_after(10), pytest.raises(LostLog, match="store/4 is empty"):
            async with group.system.client("store/4") as actor:
                await run_member(actor, config, disk)
        assert (await disk.open()).hard_state == HardState()
        await group.at(1, 2, 3).txn(put(b"b"))

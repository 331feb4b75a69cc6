"""How a member looks after itself and the group: room, alarms, snapshots for people."""

from typing import TYPE_CHECKING

import anyio

from kube_actors.actor import ActorError, Blob, Delivery
from kube_actors.store.group import CorruptionCheck, answer_hash
from kube_actors.store.member.proposals import size_of
from kube_actors.store.messages import (
    ActivateAlarm,
    AlarmKind,
    CurrentRevision,
    Defragment,
    GetHash,
    GetSnapshot,
    MemberStarted,
    NoSpace,
    Range,
    Request,
    SnapshotPart,
)
from kube_actors.store.saved import encode_saved
from kube_actors.store.state import grows

if TYPE_CHECKING:
    from kube_actors.store.member.member import Member

Chore = Defragment | GetSnapshot | GetHash


class Upkeep:
    """Checks what is asked against room and alarms, and does what operators ask for."""

    def __init__(self, member: "Member") -> None:
        self._member = member
        self._corruption = CorruptionCheck(member)

    def check_write(self, request: Request) -> None:
        """Refuse what an alarm forbids or what has no room. Raises NoSpace, Corrupt.

        The state refuses it as well where it is applied: this only spares the log. The first
        write that has no room raises the alarm, for everybody.
        """
        member = self._member
        alarms = member.machine.state.alarms
        alarms.check(request)
        quota = member.config.quota_bytes
        size = member.machine.state.keyspace.size_bytes
        if not quota or size + member.config.request_bytes_max <= quota or not grows(request):
            return
        if size + size_of(request) > quota:
            text = f"{size} of {quota} bytes are used"
            alarm = ActivateAlarm(member.config.member, AlarmKind.NOSPACE, text)
            member.proposals.add(alarm, None, member.peers.ticks)
            raise NoSpace()

    def check_read(self, request: object) -> None:
        """Refuse to say what may be wrong. Raises Corrupt."""
        if isinstance(request, Range | CurrentRevision):
            self._member.machine.state.alarms.check_corrupt()

    def tick(self) -> None:
        self._corruption.tick()
        self._introduce()

    def _introduce(self) -> None:
        """Say once that this member has a log, so that the others know it if it loses it."""
        member = self._member
        roster, number = member.machine.state.roster, member.config.member
        if (
            member.peers.ticks % member.config.election_ticks == 0
            and member.raft.leader
            and number in roster
            and number not in roster.started
        ):
            member.proposals.add(MemberStarted(number), None, member.peers.ticks)

    def take(self, delivery: Delivery, request: Chore) -> None:
        """Take in a chore; each runs beside the receive loop."""
        if isinstance(request, GetHash):
            self._member.tasks.start_soon(answer_hash, self._member, delivery)
        elif isinstance(request, Defragment):
            self._member.tasks.start_soon(self._defragment, delivery)
        else:
            self._member.tasks.start_soon(self._send_snapshot, delivery)

    async def _defragment(self, delivery: Delivery) -> None:
        member = self._member
        await member.writer.save_snapshot_now()
        keyspace = member.machine.state.keyspace
        while keyspace.untrimmed:
            keyspace.trim(256)
            await anyio.lowlevel.checkpoint()
        delivery.reply(member.status())

    async def _send_snapshot(self, delivery: Delivery) -> None:
        """Stream the state as it is now, as a file."""
        writer = delivery.open()
        blocks: list[bytes] = []
        try:
            self._member.machine.state.alarms.check_corrupt()
            for block in encode_saved(self._member.snapshot()):
                blocks.append(block)
                await anyio.lowlevel.checkpoint()
            remaining = sum(map(len, blocks))
            for block in blocks:
                remaining -= len(block)
                await writer.send(SnapshotPart(remaining, Blob(block)))
        except anyio.BrokenResourceError:
            return
        except ActorError as error:
            delivery.fail(error.with_traceback(None))
            return
        writer.close()

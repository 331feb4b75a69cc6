"""How a member looks after itself and the group: room, alarms, snapshots for people."""

from collections.abc import Callable

import anyio

from kube_actors.actor import ActorError, Blob, Delivery
from kube_actors.store.group import AddressBook, CorruptionCheck, Peers, Replica, answer_hash
from kube_actors.store.member.proposals import Proposals, size_of
from kube_actors.store.member.writer import Writer
from kube_actors.store.messages import (
    ActivateAlarm,
    AlarmKind,
    CurrentRevision,
    Defragment,
    GetHash,
    GetSnapshot,
    MemberStarted,
    MemberStatus,
    NoSpace,
    Proposal,
    Range,
    Request,
    SnapshotPart,
)
from kube_actors.store.saved import encode_saved
from kube_actors.store.state import grows

Chore = Defragment | GetSnapshot | GetHash


class Upkeep:
    """Checks what is asked against room and alarms, and does what operators ask for.

    ``status`` describes this member, to answer who had it defragmented.
    """

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        addresses: AddressBook,
        proposals: Proposals,
        writer: Writer,
        status: Callable[[], MemberStatus],
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._proposals = proposals
        self._writer = writer
        self._status = status
        self._corruption = CorruptionCheck(replica, peers, addresses, self._propose)

    def _propose(self, request: Proposal) -> None:
        self._proposals.add(request, None, self._peers.ticks)

    def check_write(self, request: Request) -> None:
        """Refuse what an alarm forbids or what has no room. Raises NoSpace, Corrupt.

        The state refuses it as well where it is applied: this only spares the log. The first
        write that has no room raises the alarm, for everybody.
        """
        config, state = self._replica.config, self._replica.applied.state
        state.alarms.check(request)
        quota, size = config.quota_bytes, state.keyspace.size_bytes
        if not quota or size + config.request_bytes_max <= quota or not grows(request):
            return
        if size + size_of(request) > quota:
            text = f"{size} of {quota} bytes are used"
            self._propose(ActivateAlarm(config.member, AlarmKind.NOSPACE, text))
            raise NoSpace()

    def check_read(self, request: object) -> None:
        """Refuse to say what may be wrong. Raises Corrupt."""
        if isinstance(request, Range | CurrentRevision):
            self._replica.applied.state.alarms.check_corrupt()

    def tick(self) -> None:
        """Compare the members' data when that is due, and make this member known."""
        self._corruption.tick()
        self._introduce()

    def _introduce(self) -> None:
        """Say once that this member has a log, so that the others know it if it loses it."""
        replica, roster, number = self._replica, self._replica.roster, self._replica.number
        if (
            self._peers.ticks % replica.config.election_ticks == 0
            and replica.raft.leader
            and number in roster
            and number not in roster.started
        ):
            self._propose(MemberStarted(number))

    def accept(self, delivery: Delivery, request: Chore) -> None:
        """Take in a chore; each runs beside the receive loop."""
        if isinstance(request, GetHash):
            self._replica.spawn(answer_hash, self._replica.applied, delivery)
        elif isinstance(request, Defragment):
            self._replica.spawn(self._defragment, delivery)
        else:
            self._replica.spawn(self._send_snapshot, delivery)

    async def _defragment(self, delivery: Delivery) -> None:
        await self._writer.save_snapshot_now()
        keyspace = self._replica.applied.state.keyspace
        while keyspace.untrimmed:
            keyspace.trim(256)
            await anyio.lowlevel.checkpoint()
        delivery.reply(self._status())

    async def _send_snapshot(self, delivery: Delivery) -> None:
        """Stream the state as it is now, as a file."""
        writer = delivery.open()
        blocks: list[bytes] = []
        try:
            self._replica.applied.state.alarms.check_corrupt()
            for block in encode_saved(self._replica.snapshot()):
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

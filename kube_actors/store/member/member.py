"""One member of the store: an actor around a Raft machine, a disk and the replicated state.

Its receive loop drains the mailbox in batches and never waits for anything else. What Raft wants
done goes out at once where it promises nothing; the rest follows when one writer task has made it
durable, many rounds at a time. Requests become few entries: whatever arrives while the disk is
busy travels together. Without a majority it says so at once, and keeps serving serializable reads
and watches.
"""

import logging
from collections.abc import Sequence

import anyio
from anyio.abc import TaskGroup

from kube_actors import raft
from kube_actors.actor import Actor, ActorError, Address, Delivery, Overloaded, Unreachable
from kube_actors.actor.loop import only
from kube_actors.raft import InstallSnapshot, ProposalDropped, Raft, RaftConfig, ReadDropped
from kube_actors.store.config import MemberConfig
from kube_actors.store.disk import Disk, DiskError, KeepsIdentity, Recovered, StateSnapshot
from kube_actors.store.group import (
    Acquaintance,
    Change,
    Greeted,
    Greeting,
    LeaderVigil,
    Membership,
    Relayed,
    Vigil,
    assume_identity,
    seek_promotion,
)
from kube_actors.store.member.applying import Machine, ReadRequest
from kube_actors.store.member.commit_notices import Tidings
from kube_actors.store.member.forwarding import Forward, Forwarded, forward_call
from kube_actors.store.member.proposals import Proposals
from kube_actors.store.member.raft_wire import carry, is_rafts, received
from kube_actors.store.member.reads import Reads
from kube_actors.store.member.snapshot_transfers import SnapshotTransfers
from kube_actors.store.member.status import describe_member
from kube_actors.store.member.upkeep import Chore, Upkeep
from kube_actors.store.member.writer import Writer
from kube_actors.store.messages import (
    Batch,
    Compact,
    GetStatus,
    InvalidRequest,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseTimeToLive,
    ListMembers,
    MemberStatus,
    NoQuorum,
    Range,
    Request,
    SessionCancel,
    SessionOpen,
    SessionProgress,
    Txn,
    Watch,
    WatchSession,
    encode_batch,
)
from kube_actors.store.state import check_grant, check_range, check_txn, check_watch

logger = logging.getLogger(__name__)

RECEIVE_MAX = 256
"""Messages taken from the mailbox before what they caused is carried out."""

DISK_PATIENCE = 4
"""Election timeouts that one write may take before its member neither leads nor campaigns."""


async def run_member(actor: Actor, config: MemberConfig, disk: Disk) -> None:
    """Be the member ``config.member`` of the store until cancelled.

    Raises DiskError when the disk cannot be trusted and RaftError when a promise was broken; what
    was acknowledged is on the disks of a majority either way. Returns when the group has removed
    this member. A disk that keeps an identity decides which member it is (``identity.py``).
    """
    keeper = disk.identity if isinstance(disk, KeepsIdentity) else None
    promote = False
    if keeper is not None:
        config, identity = await assume_identity(actor, config, keeper)
        promote = identity.promote
    # Not cancellable: whoever opened it must know, or nobody would close it.
    with anyio.CancelScope(shield=True):
        recovered = await disk.open()
    failure: BaseException | None = None
    try:
        async with anyio.create_task_group() as tasks:
            member = Member(actor, config, disk, recovered, tasks)
            tasks.start_soon(member.write)
            tasks.start_soon(member.pass_time)
            if config.commit_notice_s:
                tasks.start_soon(member.tell)
            if keeper is not None and promote:
                tasks.start_soon(seek_promotion, member, keeper)
            await member.receive()
        failure = member.failure
    except BaseExceptionGroup as group:
        failure = only(group)
    finally:
        with anyio.CancelScope(shield=True):
            await disk.close()
    if failure is not None:
        raise failure


class Member:
    """What one incarnation of a member knows and does; all but its three loops is synchronous."""

    def __init__(
        self,
        actor: Actor,
        config: MemberConfig,
        disk: Disk,
        recovered: Recovered,
        tasks: TaskGroup,
    ) -> None:
        self.actor = actor
        self.config = config
        self.tasks = tasks
        self.proposals = Proposals(config.member, recovered.boots, config.pending_max)
        self.reads = Reads(recovered.boots)
        self.machine = Machine(config, self.proposals, tasks.start_soon, actor.clock.monotonic)
        snapshot = None
        if recovered.snapshot is not None:
            self.machine.restore(recovered.snapshot)
            snapshot = raft.Snapshot(recovered.snapshot.metadata)
        self.raft = Raft(
            RaftConfig(
                id=config.member,
                election_ticks=config.election_ticks,
                heartbeat_ticks=config.heartbeat_ticks,
                forward_proposals=False,
                tell_commits=not config.commit_notice_s,
            ),
            random=actor.random,
            members=config.founders,
            hard_state=recovered.hard_state,
            snapshot=snapshot,
            entries=recovered.entries,
        )
        promised = recovered.entries or snapshot or recovered.hard_state != raft.HardState()
        self.acquaintance = Acquaintance(self, empty=not promised)
        self.peers = self.acquaintance.peers
        self.transfers = SnapshotTransfers(self)
        self.writer = Writer(self, disk, recovered)
        self.membership = Membership(self)
        self.upkeep = Upkeep(self)
        self.machine.config_applied = self.membership.applied
        self.restored()
        self._forwarded = Forwarded(config.pending_max * 4, self._has_applied)
        self._vigil = LeaderVigil(self)
        self._tidings = Tidings(self) if config.commit_notice_s else None
        self._seen = (0, 0)
        self._ended = False
        self.failure: DiskError | None = None

    # -- the loops

    async def receive(self) -> None:
        """Take in messages, many at a time."""
        actor = self.actor
        self.acquaintance.greet()
        if self.raft.config_state.voters == (self.config.member,):
            self.raft.campaign()
        self.pump()
        while True:
            delivery = await actor.receive()
            self._take(delivery)
            for _ in range(RECEIVE_MAX):
                try:
                    delivery = actor.receive_nowait()
                except anyio.WouldBlock:
                    break
                self._take(delivery)
            self.pump()

    async def pass_time(self) -> None:
        """Tick; a loop that was held up ticks once, not as often as it should have."""
        sleep, tick_s = self.actor.sleep, self.config.tick_s
        while True:
            await sleep(tick_s)
            self._tick()
            self.pump()

    async def write(self) -> None:
        """Make durable what Raft hands out."""
        await self.writer.run()

    async def tell(self) -> None:
        """Tell the others what is committed."""
        assert self._tidings is not None
        await self._tidings.run()

    # -- what comes in

    def _take(self, delivery: Delivery) -> None:
        message = delivery.message
        if is_rafts(message):
            self.step(delivery)
        elif isinstance(message, Request):
            self._take_write(delivery, message)
        elif isinstance(message, ReadRequest):
            self._take_read(delivery, message)
        elif isinstance(message, Forward):
            if self.raft.is_leader and not self.acquaintance.is_stranger(delivery.source):
                self._forwarded.take(message.commands)
        elif isinstance(message, Watch):
            self._take_watch(delivery, message)
        elif isinstance(message, WatchSession | SessionOpen | SessionCancel | SessionProgress):
            self.machine.watches.sessions.take(delivery, message)
        elif isinstance(message, GetStatus):
            delivery.reply(self.status())
        elif isinstance(message, Chore):
            self.upkeep.take(delivery, message)
        elif isinstance(message, Greeting | Greeted):
            self.acquaintance.take(delivery, message)
        elif isinstance(message, Change | Relayed):
            self.membership.take(delivery, message)
        elif isinstance(message, raft.SnapshotChunk | raft.SnapshotChunkReply):
            if not self.acquaintance.is_stranger(delivery.source):
                self.transfers.take(message)
        elif not isinstance(message, Vigil):
            self.step(delivery)

    def fail(self, error: DiskError) -> None:
        """End with an error."""
        self.failure = error
        self.tasks.cancel_scope.cancel()

    def step(self, delivery: Delivery) -> None:
        """Give Raft a message that is its own."""
        message = delivery.message
        found = received(message)
        if found is None:
            delivery.fail(InvalidRequest(f"{type(message).__name__} is no request to the store"))
            return
        if self.acquaintance.is_stranger(delivery.source):
            return
        if self.acquaintance.holds_back(delivery):
            return
        self.peers.hear(found.source)
        try:
            self.raft.step(found)
        except raft.UnknownMessage:
            return

    def _take_write(self, delivery: Delivery, request: Request) -> None:
        try:
            if isinstance(request, Txn):
                check_txn(self.config, request)
            elif isinstance(request, LeaseGrant):
                check_grant(request)
                lease = request.id or self.actor.random.getrandbits(62) + 1
                request = LeaseGrant(max(request.ttl_s, self.config.lease_ttl_min_s), lease)
            self._check_quorum()
            self.upkeep.check_write(request)
        except ActorError as error:
            delivery.fail(error)
            return
        if self.proposals.full:
            delivery.fail(Overloaded(self.actor.address))
        else:
            self.proposals.add(request, delivery, self.peers.ticks)

    def _take_read(
        self,
        delivery: Delivery,
        request: ReadRequest,
    ) -> None:
        try:
            if isinstance(request, Range):
                check_range(request)
                self._check_joined()
            if isinstance(request, Range | ListMembers) and request.serializable:
                self.machine.answer(delivery)
                return
            self._check_quorum()
            self.upkeep.check_read(request)
        except ActorError as error:
            delivery.fail(error)
            return
        if self.reads.count >= self.config.pending_max:
            delivery.fail(Overloaded(self.actor.address))
        else:
            self.reads.add(delivery, self.peers.ticks)

    def _take_watch(self, delivery: Delivery, request: Watch) -> None:
        try:
            check_watch(request)
            self._check_joined()
        except ActorError as error:
            delivery.fail(error)
        else:
            self.machine.watches.open(delivery, request)

    def _check_joined(self) -> None:
        if not self.peers.voters:
            # Added, and nobody has told it anything yet: the next member is to be asked.
            raise Unreachable(self.actor.address)

    def _check_quorum(self) -> None:
        self._check_joined()
        if not self.peers.has_quorum:
            raise NoQuorum(self.peers.answering, self.peers.voters)

    # -- time

    def _tick(self) -> None:
        config, now = self.config, self.peers.ticks + 1
        self.peers.tick()
        if self.peers.voters > 1 and self.writer.held_up(DISK_PATIENCE * config.election_ticks):
            # It could lead for ever and decide nothing: it is as good as silent.
            self.raft.step_down()
        else:
            self.raft.tick()
        self.acquaintance.greet()
        self.membership.tick()
        self.upkeep.tick()
        self.transfers.tick()
        if now > config.election_ticks:
            self.acquaintance.grow_up()
        if not self.peers.has_quorum:
            self._give_up(now)
        self._give_up(now - config.request_timeout_ticks)
        self.reads.ask_again(now - max(2, config.election_ticks // 2))
        if self.raft.is_leader:
            self._keep_house()
        else:
            self.proposals.resend(now - config.election_ticks)
        if now % config.progress_ticks == 0:
            self.machine.watches.progress()
        if self.machine.state.keyspace.untrimmed:
            self.machine.state.keyspace.trim(256)

    def _give_up(self, taken_before: int) -> None:
        if not len(self.proposals) and not self.reads.count:
            return
        answering, members = self.peers.answering, self.peers.voters
        self.proposals.give_up(taken_before, answering, members)
        self.reads.fail(taken_before, NoQuorum(answering, members))

    def _keep_house(self) -> None:
        """What only the leader does: end leases, and compact if it was told to."""
        now = self.peers.ticks
        if self.machine.applied_term == self.raft.term:
            self.machine.keeper.begin()
        self.machine.keeper.tick(now)
        keep = self.config.retention_revisions
        keyspace = self.machine.state.keyspace
        due = keep and now % self.config.progress_ticks == 0
        if due and keyspace.revision - keyspace.compact_revision > 2 * keep:
            self.proposals.add(Compact(keyspace.revision - keep), None, now)

    # -- what goes out

    def pump(self) -> None:
        """Carry out everything that can be carried out now."""
        raft, tidings = self.raft, self._tidings
        while True:
            if (raft.leader, raft.term) != self._seen:
                self._leader_changed()
            self._submit()
            self.membership.advance()
            self.acquaintance.follow_config()
            if not raft.has_ready():
                break
            ready = raft.ready()
            if ready.messages:
                self.send(ready.messages)
            for state in ready.read_states:
                self.reads.confirm(state.context, state.index)
            self.writer.take(ready)
            if tidings is not None and ready.committed_entries and raft.is_leader:
                tidings.committed()
        for delivery in self.reads.ready(self.machine.applied_index):
            self._serve(delivery)
        self.writer.snapshot_if_due()
        if self.membership.ended and not raft.is_leader and not self._ended:
            self._ended = True
            logger.warning("%s was removed from its group and ends", self.actor.address)
            self.tasks.cancel_scope.cancel()

    def restored(self) -> None:
        """Take note that the state was replaced by another: at the start, or by a snapshot."""
        self.acquaintance.refresh()
        self.membership.check()

    def address(self, member: int) -> Address:
        """Return where a member is reached."""
        return self.acquaintance.address(member)

    def _serve(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, LeaseKeepAlive | LeaseTimeToLive) and not self.machine.leads:
            leader = self.raft.leader
            if leader in (0, self.config.member):
                self.reads.add(delivery, self.peers.ticks)
            else:
                address = self.address(leader)
                self.tasks.start_soon(forward_call, self.actor, address, delivery)
        elif isinstance(message, LeaseKeepAlive):
            self.machine.keeper.keep_alive(delivery, message, self.peers.ticks)
        else:
            self.machine.answer(delivery)

    def _submit(self) -> None:
        """Hand requests to Raft, or to the leader."""
        leader = self.raft.leader
        if not leader:
            return
        config, now = self.config, self.peers.ticks
        if self.reads.unasked:
            context = self.reads.begin(now)
            try:
                self.raft.read_index(context)
            except ReadDropped:
                self.reads.abandon(context)
        if leader != config.member:
            while self.proposals.queued:
                commands = self.proposals.take(
                    config.batch_requests_max, config.batch_bytes_max, now
                )
                self.actor.tell(self.address(leader), Forward(commands))
            return
        # What comes while the disk is busy waits and travels together.
        while (self.proposals.queued or self._forwarded.commands) and not self.writer.busy:
            if not self._propose():
                return

    def _has_applied(self, member: int, incarnation: int, sequence: int) -> bool:
        return self.machine.state.sessions.has_applied(member, incarnation, sequence)

    def _propose(self) -> bool:
        config = self.config
        commands = self._forwarded.some(config.batch_requests_max, config.batch_bytes_max)
        room = config.batch_requests_max - len(commands)
        if room:
            commands += self.proposals.take(room, config.batch_bytes_max, self.peers.ticks)
        if not commands:
            return False
        batch = Batch(tuple(commands))
        try:
            index = self.raft.propose(encode_batch(batch))
        except ProposalDropped:
            self._forwarded.commands[:0] = commands
            return False
        self.machine.proposed(index, self.raft.term, batch)
        return True

    def send(self, messages: Sequence[raft.Message]) -> None:
        tell, address = self.actor.tell, self.address
        for message in carry(messages):
            if isinstance(message, InstallSnapshot):
                self.transfers.begin(message)
            else:
                tell(address(message.target), message)

    @property
    def knows_group(self) -> bool:
        """Say whether who belongs is applied; one that joined learns it from the log first."""
        return bool(self.raft.config_as_of(self.machine.applied_index).voters)

    def snapshot(self) -> StateSnapshot:
        """Freeze the state as it is, with the configuration in force at its last entry."""
        return self.machine.snapshot(self.raft.config_as_of(self.machine.applied_index))

    def _leader_changed(self) -> None:
        """Send again what the last leader was told: it is applied once all the same."""
        self._seen = (self.raft.leader, self.raft.term)
        self._forwarded.clear()
        self._vigil.follow()
        leads = self.raft.is_leader
        if leads or self.machine.leads:
            for delivery in self.machine.lead(leads):
                self.reads.add(delivery, self.peers.ticks)
        if self.raft.leader:
            self.proposals.resend(self.peers.ticks)
            self.reads.ask_again(self.peers.ticks)

    # -- what it says about itself

    def status(self) -> MemberStatus:
        return describe_member(self)

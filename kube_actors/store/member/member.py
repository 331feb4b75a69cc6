"""One member of the store: an actor around Raft, a disk and the replicated state.

Its receive loop drains the mailbox in batches and never waits for anything else. What Raft wants
done goes out at once where it promises nothing; the rest follows when one writer task has made it
durable, many rounds at a time. ``Member`` makes the parts in the order in which they need each
other, gives each message to the part it is for, and pumps: carries out whatever can be by now.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import anyio
from anyio.abc import TaskGroup

from kube_actors import raft
from kube_actors.actor import Actor, Delivery
from kube_actors.actor.loop import only
from kube_actors.raft import ConfigState, InstallSnapshot, Raft, RaftConfig
from kube_actors.store.config import MemberConfig
from kube_actors.store.disk import Disk, DiskError, KeepsIdentity, Recovered
from kube_actors.store.group import (
    AddressBook,
    Change,
    Greeted,
    Greeting,
    Greetings,
    LeaderWatch,
    Membership,
    Peers,
    Relayed,
    Replica,
    WatchLeader,
    assume_identity,
    describe_member,
    seek_promotion,
)
from kube_actors.store.member.applying import Applier, ReadRequest
from kube_actors.store.member.commit_notices import CommitNotices
from kube_actors.store.member.forwarding import Forward
from kube_actors.store.member.proposals import Proposals
from kube_actors.store.member.proposer import Proposer
from kube_actors.store.member.raft_wire import carry, is_rafts, received
from kube_actors.store.member.reads import Reads
from kube_actors.store.member.requests import Requests
from kube_actors.store.member.snapshot_transfers import SnapshotTransfers
from kube_actors.store.member.ticker import Ticker
from kube_actors.store.member.upkeep import Chore, Upkeep
from kube_actors.store.member.writer import Writer
from kube_actors.store.messages import (
    GetStatus,
    InvalidRequest,
    Request,
    SessionCancel,
    SessionOpen,
    SessionProgress,
    Watch,
    WatchSession,
)
from kube_actors.store.state import Applied, State

logger = logging.getLogger(__name__)

RECEIVE_MAX = 256
"""Messages taken from the mailbox before what they caused is carried out."""


async def run_member(actor: Actor, config: MemberConfig, disk: Disk) -> None:
    """Be the member ``config.member`` of the store until cancelled.

    Raises DiskError when the disk cannot be trusted and RaftError when a promise was broken; what
    was acknowledged is on the disks of a majority either way. Returns when the group has removed
    this member. A disk that keeps an identity decides which member it is (``disk/identity.py``).
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
            tasks.start_soon(member.writer.run)
            tasks.start_soon(member.ticker.run)
            if member.notices is not None:
                tasks.start_soon(member.notices.run)
            if keeper is not None and promote:
                tasks.start_soon(seek_promotion, member.replica, member.addresses, keeper)
            await member.receive()
        failure = member.failure
    except BaseExceptionGroup as group:
        failure = only(group)
    finally:
        with anyio.CancelScope(shield=True):
            await disk.close()
    if failure is not None:
        raise failure


def recovered_state(config: MemberConfig, recovered: Recovered) -> Applied:
    """Return the state that a disk's snapshot holds, or the one in which the group was founded."""
    applied = Applied(ConfigState(config.founders))
    if recovered.snapshot is not None:
        snapshot = recovered.snapshot
        applied.replace(State.restore(snapshot.state), snapshot.metadata)
    return applied


def recovered_raft(actor: Actor, config: MemberConfig, recovered: Recovered) -> Raft:
    """Make Raft's side of a member from everything durable that it has promised."""
    snapshot = recovered.snapshot
    return Raft(
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
        snapshot=raft.Snapshot(snapshot.metadata) if snapshot is not None else None,
        entries=recovered.entries,
    )


def has_promised(recovered: Recovered) -> bool:
    """Say whether a member ever voted, stored or acknowledged anything, as its disk has it."""
    voted = recovered.hard_state != raft.HardState()
    return bool(recovered.entries) or recovered.snapshot is not None or voted


class Member:
    """What one incarnation of a member knows and does; all but its loops is synchronous."""

    def __init__(
        self,
        actor: Actor,
        config: MemberConfig,
        disk: Disk,
        recovered: Recovered,
        tasks: TaskGroup,
    ) -> None:
        """Make the parts, each after those that it is given.

        ``pump``, ``step``, ``fail``, ``send`` and ``restored`` are given before the rest exists:
        no part calls them while it is made.
        """
        self._tasks = tasks
        self.failure: DiskError | None = None
        self._seen = (0, 0)
        self._ended = False
        # What all stand on, and whom they know.
        applied = recovered_state(config, recovered)
        self._raft = recovered_raft(actor, config, recovered)
        self.replica = replica = Replica(actor, config, self._raft, applied, tasks.start_soon)
        self.peers = peers = Peers(config.member, self._raft.config_state, config.election_ticks)
        self.addresses = addresses = AddressBook(replica)
        self._status = partial(describe_member, replica, peers, disk)
        # The group.
        self.membership = Membership(replica, peers, addresses, self._status)
        self.greetings = Greetings(
            replica,
            peers,
            addresses,
            self.membership,
            empty=not has_promised(recovered),
            step=self._step,
            fail=self.fail,
        )
        self.leader_watch = LeaderWatch(replica, addresses, self.pump)
        # What waits, and what is applied and made durable.
        self.proposals = Proposals(config.member, recovered.boots, config.pending_max)
        self.reads = Reads(recovered.boots)
        self.applier = Applier(
            config,
            applied,
            self.proposals,
            self.membership.applied,
            tasks.start_soon,
            actor.clock.monotonic,
        )
        self.transfers = SnapshotTransfers(replica, peers, addresses, self.pump)
        self.writer = Writer(replica, peers, self.applier, disk, recovered, self)
        self.notices: CommitNotices | None = None
        if config.commit_notice_s:
            self.notices = CommitNotices(self._raft, config.commit_notice_s, self.pump)
        # What comes in from clients, and what is made of it.
        waiting = (self.proposals, self.reads, self.applier)
        self.upkeep = Upkeep(replica, peers, addresses, self.proposals, self.writer, self._status)
        self.requests = Requests(replica, peers, addresses, *waiting, self.upkeep)
        self.proposer = Proposer(replica, peers, addresses, *waiting, self.writer)
        self.ticker = Ticker(replica, peers, self.writer, self._at_each_tick(), self.pump)
        self.restored()

    def _at_each_tick(self) -> Sequence[Callable[[], None]]:
        """Return what time means to each part, in the order in which it is done."""
        return (
            self.greetings.greet,
            self.membership.tick,
            self.upkeep.tick,
            self.transfers.tick,
            self.greetings.end_founding,
            self.requests.tick,
            self.proposer.tick,
            lambda: self.applier.tick(self.peers.ticks),
        )

    # -- what comes in

    async def receive(self) -> None:
        """Take in messages, many at a time."""
        actor = self.replica.actor
        self.greetings.greet()
        if self._raft.config_state.voters == (self.replica.number,):
            self._raft.campaign()
        self.pump()
        while True:
            delivery = await actor.receive()
            self._accept(delivery)
            for _ in range(RECEIVE_MAX):
                try:
                    delivery = actor.receive_nowait()
                except anyio.WouldBlock:
                    break
                self._accept(delivery)
            self.pump()

    def _accept(self, delivery: Delivery) -> None:
        message = delivery.message
        if is_rafts(message):
            self._step(delivery)
        elif isinstance(message, Request):
            self.requests.write(delivery, message)
        elif isinstance(message, ReadRequest):
            self.requests.read(delivery, message)
        elif isinstance(message, Forward):
            if not self.greetings.is_foreign(delivery.source):
                self.proposer.accept(message)
        elif isinstance(message, Watch):
            self.requests.watch(delivery, message)
        elif isinstance(message, WatchSession | SessionOpen | SessionCancel | SessionProgress):
            self.applier.watches.sessions.accept(delivery, message)
        elif isinstance(message, GetStatus):
            delivery.reply(self._status())
        elif isinstance(message, Chore):
            self.upkeep.accept(delivery, message)
        elif isinstance(message, Greeting | Greeted):
            self.greetings.accept(delivery, message)
        elif isinstance(message, Change | Relayed):
            self.membership.accept(delivery, message)
        elif isinstance(message, raft.SnapshotChunk | raft.SnapshotChunkReply):
            if not self.greetings.is_foreign(delivery.source):
                self.transfers.accept(message)
        elif not isinstance(message, WatchLeader):
            self._step(delivery)

    def _step(self, delivery: Delivery) -> None:
        """Give Raft a message that is its own."""
        message = delivery.message
        found = received(message)
        if found is None:
            delivery.fail(InvalidRequest(f"{type(message).__name__} is no request to the store"))
            return
        if self.greetings.is_foreign(delivery.source):
            return
        if self.greetings.holds_back(delivery):
            return
        self.peers.hear(found.source)
        try:
            self._raft.step(found)
        except raft.UnknownMessage:
            return

    # -- what goes out

    def pump(self) -> None:
        """Carry out everything that can be carried out now."""
        own = self._raft
        while True:
            if (own.leader, own.term) != self._seen:
                self._leader_changed()
            self.proposer.submit()
            self.membership.advance()
            self.greetings.follow_config()
            if not own.has_ready():
                break
            ready = own.ready()
            if ready.messages:
                self.send(ready.messages)
            for state in ready.read_states:
                self.reads.confirm(state.context, state.index)
            self.writer.accept(ready)
            if self.notices is not None and ready.committed_entries and own.is_leader:
                self.notices.committed(self.applier.elsewhere)
        self.requests.serve()
        self.writer.snapshot_if_due()
        if self.membership.ended and not own.is_leader and not self._ended:
            self._ended = True
            logger.warning("%s was removed from its group and ends", self.replica.actor.address)
            self._tasks.cancel_scope.cancel()

    def send(self, messages: Sequence[raft.Message]) -> None:
        """Send Raft's messages to their members; a snapshot goes in chunks, beside the others."""
        tell, address = self.replica.actor.tell, self.addresses.address
        for message in carry(messages):
            if isinstance(message, InstallSnapshot):
                self.transfers.begin(message)
            else:
                tell(address(message.target), message)

    def restored(self) -> None:
        """Take note that the state was replaced by another: at the start, or by a snapshot."""
        self.greetings.refresh()
        self.membership.check()

    def fail(self, error: DiskError) -> None:
        """End with an error."""
        self.failure = error
        self._tasks.cancel_scope.cancel()

    def _leader_changed(self) -> None:
        """Send again what the last leader was told: it is applied once all the same."""
        own, now = self._raft, self.peers.ticks
        self._seen = (own.leader, own.term)
        self.proposer.forget_forwarded()
        self.leader_watch.follow()
        if own.is_leader or self.applier.leads:
            for delivery in self.applier.lead(own.is_leader):
                self.reads.add(delivery, now)
        if own.leader:
            self.proposals.resend(now)
            self.reads.ask_again(now)

"""What clients ask of a member: refused at once where it must be, else kept until it is decided.

A write waits among the proposals, a linearizable read for the leader's word; a serializable read
and a watch are served from the state as it is. Without a majority writes and linearizable reads
are refused at once, and what waits is given up: whether a write was sent decides what its author
is told.
"""

from kube_actors.actor import ActorError, Delivery, Overloaded, Unreachable
from kube_actors.store.group import AddressBook, Peers, Replica
from kube_actors.store.member.applying import Applier, ReadRequest
from kube_actors.store.member.forwarding import forward_call
from kube_actors.store.member.proposals import Proposals
from kube_actors.store.member.reads import Reads
from kube_actors.store.member.upkeep import Upkeep
from kube_actors.store.messages import (
    LeaseGrant,
    LeaseKeepAlive,
    LeaseTimeToLive,
    ListMembers,
    NoQuorum,
    Range,
    Request,
    Txn,
    Watch,
)
from kube_actors.store.state import check_grant, check_range, check_txn, check_watch


class Requests:
    """The door of one member for its clients; ``proposals`` and ``reads`` hold what waits."""

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        addresses: AddressBook,
        proposals: Proposals,
        reads: Reads,
        applier: Applier,
        upkeep: Upkeep,
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._addresses = addresses
        self._proposals = proposals
        self._reads = reads
        self._applier = applier
        self._upkeep = upkeep

    def write(self, delivery: Delivery, request: Request) -> None:
        """Queue a write to be proposed, or fail it: what may never succeed costs no log entry."""
        config = self._replica.config
        try:
            if isinstance(request, Txn):
                check_txn(config, request)
            elif isinstance(request, LeaseGrant):
                check_grant(request)
                lease = request.id or self._replica.actor.random.getrandbits(62) + 1
                request = LeaseGrant(max(request.ttl_s, config.lease_ttl_min_s), lease)
            self._check_quorum()
            self._upkeep.check_write(request)
        except ActorError as error:
            delivery.fail(error)
            return
        if self._proposals.full:
            delivery.fail(Overloaded(self._replica.actor.address))
        else:
            self._proposals.add(request, delivery, self._peers.ticks)

    def read(self, delivery: Delivery, request: ReadRequest) -> None:
        """Answer a serializable read; let any other wait for the leader's word, or fail it."""
        try:
            if isinstance(request, Range):
                check_range(request)
                self._check_joined()
            if isinstance(request, Range | ListMembers) and request.serializable:
                self._applier.answer(delivery)
                return
            self._check_quorum()
            self._upkeep.check_read(request)
        except ActorError as error:
            delivery.fail(error)
            return
        if self._reads.count >= self._replica.config.pending_max:
            delivery.fail(Overloaded(self._replica.actor.address))
        else:
            self._reads.add(delivery, self._peers.ticks)

    def watch(self, delivery: Delivery, request: Watch) -> None:
        """Begin to serve a watch from the state as it is; it needs no majority."""
        try:
            check_watch(request)
            self._check_joined()
        except ActorError as error:
            delivery.fail(error)
        else:
            self._applier.watches.open(delivery, request)

    def _check_joined(self) -> None:
        if not self._peers.voters:
            # Added, and nobody has told it anything yet: the next member is to be asked.
            raise Unreachable(self._replica.actor.address)

    def _check_quorum(self) -> None:
        self._check_joined()
        if not self._peers.has_quorum:
            raise NoQuorum(self._peers.answering, self._peers.voters)

    def serve(self) -> None:
        """Answer the reads whose index is applied by now."""
        for delivery in self._reads.ready(self._replica.applied.index):
            self._serve(delivery)

    def _serve(self, delivery: Delivery) -> None:
        message, replica = delivery.message, self._replica
        if isinstance(message, LeaseKeepAlive | LeaseTimeToLive) and not self._applier.leads:
            leader = replica.raft.leader
            if leader in (0, replica.number):
                self._reads.add(delivery, self._peers.ticks)
            else:
                address = self._addresses.address(leader)
                replica.spawn(forward_call, replica.actor, address, delivery)
        elif isinstance(message, LeaseKeepAlive):
            self._applier.keeper.keep_alive(delivery, message, self._peers.ticks)
        else:
            self._applier.answer(delivery)

    def tick(self) -> None:
        """Give up what has waited too long, or all of it without a majority; ask again."""
        config, now = self._replica.config, self._peers.ticks
        if not self._peers.has_quorum:
            self._give_up(now)
        self._give_up(now - config.request_timeout_ticks)
        self._reads.ask_again(now - max(2, config.election_ticks // 2))

    def _give_up(self, taken_before: int) -> None:
        if not len(self._proposals) and not self._reads.count:
            return
        answering, members = self._peers.answering, self._peers.voters
        self._proposals.give_up(taken_before, answering, members)
        self._reads.fail(taken_before, NoQuorum(answering, members))

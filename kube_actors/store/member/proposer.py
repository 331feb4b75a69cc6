"""What a member hands to Raft, or to the leader: its requests, and what others passed on to it.

Requests become few entries: at the leader, whatever comes while the disk is busy waits and travels
together. What was sent and not decided is sent again, to the leader of the day; its sequence number
lets it be applied once all the same.
"""

from kube_actors.raft import ProposalDropped, ReadDropped
from kube_actors.store.group import AddressBook, Peers, Replica
from kube_actors.store.member.applying import Applier
from kube_actors.store.member.forwarding import Forward, Forwarded
from kube_actors.store.member.proposals import Proposals
from kube_actors.store.member.reads import Reads
from kube_actors.store.member.writer import Writer
from kube_actors.store.messages import Batch, Command, Compact, encode_batch


class Proposer:
    """Empties the queues of ``proposals`` and ``reads`` whenever it can."""

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        addresses: AddressBook,
        proposals: Proposals,
        reads: Reads,
        applier: Applier,
        writer: Writer,
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._addresses = addresses
        self._proposals = proposals
        self._reads = reads
        self._applier = applier
        self._writer = writer
        self._forwarded = Forwarded(replica.config.pending_max * 4, self._has_applied)

    def _has_applied(self, member: int, incarnation: int, sequence: int) -> bool:
        sessions = self._replica.applied.state.sessions
        return sessions.has_applied(member, incarnation, sequence)

    def accept(self, forward: Forward) -> None:
        """Take in what a follower passes on; nobody's business unless this member leads."""
        if self._replica.raft.is_leader:
            self._forwarded.accept(forward.commands)

    def forget_forwarded(self) -> None:
        """Drop what was passed on to this member: another leads, and its authors send it again."""
        self._forwarded.clear()

    def submit(self) -> None:
        """Hand requests to Raft, or to the leader; nothing while nobody leads."""
        leader = self._replica.raft.leader
        if not leader:
            return
        if self._reads.unasked:
            self._ask()
        if leader != self._replica.number:
            self._pass_on(leader)
            return
        # What comes while the disk is busy waits and travels together.
        while (self._proposals.queued or self._forwarded.commands) and not self._writer.busy:
            if not self._propose():
                return

    def _ask(self) -> None:
        context = self._reads.begin(self._peers.ticks)
        try:
            self._replica.raft.read_index(context)
        except ReadDropped:
            self._reads.abandon(context)

    def _pass_on(self, leader: int) -> None:
        replica, config = self._replica, self._replica.config
        while self._proposals.queued:
            commands = self._proposals.next_batch(
                config.batch_requests_max, config.batch_bytes_max, self._peers.ticks
            )
            replica.actor.tell(self._addresses.address(leader), Forward(commands))

    def _propose(self) -> bool:
        """Propose one entry; False if there is nothing, or if Raft takes none now."""
        raft, commands = self._replica.raft, self._next_batch()
        if not commands:
            return False
        batch = Batch(tuple(commands))
        try:
            index = raft.propose(encode_batch(batch))
        except ProposalDropped:
            self._forwarded.commands[:0] = commands
            return False
        self._applier.proposed(index, raft.term, batch)
        return True

    def _next_batch(self) -> list[Command]:
        config = self._replica.config
        commands = self._forwarded.next_batch(config.batch_requests_max, config.batch_bytes_max)
        room = config.batch_requests_max - len(commands)
        if room:
            commands += self._proposals.next_batch(room, config.batch_bytes_max, self._peers.ticks)
        return commands

    def tick(self) -> None:
        """Propose what is due by itself while this member leads; else send again what is late."""
        if self._replica.raft.is_leader:
            self._lead()
        else:
            self._proposals.resend(self._peers.ticks - self._replica.config.election_ticks)

    def _lead(self) -> None:
        """What only the leader does: end leases, and compact if it was told to."""
        replica, config, now = self._replica, self._replica.config, self._peers.ticks
        if replica.applied.term == replica.raft.term:
            self._applier.keeper.begin()
        self._applier.keeper.tick(now)
        keep = config.retention_revisions
        keyspace = replica.applied.state.keyspace
        due = keep and now % config.progress_ticks == 0
        if due and keyspace.revision - keyspace.compact_revision > 2 * keep:
            self._proposals.add(Compact(keyspace.revision - keep), None, now)

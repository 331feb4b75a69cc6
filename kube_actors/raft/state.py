"""The state of one member, figure 2 of the paper, and the outboxes that every rule writes to.

Rules live beside it, one file per concern (election, replication, following, reads, proposals,
membership), as functions over this state; it has no rules of its own beyond sending.
"""

from random import Random
from typing import Final

from attrs import Factory, define

from kube_actors.raft.config import RaftConfig
from kube_actors.raft.lease import Lease
from kube_actors.raft.log import MemoryLog
from kube_actors.raft.messages import ConfigState, HardState, Message
from kube_actors.raft.progress import Progress
from kube_actors.raft.quorum import Quorum
from kube_actors.raft.ready import FOLLOWER, LEADER, ReadState, Role, SoftState

NEVER: Final = -(1 << 63)


@define
class ReadRequest:
    """Reads that wait for a round; ``source`` 0 is this member itself."""

    source: int
    incarnation: int
    contexts: tuple[bytes, ...]


@define
class ReadRound:
    """Reads that wait until a quorum has answered heartbeat round ``number`` or a later one."""

    number: int
    index: int
    answered: set[int]
    requests: list[ReadRequest]


@define
class Reads:
    """``waiting``: for the next round (leader); ``to_forward``: to the leader (follower)."""

    round: int = 0
    waiting: list[ReadRequest] = Factory(list)
    rounds: list[ReadRound] = Factory(list)
    to_forward: list[bytes] = Factory(list)

    def clear(self) -> None:
        """Forget all reads at a change of role: they go unanswered, and their callers ask again.

        ``round`` runs on, so that no late answer counts for a newer round.
        """
        self.waiting.clear()
        self.rounds.clear()
        self.to_forward.clear()


class RaftState:
    """Everything that changes, in one object with slots; ``dirty`` asks for a flush."""

    __slots__ = (
        "after_persist",
        "committed_in_term",
        "config",
        "config_settled",
        "config_state",
        "configs",
        "dirty",
        "durable_term",
        "durable_vote",
        "election_elapsed",
        "given_hard",
        "given_soft",
        "heard",
        "heartbeat_elapsed",
        "id",
        "incarnation",
        "leader",
        "lease",
        "log",
        "messages",
        "progress",
        "quorum",
        "random",
        "read_states",
        "reads",
        "role",
        "term",
        "ticks",
        "timeout_ticks",
        "transferee",
        "uncommitted_bytes",
        "vote",
        "votes",
    )

    def __init__(
        self, config: RaftConfig, random: Random, log: MemoryLog, hard: HardState, who: ConfigState
    ) -> None:
        self.config = config
        self.id: int = config.id
        self.random = random
        self.incarnation: int = random.getrandbits(63)
        self.log = log
        self.term: int = hard.term
        self.vote: int = hard.vote
        self.durable_term: int = hard.term
        self.durable_vote: int = hard.vote
        self.role: Role = FOLLOWER
        self.leader: int = 0
        self.config_state = who
        self.quorum = Quorum.of(who)
        # The configuration in force at the snapshot and every newer one in the log, with the
        # index since when; settled: nothing is to be done about the newest.
        self.configs: list[tuple[int, ConfigState]] = [(log.offset, who)]
        self.config_settled: bool = True
        self.progress: dict[int, Progress] = {}
        self.votes: dict[int, bool] = {}
        self.heard: dict[int, int] = {}
        self.reads = Reads()
        self.lease = Lease(0 if hard.term else -config.election_ticks)
        self.ticks: int = 0
        self.election_elapsed: int = 0
        self.heartbeat_elapsed: int = 0
        self.timeout_ticks: int = 0
        self.transferee: int = 0
        self.uncommitted_bytes: int = 0
        self.committed_in_term: bool = False
        self.dirty: bool = False
        self.messages: list[Message] = []
        self.after_persist: list[Message] = []
        self.read_states: list[ReadState] = []
        self.given_hard = hard
        self.given_soft = SoftState(0, FOLLOWER)

    @property
    def is_leader(self) -> bool:
        """Whether this member leads its term."""
        return self.role is LEADER

    @property
    def is_voter(self) -> bool:
        """Whether a half of the newest configuration in its log counts its vote (§6)."""
        return self.id in self.quorum.members

    def draw_timeout(self) -> None:
        """Begin a new wait for a leader, of a new length: §5.2's randomised timeouts."""
        self.election_elapsed = 0
        ticks = self.config.election_ticks
        self.timeout_ticks = ticks + self.random.randrange(ticks)

    def other_voters(self) -> list[int]:
        """List the voters of both halves of the configuration but this member, in order."""
        return [member for member in self.quorum.members if member != self.id]

    def answering(self) -> list[int]:
        """List voters heard from within the last election timeout, this one included."""
        heard, me = self.heard, self.id
        since_tick = self.ticks - self.config.election_ticks
        return [m for m in self.quorum.members if m == me or heard.get(m, NEVER) >= since_tick]

    def heard_lately(self, member: int) -> bool:
        """Say whether anything came from ``member`` within the last election timeout.

        One that was just added, or just found by a new leader, counts as heard.
        """
        return self.heard.get(member, NEVER) >= self.ticks - self.config.election_ticks

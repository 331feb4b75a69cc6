"""What must always be true of a Raft group, checked while it runs.

A ``Ledger`` sees every member after every step, knows what is on every disk, and remembers all of
history: who led which term and who voted for it, which entry was ever seen at (index, term), what
was chosen at each index, what each request came to. It raises ``InvariantViolation`` naming the
property; it repairs nothing. Checks are incremental: a step that changed nothing costs a few
comparisons. ``PROPERTIES`` says each in a sentence.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from attrs import define

from kube_actors.raft import (
    Append,
    AppendReply,
    ConfigState,
    Entry,
    EntryType,
    Heartbeat,
    HeartbeatReply,
    InstallSnapshot,
    Message,
    Raft,
    Role,
    SnapshotMetadata,
    Vote,
    VoteReply,
)
from kube_actors.simulation.raft.disk import Disk, Durable
from kube_actors.simulation.raft.registers import CAS, WRITE, Operation

if TYPE_CHECKING:
    from kube_actors.raft import RaftState

PROPERTIES: Final[dict[str, str]] = {
    "election safety": "at most one member ever leads a term",
    "elected by a quorum": "a leader has the durable votes of a quorum of voters, not of learners",
    "leader append-only": "a leader never removes or replaces an entry of its own log",
    "log matching": "two logs with an entry of one index and term agree on it and on all before",
    "leader completeness": "a leader's log has every entry chosen in an earlier term",
    "state machine safety": "every member applies the same entries in the same order",
    "a chosen entry stays": "what was committed at an index is never committed otherwise",
    "durable on a quorum": "what a leader commits is on the disks of a quorum, of both if joint",
    "monotone term": "a member's term never goes back, also over a restart",
    "one vote per term": "a member votes once in a term, also over a restart",
    "monotone commit": "a member's commit index never goes back while it runs",
    "applied ≤ commit ≤ last": "nothing is applied before it is committed, or committed unseen",
    "persist before send": "no message promises what its sender's disk does not hold",
    "restart from the disk": "a member restarts with exactly what was durable",
    "one change at a time": "a leader has at most one configuration that is not committed",
    "linearizable read": "a read sees everything that was chosen before it began",
    "snapshot is committed": "a snapshot stands only for chosen entries",
    "snapshot equals replay": "a snapshot at an index equals the replay up to it",
    "in-flight limits": "a leader has no more appends under way than configured",
    "session applied once": "a repeated request has its effect once and gets the same answer",
    "acknowledged write": "a write that was acknowledged is in the log",
    "linearizable history": "what clients saw is explained by the order of the log and real time",
    "one state": "members that applied the same index hold the same registers",
    "liveness": "once faults stop, but for a minority, everything makes progress within a time",
    "bounded terms": "with pre-vote, terms do not grow once a leader can live",
    "crash": "nothing raises what it does not announce",
}
_TERM_PROMISED: Final = frozenset(
    (Append, AppendReply, Heartbeat, HeartbeatReply, InstallSnapshot, Vote, VoteReply)
)
_LEADER: Final = Role.LEADER


def agree(who: ConfigState, members: Collection[int]) -> bool:
    """Say whether these are a majority of the voters, and of the outgoing ones if joint.

    Counted here once more, as the checker must not believe the arithmetic that it checks.
    """
    for group in (who.voters, who.voters_outgoing):
        if group and 2 * sum([member in members for member in group]) <= len(group):
            return False
    return True


class InvariantViolation(AssertionError):
    """A promise of Raft was broken; ``rule`` names it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        assert rule in PROPERTIES, rule
        self.rule = rule
        self.text = text


@define
class Seen:
    """The last look at one incarnation of one member."""

    term: int = 0
    vote: int = 0
    commit: int = 0
    led_term: int = 0
    led_last: int = 0


class Ledger:
    """All of history, as needed to recognise a broken promise."""

    def __init__(self, operations: Mapping[bytes, Operation], disks: Mapping[int, Disk]) -> None:
        self.operations = operations
        self.disks = disks
        self.leaders: dict[int, int] = {}
        self.votes: dict[tuple[int, int], set[int]] = {}
        self.entries: dict[tuple[int, int], tuple[int, bytes]] = {}
        self.chosen: list[int] = [0]  # per index: its term
        self.chosen_in: list[int] = [0]  # per index: the term that committed it
        self.digests: list[int] = [0]  # per index: digest of everything applied up to it
        self.results: list[int] = [0]  # per index: what its request came to
        self.executed: dict[int, tuple[int, int]] = {}  # request: (index, result)
        self.values: dict[int, int] = {}
        self.history: dict[int, list[tuple[int, int]]] = {}  # key: (index, value) …
        self._turns: dict[int, int] = {}  # client: its last request
        self._seen: dict[int, Seen] = {}

    @property
    def last_chosen(self) -> int:
        """The largest index that is known to be committed; 0 when nothing is."""
        return len(self.chosen) - 1

    def restarted(self, raft: Raft, durable: Durable) -> None:
        """Forget what only memory held; what was durable must be what came back."""
        seen = self._seen.get(raft.id) or Seen()
        hard = durable.hard_state
        self._seen[raft.id] = Seen(hard.term, hard.vote, 0, seen.led_term)
        log = raft.log
        came_back = (raft.vote if raft.term == hard.term else hard.vote, log.last_index)
        if came_back != (hard.vote, durable.last_index) or log.entries != durable.entries:
            self._fail(
                "restart from the disk",
                f"{raft.id} has vote and last entry {came_back}, "
                f"its disk {hard.vote} and {durable.last_index}",
            )

    # -- after every step ----------------------------------------------------------------

    def observe(self, state: "RaftState") -> None:
        """Check one member after one step."""
        seen = self._seen[state.id]
        log = state.log
        commit = log.committed
        if state.term != seen.term or state.vote != seen.vote:
            self._check_vote(state, seen)
        if commit != seen.commit:
            self._check_commit(state, seen, commit)
        last_index = log.last_index
        if not log.applied <= commit <= last_index:
            self._fail(
                "applied ≤ commit ≤ last", f"{state.id}: {log.applied}, {commit}, {last_index}"
            )
        if state.role is _LEADER:
            if seen.led_term != state.term:
                self._check_new_leader(state, seen)
            elif last_index < seen.led_last:
                self._fail("leader append-only", f"{state.id}: {seen.led_last} to {last_index}")
            seen.led_last = last_index
            configs = state.configs
            # A new leader may not know yet that the one before was committed.
            if len(configs) > 2 and configs[-2][0] > commit and configs[-2][0] >= len(self.chosen):
                self._fail("one change at a time", f"{state.id} leads with {configs}")

    def _check_vote(self, state: "RaftState", seen: Seen) -> None:
        if state.term < seen.term:
            self._fail("monotone term", f"{state.id} went from {seen.term} to {state.term}")
        if state.term == seen.term and seen.vote:
            self._fail("one vote per term", f"{state.id} voted {seen.vote}, then {state.vote}")
        seen.term = state.term
        seen.vote = state.vote

    def _check_commit(self, state: "RaftState", seen: Seen, commit: int) -> None:
        log = state.log
        if commit < seen.commit:
            self._fail("monotone commit", f"{state.id} at {seen.commit}, then {commit}")
        chosen = self.chosen
        last = len(chosen) - 1
        if commit > last:
            first = last + 1
            while len(chosen) <= commit:
                index = len(chosen)
                chosen.append(log.term(index))
                self.chosen_in.append(max(state.term, self.chosen_in[-1]))
            if state.role is _LEADER:
                self._check_durable(state, first, commit, chosen[commit])
        elif commit >= log.offset and log.term(commit) != chosen[commit]:
            self._fail(
                "a chosen entry stays",
                f"{state.id} commits {commit}@{log.term(commit)}, chosen was @{chosen[commit]}",
            )
        seen.commit = commit

    def _check_durable(self, state: "RaftState", first: int, index: int, term: int) -> None:
        # What was on a disk that is lost since did count, and the budget knows of it.
        holding = [m for m, d in self.disks.items() if d.wiped or d.view.holds(index, term)]
        if agree(state.config_state, holding):
            return
        # A configuration that was committed a moment ago may have been followed by the next one
        # in the same step: the one before it must have agreed.
        for since, who in reversed(state.configs[:-1]):
            if since <= index and agree(who, holding):
                return
        self._fail(
            "durable on a quorum",
            f"{state.id} commits {first}..{index}@{term} in {state.config_state}, "
            f"held by {holding}",
        )

    def _check_new_leader(self, state: "RaftState", seen: Seen) -> None:
        term = state.term
        seen.led_term = term
        if self.leaders.setdefault(term, state.id) != state.id:
            self._fail("election safety", f"{self.leaders[term]} and {state.id} led term {term}")
        votes = {*self.votes.get((term, state.id), ())}
        if self.disks[state.id].view.hard_state.vote == state.id:
            votes.add(state.id)
        if not agree(state.config_state, votes):
            self._fail(
                "elected by a quorum", f"{state.id} leads {term} by the votes of {sorted(votes)}"
            )
        index = bisect_left(self.chosen_in, term) - 1
        if index > 0 and index >= state.log.offset:
            chosen = self.chosen[index]
            if not state.log.matches(index, chosen):
                self._fail(
                    "leader completeness", f"{state.id} leads {term} without {index}@{chosen}"
                )

    def check_limits(self, state: "RaftState") -> None:
        """Check a leader's appends under way; asked for once per tick."""
        config = state.config
        for member, progress in state.progress.items():
            if len(progress.inflight) > config.inflight_messages_max:
                self._fail("in-flight limits", f"{state.id} to {member}: {len(progress.inflight)}")

    # -- what members do -----------------------------------------------------------------

    def written(self, member: int, entries: Iterable[Entry], previous_term: int) -> None:
        """Check log matching: one entry per (index, term), with one predecessor."""
        known = self.entries
        for entry in entries:
            term = entry.term
            fact = known.setdefault((entry.index, term), (previous_term, entry.data))
            if fact[0] != previous_term or fact[1] != entry.data:
                self._fail("log matching", f"{member} holds another {entry.index}@{term}")
            previous_term = term

    def applied(self, member: int, entry: Entry, digest: int, result: int) -> int:
        """Check one applied entry and what it came to; return the new digest of all so far."""
        index = entry.index
        digest = crc32(entry.data, (digest * 31 + entry.term) & 0xFFFFFFFF)
        if index == len(self.digests):
            if index >= len(self.chosen) or self.chosen[index] != entry.term:
                self._fail("state machine safety", f"{member} applies {index}, which is not chosen")
            self.digests.append(digest)
            self.results.append(self._model(entry))
        elif self.digests[index] != digest:
            self._fail("state machine safety", f"{member} applies another {index}")
        if self.results[index] != result:
            self._fail(
                "session applied once",
                f"{member} answers {result} at {index}, the model {self.results[index]}",
            )
        return digest

    def _model(self, entry: Entry) -> int:
        """Work out what an entry comes to: -1 nothing, else 2 * had its turn + result."""
        if entry.type is not EntryType.NORMAL or not entry.data:
            return -1
        operation = self.operations[entry.data]
        last = self._turns.get(operation.client, -1)
        if last >= operation.number:
            return self.executed[last][1] if last == operation.number else 0
        self._turns[operation.client] = operation.number
        key, result = operation.key, 1
        if operation.kind == WRITE or (
            operation.kind == CAS and self.values.get(key, 0) == operation.expected
        ):
            self.values[key] = operation.value
        else:
            result = 0
        if result:
            self.history.setdefault(key, [(0, 0)]).append((entry.index, operation.value))
        self.executed[operation.number] = (entry.index, result)
        return 2 + result

    def restored(self, member: int, metadata: SnapshotMetadata, digest: int) -> None:
        """Check that a snapshot equals the replay that it replaces."""
        index = metadata.index
        if index >= len(self.digests):
            self._fail("snapshot is committed", f"{member} restores {index}")
        if self.digests[index] != digest or self.chosen[index] != metadata.term:
            self._fail("snapshot equals replay", f"{member} restores another {index}")

    def sent(self, message: Message, durable: Durable) -> None:
        """Check that a message promises only what its sender has on disk."""
        kind = type(message)
        if kind not in _TERM_PROMISED:
            return
        hard = durable.hard_state
        term = message.term
        if term > hard.term:
            self._fail("persist before send", f"term of {message!r} but {hard!r} is durable")
        if kind is AppendReply:
            # What was promised in an older term may have been undone in a newer one since, on
            # disk as well: that is no different from a message that was long under way.
            reply: Any = message
            if term == hard.term and not reply.rejected and reply.index > durable.last_index:
                self._fail("persist before send", f"{message!r}, durable to {durable.last_index}")
        elif isinstance(message, VoteReply) and message.granted:
            if term == hard.term and hard.vote != message.target:
                self._fail("persist before send", f"{message!r} but {hard!r} is durable")
            self.votes.setdefault((term, message.target), set()).add(message.source)

    def read(self, member: int, index: int, floor: int) -> None:
        """Check that a read sees everything that was chosen before it was asked."""
        if index < floor:
            self._fail(
                "linearizable read",
                f"member {member} answers as of {index}, {floor} was chosen before it was asked",
            )

    def _fail(self, rule: str, text: str) -> None:
        raise InvariantViolation(rule, text)

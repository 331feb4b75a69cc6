"""Bugs to plant: each changes one rule of Raft, or one duty of its caller, that matters.

Every one is known to lose data, elect two leaders, read the past, or never get anywhere.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from attrs import evolve, frozen

from kube_actors.raft import (
    ConfigChange,
    ConfigState,
    Entry,
    HardState,
    HeartbeatReply,
    ReadState,
    Ready,
    Snapshot,
    election,
    following,
    lease,
    log,
    membership,
    quorum,
    reads,
    replication,
    roles,
    state,
)
from kube_actors.raft import raft as raft_module
from kube_actors.simulation.raft_faults import draw_fault
from kube_actors.simulation.raft_machine import CAS, Operation, Registers
from kube_actors.simulation.raft_member import SimulatedMember
from kube_actors.simulation.raft_scenarios import RaftScenario
from kube_actors.simulation.raft_weather import Weather
from kube_actors.simulation.scenario import register
from kube_actors.simulation.schedule import Fault, FaultSchedule


def _same_timeouts(random: Random) -> Weather:
    return Weather(
        members=random.choice((3, 5)),
        aligned=True,
        delay_us=(200, 500),
        disk_us=(50, 200),
        operations=20,
        faults_s=0.5,
        options={"pre_vote": False},
    )


def _leader_dies(random: Random, weather: Weather) -> FaultSchedule:
    return FaultSchedule((Fault(weather.faults_s, "dead-leader"),))


def _churn(random: Random) -> Weather:
    return Weather(
        members=random.choice((2, 3, 4)),
        spare=2,
        rebuild=True,
        delay_us=(200, 20_000),
        operations=60,
        think_us=100_000,
    )


def _churning(random: Random, weather: Weather) -> FaultSchedule:
    """Members come and go all the time, and whoever leads then is cut off or gone."""
    faults = []
    for _ in range(60):
        verb = random.choice(("joint", "joint", "remove", "add", "promote"))
        change = draw_fault(random, weather, verb)
        at_s = round(change.at_s + random.choice((0.0, 0.002, 0.01)), 3)
        until_s = min(at_s + 0.2, weather.faults_s)
        what = random.choice(("isolate-leader", "partition", "crash", ""))
        faults.append(evolve(change, amount=0.0))
        if what:
            faults.append(evolve(draw_fault(random, weather, what), at_s=at_s, until_s=until_s))
    return FaultSchedule.of(faults)


def _pair(random: Random) -> Weather:
    return Weather(members=2, delay_us=(2_000, 20_000), operations=20, faults_s=1.0)


def _dropping(random: Random, weather: Weather) -> FaultSchedule:
    """A leader that drops itself is cut off or gone before the other one knows."""
    faults = []
    for at_s in (0.4, 0.8):
        number = random.choice("12")
        at_s += random.choice((0.0, 0.1))
        gone_s = round(at_s + random.choice((0.0, 0.001, 0.002)), 3)
        faults.append(Fault(at_s, "remove", (number,)))
        faults.append(Fault(gone_s, "isolate-leader", (), gone_s + 0.1))
    return FaultSchedule.of(faults)


register(RaftScenario("dropping", "a leader drops itself", _pair, _dropping))
register(RaftScenario("same-timeouts", "the leader dies", _same_timeouts, _leader_dies))
register(RaftScenario("churn", "members come and go all the time", _churn, _churning))


@frozen
class Bug:
    """``seeds_max`` is how many runs of the scenario it may survive."""

    name: str
    scenario: str
    seeds_max: int
    member_type: type[SimulatedMember] = SimulatedMember
    plant: Callable[[pytest.MonkeyPatch], None] = lambda patch: None


# -- careless callers --------------------------------------------------------------------


class ForgetsItsVote(SimulatedMember):
    """The vote is written, and lost at a restart."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        hard, snapshot, entries = super().recover()
        return HardState(hard.term, 0, hard.commit), snapshot, entries


class NeverWritesItsVote(SimulatedMember):
    def write(self, ready: Ready) -> None:
        hard = ready.hard_state
        if hard is not None:
            ready = evolve(ready, hard_state=HardState(hard.term, 0, hard.commit))
        super().write(ready)


class AnswersBeforeTheDisk(SimulatedMember):
    """Acknowledgements leave before the fsync."""

    def send_ready(self, ready: Ready) -> None:
        super().send_ready(ready)
        for message in ready.messages_after_persist:
            self.ledger.sent(message, self.disk.view)
            self.send(message)


class LosesItsLastEntry(SimulatedMember):
    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        hard, snapshot, entries = super().recover()
        return hard, snapshot, entries[:-1] if entries else entries


class CutsAtDamage(SimulatedMember):
    """A damaged frame is taken for a torn tail: what was acknowledged behind it is gone."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        disk = self.disk
        if disk.damage:
            first = min(disk.damage)
            disk.damage.clear()
            del disk.frames[first:]
            disk.view = disk.replay(disk.frames)
        return super().recover()


class KeepsATornTail(SimulatedMember):
    """Half of a torn write is believed, with whatever lay there before."""

    def recover(self) -> tuple[HardState, Snapshot, list[Entry]]:
        torn = self.disk.torn
        hard, snapshot, entries = super().recover()
        if torn is not None:
            last = self.disk.view.last_index
            entries += [evolve(e, data=b"") for e in torn[1] if e.index == last + 1]
        return hard, snapshot, entries


class TriesTheFlushAgain(SimulatedMember):
    """A flush that failed is tried again and then succeeds, without what it had lost."""

    def check_disk(self) -> None:
        if self.disk.failing == "fsync-failure":
            ready = self.writing[0]
            self.writing[0] = evolve(ready, entries=(), hard_state=None)
            self.disk.failing = ""


class AppliesTwice(Registers):
    """A repeated request has its effect again."""

    def apply(self, operation: Operation) -> tuple[bool, int]:
        last = self.last.get(operation.client)
        if last is not None and last[0] >= operation.number:
            self.last.pop(operation.client)
        return super().apply(operation)


class WithoutSessions(SimulatedMember):
    registers_type = AppliesTwice


class ComparesNothing(Registers):
    def apply(self, operation: Operation) -> tuple[bool, int]:
        if operation.kind == CAS and len(self.values) % 2:
            operation = Operation(operation.number, operation.client, "write", 0, 0, 0, 0)
        return super().apply(operation)


class ReadsTooEarly(SimulatedMember):
    """A read is answered as soon as its index is known, before that is applied."""

    def answer_reads(self) -> None:
        self.waiting_reads = [(0, operation) for _, operation in self.waiting_reads]
        super().answer_reads()


class AnswersWhatIsNotApplied(SimulatedMember):
    """A read is served from what this member happens to have, without asking anybody."""

    def pump(self) -> bool:
        applied = self.state.log.applied
        for context, (operation, _) in list(self.reads.items()):
            del self.reads[context]
            self.waiting_reads.append((applied, operation))
        self.answer_reads()
        return super().pump()


class ForgetsSessionsInSnapshots(SimulatedMember):
    """A snapshot holds the registers, and not which requests were applied."""

    def restore(self, snapshot: Snapshot) -> None:
        super().restore(snapshot)
        self.registers.last.clear()


# -- broken rules ------------------------------------------------------------------------


def commits_old_terms(patch: pytest.MonkeyPatch) -> None:
    def maybe_commit(raft: state.RaftState) -> None:
        index = raft.quorum.committed_index(raft.progress)
        if index > raft.log.committed:
            raft.log.committed = index
            raft.committed_in_term = True
            raft.dirty = True

    patch.setattr(replication, "maybe_commit", maybe_commit)


def counts_one_too_few(patch: pytest.MonkeyPatch) -> None:
    def majority_index(voters: tuple[int, ...], progress: Any) -> int:
        matches = sorted(progress[v].match_index if v in progress else 0 for v in voters)
        if not matches:
            return quorum.NO_LIMIT
        return int(matches[len(matches) // 2 + 1 if len(matches) > 2 else len(matches) // 2])

    patch.setattr(quorum, "majority_index", majority_index)


def wins_with_half(patch: pytest.MonkeyPatch) -> None:
    def majority_vote(voters: tuple[int, ...], votes: Any) -> quorum.VoteResult:
        granted = sum(votes.get(voter, False) for voter in voters)
        won = granted >= max(len(voters) // 2, 0)
        return quorum.VoteResult.WON if won else quorum.VoteResult.PENDING

    patch.setattr(quorum, "_majority_vote", majority_vote)


def reads_without_asking(patch: pytest.MonkeyPatch) -> None:
    def begin_round(raft: state.RaftState) -> None:
        for request in raft.reads.waiting:
            if request.source == 0:
                raft.read_states += [
                    ReadState(raft.log.committed, context) for context in request.contexts
                ]
        raft.reads.waiting = []

    patch.setattr(reads, "begin_round", begin_round)
    patch.setattr(replication, "begin_round", begin_round)


def reads_before_its_first_commit(patch: pytest.MonkeyPatch) -> None:
    become_leader = roles.become_leader

    def become_leader_at_once(raft: state.RaftState) -> None:
        become_leader(raft)
        raft.committed_in_term = True

    patch.setattr(election, "become_leader", become_leader_at_once)


def truncates_on_an_old_append(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(log.MemoryLog, "new_entries", lambda self, entries: entries)


def votes_for_any_log(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(log.MemoryLog, "is_up_to_date", lambda self, index, term: True)


def votes_twice(patch: pytest.MonkeyPatch) -> None:
    on_vote = election.on_vote

    def on_vote_forgetful(raft: state.RaftState, message: Any) -> None:
        if not raft.leader and raft.vote != raft.id:
            raft.vote = 0
        on_vote(raft, message)

    patch.setitem(raft_module._HANDLERS, election.Vote, on_vote_forgetful)


def counts_its_disk_too_early(patch: pytest.MonkeyPatch) -> None:
    flush = replication.flush

    def flush_and_count(raft: state.RaftState) -> None:
        flush(raft)
        if raft.id in raft.progress:
            raft.progress[raft.id].match_index = raft.log.last_index
            replication.maybe_commit(raft)

    patch.setattr(replication, "flush", flush_and_count)


def heartbeats_commit_too_much(patch: pytest.MonkeyPatch) -> None:
    def commit_to(raft_log: log.MemoryLog, index: int) -> None:
        raft_log.committed = max(raft_log.committed, min(index, raft_log.last_index))

    def broadcast(raft: state.RaftState) -> None:
        raft.heartbeat_elapsed = 0
        for member in raft.other_voters():
            raft.messages.append(
                replication.Heartbeat(
                    raft.id, member, raft.term, raft.log.committed, raft.reads.round
                )
            )

    patch.setattr(following, "commit_to", commit_to)
    patch.setattr(replication, "broadcast_heartbeat", broadcast)


def appends_without_a_match(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        log.MemoryLog, "matches", lambda self, index, term: self.offset <= index <= self.last_index
    )


def never_retries(patch: pytest.MonkeyPatch) -> None:
    """Heartbeat replies find no lost append: somebody stays behind for ever."""

    def on_heartbeat_reply(raft: state.RaftState, message: Any) -> None:
        reads.answered_round(raft, message.source, message.round)

    patch.setitem(raft_module._HANDLERS, HeartbeatReply, on_heartbeat_reply)


def drops_itself_and_sits_down(patch: pytest.MonkeyPatch) -> None:
    """A member that its newest configuration drops campaigns no more (thesis 4.2.2)."""
    patch.setattr(
        election, "may_campaign", lambda raft: raft.is_voter and raft.log.pending_snapshot is None
    )


def changes_two_at_once(patch: pytest.MonkeyPatch) -> None:
    """Several voters change without joint consensus: two majorities that do not overlap."""
    changed = membership.changed

    def changed_at_once(who: ConfigState, change: ConfigChange) -> ConfigState:
        return evolve(changed(who, change), voters_outgoing=(), auto_leave=False)

    patch.setattr(membership, "changed", changed_at_once)


def counts_learners(patch: pytest.MonkeyPatch) -> None:
    def of(config: ConfigState) -> quorum.Quorum:
        return quorum.Quorum((*config.voters, *config.learners), config.voters_outgoing)

    patch.setattr(quorum.Quorum, "of", of)


def draws_its_timeout_once(patch: pytest.MonkeyPatch) -> None:
    """Every member waits equally long, every time: elections split for ever."""

    def draw_timeout(raft: state.RaftState) -> None:
        raft.election_elapsed = 0
        raft.timeout_ticks = raft.config.election_ticks

    patch.setattr(state.RaftState, "draw_timeout", draw_timeout)


def keeps_its_term(patch: pytest.MonkeyPatch) -> None:
    """A follower accepts appends of an older term."""
    settle = raft_module.settle_term

    def settle_term(raft: state.RaftState, message: Any) -> bool:
        return settle(raft, message) or isinstance(message, replication.Append)

    patch.setattr(raft_module, "settle_term", settle_term)


def reads_by_lease_after_a_transfer(patch: pytest.MonkeyPatch) -> None:
    """A leader that has told another one to campaign still trusts its lease."""
    holders = lease.Lease.holders

    def holders_anyway(self: lease.Lease, tick: int, config: Any) -> list[int]:
        self.broken = False
        return holders(self, tick, config)

    patch.setattr(lease.Lease, "holders", holders_anyway)


def grants_without_waiting(patch: pytest.MonkeyPatch) -> None:
    """A vote leaves before it is on disk."""
    on_vote = election.on_vote

    def on_vote_at_once(raft: state.RaftState, message: Any) -> None:
        on_vote(raft, message)
        raft.messages.append(raft.after_persist.pop())

    patch.setitem(raft_module._HANDLERS, election.Vote, on_vote_at_once)


BUGS = [
    Bug("forgets its vote", "raft-5", 20, ForgetsItsVote),
    Bug("never writes its vote", "raft-5", 20, NeverWritesItsVote),
    Bug("acknowledges before the fsync", "raft-5", 20, AnswersBeforeTheDisk),
    Bug("loses its last entry", "raft-5", 20, LosesItsLastEntry),
    Bug("takes damage for a torn tail", "raft-storage", 30, CutsAtDamage),
    Bug("believes a torn tail", "raft-storage", 30, KeepsATornTail),
    Bug("tries a failed flush again", "raft-storage", 30, TriesTheFlushAgain),
    Bug("applies a request twice", "raft-5", 20, WithoutSessions),
    Bug("forgets sessions in snapshots", "raft-membership", 60, ForgetsSessionsInSnapshots),
    Bug("reads before applying", "raft-reads", 40, ReadsTooEarly),
    Bug("reads what it happens to have", "raft-5", 20, AnswersWhatIsNotApplied),
    Bug("commits older terms by count", "raft-elections", 60, plant=commits_old_terms),
    Bug("a quorum is one less", "raft-5", 20, plant=counts_one_too_few),
    Bug("wins with half of the votes", "raft-5", 20, plant=wins_with_half),
    Bug("reads without asking a quorum", "raft-5", 40, plant=reads_without_asking),
    Bug("reads before its first commit", "raft-reads", 60, plant=reads_before_its_first_commit),
    Bug("truncates on an old append", "raft-5", 20, plant=truncates_on_an_old_append),
    Bug("votes for any log", "raft-elections", 20, plant=votes_for_any_log),
    Bug("votes twice in a term", "raft-elections", 20, plant=votes_twice),
    Bug("counts its disk too early", "raft-5", 20, plant=counts_its_disk_too_early),
    Bug("heartbeats commit too much", "raft-5", 20, plant=heartbeats_commit_too_much),
    Bug("appends without a match", "raft-5", 20, plant=appends_without_a_match),
    Bug("never retries an append", "raft-5", 20, plant=never_retries),
    Bug("a dropped member sits down", "dropping", 20, plant=drops_itself_and_sits_down),
    Bug("changes several at once", "churn", 60, plant=changes_two_at_once),
    Bug("counts learners", "raft-membership", 20, plant=counts_learners),
    Bug("draws its timeout once", "same-timeouts", 10, plant=draws_its_timeout_once),
    Bug("takes appends of an older term", "raft-elections", 40, plant=keeps_its_term),
    Bug("reads by lease after a transfer", "raft-reads", 60, plant=reads_by_lease_after_a_transfer),
    Bug("votes before the fsync", "raft-5", 20, plant=grants_without_waiting),
]

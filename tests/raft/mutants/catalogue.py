"""Bugs to plant: each changes one rule of Raft, or one duty of its caller, that matters.

Every one is known to lose data, elect two leaders, read the past, or never get anywhere.
"""

from collections.abc import Callable

import pytest
from attrs import frozen

from kube_actors.simulation.raft import SimulatedMember
from tests.raft.mutants import broken_reads, broken_rules
from tests.raft.mutants import careless_callers as callers
from tests.raft.mutants import worlds as mutant_worlds

assert mutant_worlds.__doc__  # it registers its scenarios


@frozen
class Bug:
    """``seeds_max`` is how many runs of the scenario it may survive: several times what it takes,
    so that another order of messages, which changes what every seed draws, does not hide it."""

    name: str
    scenario: str
    seeds_max: int
    member_type: type[SimulatedMember] = SimulatedMember
    plant: Callable[[pytest.MonkeyPatch], None] = lambda patch: None


BUGS = [
    Bug("forgets its vote", "raft-5", 60, callers.ForgetsItsVote),
    Bug("never writes its vote", "raft-5", 60, callers.NeverWritesItsVote),
    Bug("acknowledges before the fsync", "raft-5", 60, callers.AnswersBeforeTheDisk),
    Bug("loses its last entry", "raft-5", 60, callers.LosesItsLastEntry),
    Bug("takes damage for a torn tail", "raft-storage", 120, callers.CutsAtDamage),
    Bug("believes a torn tail", "raft-storage", 120, callers.KeepsATornTail),
    Bug("tries a failed flush again", "raft-storage", 120, callers.TriesTheFlushAgain),
    Bug("applies a request twice", "raft-5", 60, callers.WithoutSessions),
    Bug(
        "forgets sessions in snapshots", "raft-membership", 120, callers.ForgetsSessionsInSnapshots
    ),
    Bug("reads before applying", "raft-reads", 120, callers.ReadsTooEarly),
    Bug("reads what it happens to have", "raft-5", 60, callers.AnswersWhatIsNotApplied),
    Bug(
        "commits older terms by count", "raft-elections", 120, plant=broken_rules.commits_old_terms
    ),
    Bug("a quorum is one less", "raft-5", 60, plant=broken_rules.counts_one_too_few),
    Bug("wins with half of the votes", "raft-5", 60, plant=broken_rules.wins_with_half),
    Bug("reads without asking a quorum", "raft-5", 60, plant=broken_reads.reads_without_asking),
    Bug(
        "reads before its first commit",
        "raft-reads",
        120,
        plant=broken_reads.reads_before_its_first_commit,
    ),
    Bug("truncates on an old append", "raft-5", 60, plant=broken_rules.truncates_on_an_old_append),
    Bug("votes for any log", "raft-elections", 120, plant=broken_rules.votes_for_any_log),
    Bug("votes twice in a term", "raft-elections", 120, plant=broken_rules.votes_twice),
    Bug("counts its disk too early", "raft-5", 60, plant=broken_rules.counts_its_disk_too_early),
    Bug("heartbeats commit too much", "raft-5", 60, plant=broken_rules.heartbeats_commit_too_much),
    Bug("appends without a match", "raft-5", 60, plant=broken_rules.appends_without_a_match),
    Bug("never retries an append", "raft-5", 60, plant=broken_rules.never_retries),
    Bug(
        "a dropped member sits down", "dropping", 60, plant=broken_rules.drops_itself_and_sits_down
    ),
    Bug("changes several at once", "churn", 120, plant=broken_rules.changes_two_at_once),
    Bug("counts learners", "raft-membership", 120, plant=broken_rules.counts_learners),
    Bug("draws its timeout once", "same-timeouts", 60, plant=broken_rules.draws_its_timeout_once),
    Bug("takes appends of an older term", "raft-elections", 120, plant=broken_rules.keeps_its_term),
    Bug(
        "reads by lease after a transfer",
        "handed-over",
        100,
        plant=broken_reads.reads_by_lease_after_a_transfer,
    ),
    Bug("votes before the fsync", "raft-5", 60, plant=broken_rules.grants_without_waiting),
    Bug(
        "commits what the leader did", "raft-5", 60, plant=broken_rules.commits_what_the_leader_did
    ),
    Bug(
        "changes before a commit",
        "raft-crossing",
        300,
        plant=broken_rules.changes_before_its_first_commit,
    ),
    Bug(
        "waits for its heir for ever", "dead-heir", 60, plant=broken_rules.never_gives_up_a_transfer
    ),
    Bug("forgets its vote too", "raft-3", 60, plant=broken_rules.forgets_its_vote_with_its_leader),
    Bug("counts any answer", "late-answers", 60, plant=broken_reads.counts_any_answer),
    Bug(
        "leases from the newest round",
        "late-answers",
        60,
        plant=broken_reads.leases_from_the_newest_round,
    ),
    Bug("trusts every clock", "silenced", 150, plant=broken_reads.trusts_every_clock),
    Bug("forgets its promise", "forgotten", 60, plant=broken_reads.forgets_its_promise),
    Bug(
        "takes any answer for its own",
        "reboots",
        60,
        plant=broken_reads.takes_any_answer_for_its_own,
    ),
    Bug("performs a duplicate again", "raft-5", 60, plant=broken_reads.performs_a_duplicate_again),
    Bug(
        "performs what was answered long ago",
        "repeating",
        60,
        plant=broken_reads.performs_what_was_answered_long_ago,
    ),
    Bug("loses replies in snapshots", "raft-5", 60, plant=broken_reads.loses_replies_in_snapshots),
]

# What the gate does quickly in a small world, the scenarios that ship find too, in more seeds.
AS_SHIPPED = [
    Bug("counts any answer", "raft-reads", 300, plant=broken_reads.counts_any_answer),
    Bug(
        "leases from the newest round",
        "raft-reads",
        300,
        plant=broken_reads.leases_from_the_newest_round,
    ),
    Bug("trusts every clock", "raft-reads", 300, plant=broken_reads.trusts_every_clock),
    Bug("forgets its promise", "raft-reads", 300, plant=broken_reads.forgets_its_promise),
    Bug(
        "takes any answer for its own",
        "raft-reads",
        300,
        plant=broken_reads.takes_any_answer_for_its_own,
    ),
    Bug(
        "reads by lease after a transfer",
        "raft-reads",
        300,
        plant=broken_reads.reads_by_lease_after_a_transfer,
    ),
    Bug("waits for its heir for ever", "raft-5", 300, plant=broken_rules.never_gives_up_a_transfer),
]

# Not found, and it cannot be: with this leader, an append never stops short of where two logs
# part. A leader probes from its newest entry down to exactly the last one on which both agree,
# never below it (``last_agreeing`` at both ends), and each append before the first that is accepted
# carries the entry behind that place, so a follower that accepts has cut off what it held of its
# own. From then on its tail is the leader's. Another leader might send less, so the rule stands:
# test_a_follower_commits_no_further_than_what_surely_matches falls without it.
HARMLESS = [
    Bug("commits its own tail", "raft-elections", 100, plant=broken_rules.commits_its_own_tail),
    Bug("commits its own tail", "raft-storage", 100, plant=broken_rules.commits_its_own_tail),
]

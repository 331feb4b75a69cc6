"""A student's experiment: change one rule of Raft and watch which promise breaks.

Here a leader commits whatever a majority stores, also entries of older terms (the rule of
§5.4.2 left out). Figure 8 of the paper says what must happen; the simulator finds it.
"""

from kube_actors.raft import replication
from kube_actors.raft.state import RaftState
from kube_actors.simulation.scenario import find_scenario

UNSTABLE = find_scenario("raft-elections")


def commit_by_counting_alone(state: RaftState) -> None:
    index = state.quorum.committed_index(state.progress)
    if index > state.log.committed:  # and its term, which may be an older one, is not looked at
        state.log.committed = index
        state.committed_in_term = True
        state.dirty = True


def first_violation(seeds: int) -> str:
    for seed in range(seeds):
        for finding in UNSTABLE.run(seed).findings:
            return f"seed {seed} broke a promise: {finding.property}: {finding.text}"
    return f"{seeds} seeds kept every promise"


def main() -> None:
    print("the rule in place:", first_violation(5))
    right, replication.maybe_commit = replication.maybe_commit, commit_by_counting_alone
    try:
        print("the rule left out:", first_violation(60))
    finally:
        replication.maybe_commit = right


if __name__ == "__main__":
    main()

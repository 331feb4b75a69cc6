"""Judge a history: does one order of its operations, each within its time, suit the model?

Keys are independent objects, so each is searched alone (locality: Herlihy and Wing 1990, theorem
1); the cheapest go first and the dear ones take turns, so that one wrong key is found however hard
the others are. The answer to a wrong history is the smallest part of it that is wrong.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from enum import Enum

from attrs import field, frozen

from kube_actors.simulation.linearizability.history import Event, Operation, operations
from kube_actors.simulation.linearizability.models import Model
from kube_actors.simulation.linearizability.search import Search
from kube_actors.simulation.linearizability.shrink import BadPart, smallest_bad_part

__all__ = ["Judgement", "Verdict", "check", "check_operations"]

TURN_STEPS = 2_000


class Verdict(Enum):
    """What a check came to; UNDECIDED when its budget ended first."""

    LINEARIZABLE = "linearizable"
    NOT = "not linearizable"
    UNDECIDED = "undecided"


@frozen
class Judgement:
    """The verdict; ``bad`` for NOT; ``undecided`` are the keys that the budget did not reach."""

    verdict: Verdict
    operations: int
    keys: int
    steps: int
    bad: BadPart | None = None
    undecided: tuple[Hashable, ...] = field(default=())


def check(
    events: Iterable[Event],
    model: Model,
    *,
    steps_max: int | None = None,
    expired: Callable[[], bool] = lambda: False,
    explain: bool = True,
) -> Judgement:
    """Judge a history. Raises HistoryError for what is none.

    ``steps_max`` bounds the configurations looked at, ``expired`` is asked every few thousand of
    them; whichever says stop first makes the verdict UNDECIDED. ``explain`` finds the smallest bad
    part of a wrong history, which costs several times the verdict.
    """
    return check_operations(
        operations(events, model), model, steps_max=steps_max, expired=expired, explain=explain
    )


def check_operations(
    done: Sequence[Operation],
    model: Model,
    *,
    steps_max: int | None = None,
    expired: Callable[[], bool] = lambda: False,
    explain: bool = True,
) -> Judgement:
    """Judge operations that are paired already, ordered by invocation."""
    by_key: dict[Hashable, list[Operation]] = {}
    for operation in done:
        by_key.setdefault(operation.key, []).append(operation)
    waiting = sorted(
        ((key, Search(model, part)) for key, part in by_key.items()),
        key=lambda pair: len(pair[1].operations),
    )
    keys, steps, turn = len(waiting), 0, TURN_STEPS
    while waiting and not expired():
        still = []
        for key, search in waiting:
            allowed = turn if steps_max is None else min(turn, steps_max - steps)
            before = search.steps
            verdict = search.advance(allowed) if allowed > 0 and not expired() else None
            steps += search.steps - before
            if verdict is False:
                bad = smallest_bad_part(model, search, expired) if explain else None
                return Judgement(Verdict.NOT, len(done), keys, steps, bad)
            if verdict is None:
                still.append((key, search))
        waiting = still
        turn *= 2
        if steps_max is not None and steps >= steps_max:
            break
    if waiting:
        undecided = tuple(key for key, _ in waiting)
        return Judgement(Verdict.UNDECIDED, len(done), keys, steps, undecided=undecided)
    return Judgement(Verdict.LINEARIZABLE, len(done), keys, steps)

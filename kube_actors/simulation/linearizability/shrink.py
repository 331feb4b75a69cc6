"""The smallest part of a wrong history that is wrong by itself.

Taking operations out at will would prove nothing: without its write, any read looks wrong. So only
demands are taken away, in ways that can make a wrong history right but never a right one wrong:
the history ends earlier, a read is left out, a write is no longer known to have completed or how
often it happened, and an unknown write is left out when nobody can have observed it. What remains
is wrong, and every demand in it is needed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve, frozen

from kube_actors.simulation.linearizability.history import Operation
from kube_actors.simulation.linearizability.models import Model, exact
from kube_actors.simulation.linearizability.search import Search

__all__ = ["BadPart", "smallest_bad_part"]

TRY_STEPS = 4_000


@frozen
class BadPart:
    """Why a history is not linearizable.

    ``operations`` is the smallest part that is wrong, ordered by invocation; ``culprits`` are those
    of them that cannot follow the longest partial linearization ``placed``, which ends in
    ``state``. ``placed_of_all`` of the key's ``total`` known operations can be placed at most
    before that.
    """

    operations: tuple[Operation, ...]
    placed: tuple[Operation, ...]
    culprits: tuple[Operation, ...]
    state: Any
    total: int
    placed_of_all: int
    smallest: bool


def smallest_bad_part(
    model: Model, search: Search, expired: Callable[[], bool] = lambda: False
) -> BadPart:
    """Shrink what a search found to be wrong. It stops early, still wrong, when time is up."""
    assert search.verdict is False
    shrinker = _Shrinker(model, expired)
    part = shrinker.prefix(list(search.operations))
    part = shrinker.relax(part)
    final = Search(model, part)
    while final.advance(TRY_STEPS) is None and not expired():
        pass
    taken = set(final.order)
    return BadPart(
        operations=tuple(part),
        placed=tuple(part[i] for i in final.order),
        culprits=_next_in_line(part, taken),
        state=final.state_after,
        total=sum(1 for operation in search.operations if operation.known),
        placed_of_all=sum(1 for i in search.order if search.operations[i].known),
        smallest=shrinker.sure,
    )


def _next_in_line(part: Sequence[Operation], taken: set[int]) -> tuple[Operation, ...]:
    """The known operations that were due: invoked before the first return of one not taken."""
    left = [operation for i, operation in enumerate(part) if operation.known and i not in taken]
    first = min((o.returned for o in left if o.returned is not None), default=0)
    return tuple(operation for operation in left if operation.invoked < first)


class _Shrinker:
    def __init__(self, model: Model, expired: Callable[[], bool]) -> None:
        self.model = model
        self.expired = expired
        self.sure = True

    def is_wrong(self, part: Sequence[Operation]) -> bool:
        if self.expired():
            self.sure = False
            return False
        verdict = Search(self.model, part).advance(TRY_STEPS)
        if verdict is None:
            self.sure = False
        return verdict is False

    def prefix(self, part: list[Operation]) -> list[Operation]:
        """Cut the history after the first return with which it is wrong."""
        returns = sorted(o.returned for o in part if o.returned is not None)
        low, high = 0, len(returns) - 1
        while low < high:
            middle = (low + high) // 2
            if self.is_wrong(_until(self.model, part, returns[middle])):
                high = middle
            else:
                low = middle + 1
        return _until(self.model, part, returns[high])

    def relax(self, part: list[Operation]) -> list[Operation]:
        """Take demands away, many at a time and then one by one, while the rest is wrong."""
        size = max(1, len(part) // 2)
        while True:
            removed = False
            start = 0
            while start < len(part):
                tried = self._without(part, range(start, min(start + size, len(part))))
                if tried != part and self.is_wrong(tried):
                    part, removed = tried, True
                else:
                    start += size
            if size > 1:
                size //= 2
            elif not removed:
                return part

    def _without(self, part: list[Operation], which: range) -> list[Operation]:
        relaxed = []
        for i, operation in enumerate(part):
            if i not in which or operation.repeats:
                relaxed.append(operation)
            elif _may_be_open(self.model, operation):
                repeats = operation.function not in self.model.grows
                relaxed.append(evolve(operation, returned=None, result=None, repeats=repeats))
        return _observed(self.model, relaxed)


def _until(model: Model, part: Sequence[Operation], end: int) -> list[Operation]:
    """End the history at a place: what was running then is open, what came later never was."""
    kept = []
    for operation in part:
        if operation.invoked > end:
            continue
        if operation.returned is None or operation.returned <= end:
            kept.append(operation)
        elif _may_be_open(model, operation):
            kept.append(evolve(operation, returned=None, result=None))
    return _observed(model, kept)


def _may_be_open(model: Model, operation: Operation) -> bool:
    """Say whether it changes anything when its outcome is unknown."""
    return not model.is_read(operation.function) and operation.result is not False


def _observed(model: Model, part: list[Operation]) -> list[Operation]:
    """Leave out unknown operations that nobody can have observed or that repeat one before."""
    repeating: set[tuple[str, Any]] = set()
    once = []
    for operation in part:
        what = (operation.function, exact(operation.argument))
        if not operation.repeats or what not in repeating:
            once.append(operation)
        if operation.repeats:
            repeating.add(what)
    part = once
    while True:
        kept = [o for o in part if o.known or model.observed(o, part)]
        if len(kept) == len(part):
            return kept
        part = kept

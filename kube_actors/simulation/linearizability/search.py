"""Wing and Gong's search with Lowe's caching, over the operations on one key.

Known operations stand in a linked list of invocations and returns; taking one lifts it out. What
has been tried is remembered as pairs of the operations taken and the state; those taken are all up
to one of them and a few behind it (a bit set), however long the history is. Beyond
Lowe (Testing for linearizability, 2016), some facts shorten the way: an operation that only reads
is taken as soon as it fits, since it is never worth waiting with; one of unknown outcome is taken
only when the known ones lead nowhere, and never has to be; unknown ones that are alike are taken in
order; and having used more of them for the same is no better, so such a configuration is left.
"""

from collections.abc import Hashable, Sequence
from typing import Any

from attrs import define

from kube_actors.simulation.linearizability.history import Operation
from kube_actors.simulation.linearizability.models import REFUSED, Model, exact

__all__ = ["Search"]

HOPELESS = -2
NO = -1


@define
class Frame:
    """One place where there was a choice: what was taken and what is left to take."""

    state: int
    options: list[tuple[int, int]]
    asked_unknown: bool
    taken: int = 0


class Search:
    """Find one order of the operations that the model allows, in steps, so that it can be paused.

    ``verdict`` is None until ``advance`` has found one. ``order`` is the longest found so far, as
    indices of operations; with the verdict False it is what could be placed at most, and
    ``state_after`` the state behind it.
    """

    def __init__(self, model: Model, operations: Sequence[Operation]) -> None:
        self.model = model
        self.operations = operations
        self.steps = 0
        self.verdict: bool | None = None
        self.order: list[int] = []
        self.state_after: Any = model.initial()
        self._states: list[Any] = []
        self._state_ids: dict[Any, int] = {}
        self._class_ids: dict[tuple[Any, ...], int] = {}
        self._moves: dict[tuple[int, int], int] = {}
        self._class = [self._class_of(operation) for operation in operations]
        self._pure = [o.known and self._is_pure(o) for o in operations]
        self._link()
        self._group_unknown()
        self._order_reads()
        self._seen: dict[tuple[int, int, int], int | list[int]] = {}
        self._all_below = 0  # Known operations with a lower rank are all taken,
        self._taken_above = 0  # and of the others those that have a bit here.
        self._unknown_bits = 0
        self._placed = 0
        self._best = -1
        self._kept = 0  # How many frames were taken down in ``_order`` and have not changed since.
        self._frames = [self._frame(self._intern(model.initial()))]

    # -- setting up ----------------------------------------------------------------------

    def _class_of(self, operation: Operation) -> int:
        result = (type(operation.result), operation.result)
        known = (operation.known, operation.repeats)
        key = (operation.function, exact(operation.argument), result, known)
        return self._class_ids.setdefault(key, len(self._class_ids))

    def _is_pure(self, operation: Operation) -> bool:
        """Reads, and writes that are known to have been refused."""
        return self.model.is_read(operation.function) or operation.result is False

    def _link(self) -> None:
        """Chain the known operations' invocations and returns by place in the history.

        Entry 0 is the head; operation i is invoked at entry ``_call[i]``, with ``_owner`` i, and
        returns at ``_return[i]``, with ``_owner`` -1.
        """
        known = [i for i, operation in enumerate(self.operations) if operation.known]
        self._known = len(known)
        places: list[tuple[int, int, int]] = []
        for i in known:
            operation = self.operations[i]
            assert operation.returned is not None
            places += [(operation.invoked, 0, i), (operation.returned, 1, i)]
        places.sort()
        count = len(places) + 1
        self._next = [*range(1, count), 0]
        self._before = [count - 1, *range(count - 1)]
        self._owner = [-1] * count
        self._place = [0] * count
        self._rank_known = [-1] * len(self.operations)
        for rank, i in enumerate(known):
            self._rank_known[i] = rank
        self._call = [0] * len(self.operations)
        self._return = [0] * len(self.operations)
        for entry, (place, returns, i) in enumerate(places, start=1):
            self._place[entry] = place
            if returns:
                self._return[i] = entry
            else:
                self._call[i] = entry
                self._owner[entry] = i

    def _group_unknown(self) -> None:
        """Gather the unknown operations that are alike, each group in order of invocation."""
        groups: dict[int, list[int]] = {}
        for i, operation in enumerate(self.operations):
            if not operation.known:
                groups.setdefault(self._class[i], []).append(i)
        self._groups = [
            members
            for members in groups.values()
            if self.model.observed(self.operations[members[0]], self.operations)
        ]
        self._used = [0] * len(self._groups)
        self._rank_unknown = {
            i: rank for rank, i in enumerate(i for members in self._groups for i in members)
        }
        self._group_of = {i: g for g, members in enumerate(self._groups) for i in members}

    def _order_reads(self) -> None:
        """Note the reads by return: when the first one left is hopeless, so is everything."""
        reads = [
            (operation.returned, i)
            for i, operation in enumerate(self.operations)
            if operation.returned is not None and self.model.is_read(operation.function)
        ]
        self._reads = [i for _, i in sorted(reads)]
        self._rank = {i: rank for rank, i in enumerate(self._reads)}
        self._first_read = 0
        self._commute = bool(self._reads) and (
            self.model.missing(self.model.initial(), self.operations[self._reads[0]]) is not None
        )

    def _intern(self, state: Hashable) -> int:
        number = self._state_ids.setdefault((type(state), state), len(self._states))
        if number == len(self._states):
            self._states.append(state)
        return number

    # -- searching -----------------------------------------------------------------------

    def advance(self, steps: int) -> bool | None:
        """Search for at most this many configurations; return the verdict or None."""
        frames = self._frames
        end = self.steps + steps
        while self.verdict is None and self.steps < end:
            self.steps += 1
            if self._placed == self._known:
                self._keep_best(True)
                self.verdict = True
                break
            frame = frames[-1]
            taken = self._take_one(frame)
            if taken is not None:
                frames.append(self._frame(taken))
                continue
            self._keep_best(False)
            frames.pop()
            self._kept = min(self._kept, len(frames) - 1)
            if not frames:
                self.verdict = False
                break
            self._put_back(frames[-1].taken)
        return self.verdict

    def _frame(self, state: int) -> Frame:
        """List what may come next: every known operation invoked before the first return."""
        owner, following, pure = self._owner, self._next, self._pure
        options: list[tuple[int, int]] = []
        entry = following[0]
        while (i := owner[entry]) >= 0:
            after = self._move(state, i)
            if after == HOPELESS:
                return Frame(state, [], True)
            if after >= 0:
                if pure[i]:
                    return Frame(state, [(i, after)], True)
                options.append((i, after))
            entry = following[entry]
        if self._next_read_is_hopeless(state):
            return Frame(state, [], True)
        options.reverse()
        return Frame(state, options, not self._groups)

    def _next_read_is_hopeless(self, state: int) -> bool:
        while self._first_read < len(self._reads):
            i = self._reads[self._first_read]
            rank = self._rank_known[i] - self._all_below
            if rank >= 0 and not self._taken_above >> rank & 1:
                return self._move(state, i) == HOPELESS
            self._first_read += 1
        return False

    def _move(self, state: int, i: int) -> int:
        key = (state, self._class[i])
        after = self._moves.get(key)
        if after is None:
            operation = self.operations[i]
            value = self.model.step(self._states[state], operation)
            if value is not REFUSED:
                after = self._intern(value)
            elif operation.known and self.model.hopeless(self._states[state], operation):
                after = HOPELESS
            else:
                after = NO
            self._moves[key] = after
        return after

    def _take_one(self, frame: Frame) -> int | None:
        """Take the next option that leads somewhere new; return the state behind it."""
        while True:
            while frame.options:
                i, after = frame.options.pop()
                self._lift(i)
                if self._is_new(after):
                    frame.taken = i
                    return after
                self._put_back(i)
            if frame.asked_unknown:
                return None
            frame.asked_unknown = True
            frame.options = self._unknown_options(frame.state)

    def _unknown_options(self, state: int) -> list[tuple[int, int]]:
        entry = self._next[0]
        reads = []
        while (i := self._owner[entry]) >= 0:
            if i in self._rank:
                reads.append(i)
            entry = self._next[entry]
        deadline = self._place[entry]
        options = []
        for group, members in enumerate(self._groups):
            used = self._used[group]
            if used < len(members) and self.operations[members[used]].invoked < deadline:
                after = self._move(state, members[used])
                if after >= 0 and after != state:
                    options.append((members[used], after))
        options.reverse()
        return self._only_missing(state, reads, options)

    def _only_missing(
        self, state: int, reads: list[int], options: list[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Where writes commute, keep for each read one of the writes it waits for."""
        if not options or not self._commute:
            return options
        offered = {self.operations[i].argument: (i, after) for i, after in options}
        kept = {}
        for read in reads:
            missing = self.model.missing(self._states[state], self.operations[read])
            if missing and all(argument in offered for argument in missing):
                first = min(offered[argument] for argument in missing)
                kept[first[0]] = first
        return list(kept.values())

    def _is_new(self, state: int) -> bool:
        """Remember the configuration unless one with no more unknown operations used is known."""
        key, used = (self._all_below, self._taken_above, state), self._unknown_bits
        before = self._seen.get(key)
        if before is None:
            self._seen[key] = used
            return True
        if isinstance(before, int):
            if before & used == before:
                return False
            self._seen[key] = used if before & used == used else [before, used]
            return True
        if any(mask & used == mask for mask in before):
            return False
        self._seen[key] = [mask for mask in before if mask & used != used] + [used]
        return True

    def _lift(self, i: int) -> None:
        if not self.operations[i].known:
            if not self.operations[i].repeats:
                self._used[self._group_of[i]] += 1
                self._unknown_bits |= 1 << self._rank_unknown[i]
            return
        following, before = self._next, self._before
        for entry in (self._call[i], self._return[i]):
            following[before[entry]] = following[entry]
            before[following[entry]] = before[entry]
        above = self._taken_above | 1 << (self._rank_known[i] - self._all_below)
        if above & 1:
            ones = (~above & (above + 1)).bit_length() - 1
            self._all_below += ones
            above >>= ones
        self._taken_above = above
        self._placed += 1

    def _put_back(self, i: int) -> None:
        if not self.operations[i].known:
            if not self.operations[i].repeats:
                self._used[self._group_of[i]] -= 1
                self._unknown_bits ^= 1 << self._rank_unknown[i]
            return
        self._first_read = min(self._first_read, self._rank.get(i, self._first_read))
        following, before = self._next, self._before
        for entry in (self._return[i], self._call[i]):
            following[before[entry]] = entry
            before[following[entry]] = entry
        rank = self._rank_known[i] - self._all_below
        if rank < 0:
            self._all_below += rank
            self._taken_above = (self._taken_above << -rank) | ((1 << -rank) - 2)
        else:
            self._taken_above ^= 1 << rank
        self._placed -= 1

    def _keep_best(self, finished: bool) -> None:
        if self._placed > self._best or finished:
            self._best = self._placed
            frames = self._frames
            self.order[self._kept :] = [frame.taken for frame in frames[self._kept : -1]]
            self._kept = len(frames) - 1
            self.state_after = self._states[frames[-1].state]

"""Judges what clients saw, with the log as the witness.

Deciding whether a history is linearizable is hard when no order is known. Here one is: the log's.
If every answer is what the log's order gives, and no request comes after one in that order which
began only when it had been answered already, the history is linearizable; the check costs one
sort. A history that fails is still judged by the general checker, which knows nothing of logs.
"""

from bisect import bisect_right
from collections.abc import Sequence

from kube_actors.simulation.linearizability import CasRegister, Verdict, check_operations, explain
from kube_actors.simulation.linearizability import Operation as Judged
from kube_actors.simulation.raft.judges.invariants import InvariantViolation, Ledger
from kube_actors.simulation.raft.registers import CAS, READ, Operation


def check_history(ledger: Ledger, history: Sequence[Operation]) -> None:
    """Raise InvariantViolation unless the log's order explains every answer."""
    placed: list[tuple[int, int, int, Operation]] = []
    for operation in history:
        place = _place(ledger, operation)
        if place is not None:
            placed.append((*place, operation.invoked_us, operation))
    placed.sort(key=_order)
    latest_us = -1
    latest: Operation | None = None
    for _, _, invoked_us, operation in placed:
        if operation.outcome == "ok" and operation.returned_us < latest_us:
            raise InvariantViolation(
                "linearizable history",
                f"{operation!r} was answered at {operation.returned_us} µs, and comes in the log "
                f"after {latest!r}, asked at {latest_us} µs",
            )
        if invoked_us > latest_us:
            latest_us, latest = invoked_us, operation


def _order(item: tuple[int, int, int, Operation]) -> tuple[int, int, int]:
    return item[:3]


def _place(ledger: Ledger, operation: Operation) -> tuple[int, int] | None:
    """Return where a request took effect; None if it did not. Checks its answer."""
    if operation.kind == READ:
        if operation.outcome != "ok":
            return None
        expected = value_at(ledger, operation.key, operation.position)
        if operation.result != expected:
            raise InvariantViolation(
                "linearizable history",
                f"{operation!r} saw {operation.result}, at {operation.position} it was {expected}",
            )
        return operation.position, 1
    done = ledger.executed.get(operation.number)
    if done is None:
        if operation.outcome == "ok":
            raise InvariantViolation("acknowledged write", f"{operation!r} is not in the log")
        return None
    if operation.outcome == "fail":
        raise InvariantViolation("linearizable history", f"{operation!r} failed, and took effect")
    if operation.outcome == "ok" and operation.result != done[1]:
        raise InvariantViolation(
            "linearizable history", f"{operation!r} was told {operation.result}, not {done[1]}"
        )
    return done[0], 0


def value_at(ledger: Ledger, key: int, index: int) -> int:
    """Return what a register held once everything up to ``index`` was applied."""
    versions = ledger.history.get(key, ())
    position = bisect_right(versions, index, key=lambda version: version[0])
    return versions[position - 1][1] if position else 0


def judge(history: Sequence[Operation], *, steps_max: int = 200_000) -> None:
    """Raise InvariantViolation unless the general checker, which sees no log, agrees.

    A history that is too hard for ``steps_max`` configurations is let pass.
    """
    model = CasRegister()
    judgement = check_operations(judged(history), model, steps_max=steps_max)
    if judgement.verdict is Verdict.NOT:
        raise InvariantViolation("linearizable history", explain(judgement, model))


def judged(history: Sequence[Operation]) -> list[Judged]:
    """Translate requests: places instead of times, nothing instead of 0, open ones to infinity."""
    moments = [(operation.invoked_us, 0, at) for at, operation in enumerate(history)]
    moments += [(o.returned_us, 1, at) for at, o in enumerate(history) if o.outcome == "ok"]
    places: dict[tuple[int, int], int] = {}
    for place, (_, what, at) in enumerate(sorted(moments)):
        places[at, what] = place
    found = []
    for at, operation in enumerate(history):
        known = operation.outcome == "ok"
        if not known and (operation.kind == READ or operation.outcome == "fail"):
            continue
        argument: object = operation.value
        result: object = operation.result or None
        if operation.kind == CAS:
            argument = (operation.expected or None, operation.value)
            result = bool(operation.result)
        found.append(
            Judged(
                operation.client,
                operation.kind,
                None if operation.kind == READ else argument,
                result if known else None,
                places[at, 0],
                places[at, 1] if known else None,
                operation.key,
            )
        )
    return sorted(found, key=lambda operation: operation.invoked)

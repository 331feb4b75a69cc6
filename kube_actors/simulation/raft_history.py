"""Judges what clients saw, with the log as the witness.

Deciding whether a history is linearizable is hard when no order is known. Here one is: the log's.
If every answer is what the log's order gives, and no request comes after one in that order which
began only when it had been answered already, the history is linearizable; the check costs one
sort. A history that fails is still judged by the general checker, which knows nothing of logs.
"""

from bisect import bisect_right
from collections.abc import Sequence

from kube_actors.simulation.raft_invariants import InvariantViolation, Ledger
from kube_actors.simulation.raft_machine import READ, Operation


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

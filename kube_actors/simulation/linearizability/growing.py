"""A set and a list that only grows, as models."""

from collections.abc import Hashable, Sequence
from typing import Any

from attrs import frozen

from kube_actors.simulation.linearizability.models import (
    REFUSED,
    Act,
    IllTyped,
    Model,
    Refused,
    brief,
    scalar,
    spoken,
)

__all__ = ["AppendList", "GrowingSet"]


@frozen
class GrowingSet(Model):
    """``add v`` and ``read → all of it``."""

    name = "set"
    reads = frozenset({"read"})
    writes = frozenset({"add"})

    def initial(self) -> Hashable:
        """An empty frozenset."""
        return frozenset()

    def typed_answer(self, function: str, value: Any) -> Any:
        """A read's collection as a frozenset of scalars. Raises IllTyped."""
        if not isinstance(value, tuple | frozenset):
            raise IllTyped(f"read of a set answers {brief(value)}, expected a collection")
        return frozenset(scalar(self, function, item) for item in value)

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        """An ``add`` puts its value in; a read must have answered the whole set."""
        if act.function == "read":
            return state if state == act.result else REFUSED
        grown: Hashable = state | {act.argument}
        return grown

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        """Say whether any read has the value that was added."""
        return any(other.function == "read" and act.argument in other.result for other in others)

    def hopeless(self, state: Any, act: Act) -> bool:
        """Say whether the set holds something that the read lacks: nothing is ever removed."""
        return act.function == "read" and not state <= act.result

    def missing(self, state: Any, act: Act) -> frozenset[Any]:
        """What the read saw and nobody has added yet; adds commute."""
        return frozenset(act.result - state)


@frozen
class AppendList(Model):
    """``append v``, ``read → all of it, in order``, and ``txn``: several of these at once.

    The argument of a ``txn`` is a tuple of ("append", v) and ("r", None); its result is a tuple of
    what the reads in it saw.
    """

    name = "append"
    reads = frozenset({"read"})
    writes = frozenset({"append", "txn"})
    grows = frozenset({"append", "txn"})

    def initial(self) -> Hashable:
        """An empty tuple."""
        return ()

    def typed_write(self, function: str, value: Any) -> Any:
        """Read a scalar for ``append``, pairs [f value] for ``txn``. Raises IllTyped.

        What a read in a transaction carries at its invocation says nothing and becomes None.
        """
        if function != "txn":
            return scalar(self, function, value)
        if not isinstance(value, tuple) or not all(isinstance(part, tuple) for part in value):
            raise IllTyped(f"txn of {brief(value)}, expected a vector of [f value]")
        for name, _ in value:
            if name not in ("append", "r"):
                raise IllTyped(f"txn of a list has {brief(name)}; it knows append, r")
        return tuple(
            (name, scalar(self, name, part) if name == "append" else None) for name, part in value
        )

    def typed_answer(self, function: str, value: Any) -> Any:
        """A read's list as a tuple of scalars; nil is the empty list. Raises IllTyped."""
        if value is None:
            return ()
        if not isinstance(value, tuple):
            raise IllTyped(f"read of a list answers {brief(value)}, expected a list")
        return tuple(scalar(self, function, item) for item in value)

    def answer(self, function: str, argument: Any, value: Any, *, failed: bool) -> Any:
        """Read a completed ``txn`` as a tuple of its reads' lists; else as in every model."""
        told = super().answer(function, argument, value, failed=failed)
        if function != "txn" or failed or value is None:
            return told
        return tuple(self.typed_answer("read", part) for name, part in value if name == "r")

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        """Append to the end; every read, in a transaction too, must have answered the list so far.

        A transaction of unknown outcome has its appends only.
        """
        if act.function == "read":
            return state if state == act.result else REFUSED
        if act.function == "append":
            grown: Hashable = (*state, act.argument)
            return grown
        seen = iter(act.result if act.known else ())
        for name, value in act.argument:
            if name == "append":
                state = (*state, value)
            elif act.known and next(seen) != state:
                return REFUSED
        result: Hashable = state
        return result

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        """Say whether any read, in a transaction too, has a value that this one appended."""
        ours = _appended(act)
        return any(value in answer for other in others for answer in _read(other) for value in ours)

    def hopeless(self, state: Any, act: Act) -> bool:
        """Say whether the list is no beginning of what a read saw: it only grows at its end."""
        return any(answer[: len(state)] != state for answer in _read(act))

    def describe(self, act: Act) -> str:
        """Say the operation for a person; a transaction part by part."""
        if act.function != "txn":
            return super().describe(act)
        seen = iter(act.result if act.known else ())
        said = [
            f"append {spoken(value)}"
            if name == "append"
            else f"read → {spoken(next(seen)) if act.known else '?'}"
            for name, value in act.argument
        ]
        return "txn " + ", ".join(said) + ("" if act.known else " → ?")


def _appended(act: Act) -> tuple[Any, ...]:
    if act.function == "append":
        return (act.argument,)
    if act.function == "txn":
        return tuple(value for name, value in act.argument if name == "append")
    return ()


def _read(act: Act) -> tuple[Any, ...]:
    """What the reads of an operation of known outcome saw."""
    if not act.known:
        return ()
    if act.function == "read":
        return (act.result,)
    return tuple(act.result) if act.function == "txn" else ()

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
        return frozenset()

    def typed_answer(self, function: str, value: Any) -> Any:
        if not isinstance(value, tuple | frozenset):
            raise IllTyped(f"read of a set answers {spoken(value)}, expected a collection")
        return frozenset(scalar(self, function, item) for item in value)

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        if act.function == "read":
            return state if state == act.result else REFUSED
        grown: Hashable = state | {act.argument}
        return grown

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        return any(other.function == "read" and act.argument in other.result for other in others)

    def hopeless(self, state: Any, act: Act) -> bool:
        return act.function == "read" and not state <= act.result

    def missing(self, state: Any, act: Act) -> frozenset[Any]:
        return frozenset(act.result - state)


@frozen
class AppendList(Model):
    """``append v`` and ``read → all of it, in order``."""

    name = "append"
    reads = frozenset({"read"})
    writes = frozenset({"append"})
    grows = frozenset({"append"})

    def initial(self) -> Hashable:
        return ()

    def typed_answer(self, function: str, value: Any) -> Any:
        if value is None:
            return ()
        if not isinstance(value, tuple):
            raise IllTyped(f"read of a list answers {spoken(value)}, expected a list")
        return tuple(scalar(self, function, item) for item in value)

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        if act.function == "read":
            return state if state == act.result else REFUSED
        grown: Hashable = (*state, act.argument)
        return grown

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        return any(other.function == "read" and act.argument in other.result for other in others)

    def hopeless(self, state: Any, act: Act) -> bool:
        return act.function == "read" and act.result[: len(state)] != state

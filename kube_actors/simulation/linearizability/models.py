"""What an object does when operations reach it one at a time: the specification to check against.

A model is a pure state machine on hashable states. Beside ``step`` it may tell the search what
spares it work: which functions only read, which unknown operations nobody can have observed, and
which answers can never come true again.
"""

from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Final, Protocol

__all__ = ["REFUSED", "Act", "IllTyped", "Model", "Refused", "exact", "same"]


class Refused:
    """The object cannot do this, or not with this answer, in this state."""

    def __repr__(self) -> str:
        return "REFUSED"


REFUSED: Final = Refused()
BRIEF: Final = 60


class IllTyped(ValueError):
    """An operation that this model does not know, or a value that it cannot have."""


class Act(Protocol):
    """What a model sees of an operation; ``known`` is False when its outcome is unknown."""

    @property
    def function(self) -> str:
        """What was called: one of the model's ``reads`` or ``writes``."""

    @property
    def argument(self) -> Any:
        """What the invocation carries, as ``Model.typed`` returned it."""

    @property
    def result(self) -> Any:
        """What was answered, as ``Model.answer`` returned it; says nothing unless ``known``."""

    @property
    def known(self) -> bool:
        """Whether it completed, so that ``result`` binds."""


class Model:
    """What the checker asks of a specification; subclasses say what the object is."""

    name: ClassVar[str] = ""
    reads: ClassVar[frozenset[str]] = frozenset()
    writes: ClassVar[frozenset[str]] = frozenset()
    grows: ClassVar[frozenset[str]] = frozenset()
    """Writes that lead to ever new states when they are repeated."""

    def initial(self) -> Hashable:
        """The state before the first operation."""
        raise NotImplementedError

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        """The state after the operation, or REFUSED when it cannot have answered so."""
        raise NotImplementedError

    def is_read(self, function: str) -> bool:
        """Say whether it never changes any state. The search then never has to wait with it."""
        return function in self.reads

    def observes_failure(self, function: str) -> bool:
        """Say whether a failed one tells something about the state; else it did not happen."""
        return False

    def typed(self, function: str, value: Any) -> Any:
        """Read what an invocation carries. Raises IllTyped."""
        if function not in self.reads and function not in self.writes:
            known = ", ".join(sorted(self.reads | self.writes))
            raise IllTyped(f"{self.name} has no {function[:BRIEF]!r}; it knows {known}")
        if function in self.reads:
            return None
        return self.typed_write(function, value)

    def typed_write(self, function: str, value: Any) -> Any:
        """Read what the invocation of a write carries. Raises IllTyped."""
        return scalar(self, function, value)

    def answer(self, function: str, argument: Any, value: Any, *, failed: bool) -> Any:
        """Read what a completion carries. Raises IllTyped."""
        if function in self.reads:
            return self.typed_answer(function, value)
        if value is not None and self.typed(function, value) != argument:
            raise IllTyped(
                f"{function} was invoked with {brief(argument)} and completes with {brief(value)}"
            )
        return not failed

    def typed_answer(self, function: str, value: Any) -> Any:
        """Read what a completed read answers. Raises IllTyped."""
        return scalar(self, function, value)

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        """Say whether anyone can tell that an unknown operation happened; True is always safe."""
        return True

    def hopeless(self, state: Any, act: Act) -> bool:
        """Say that from this state on no operations can make a refused one possible."""
        return False

    def missing(self, state: Any, act: Act) -> frozenset[Any] | None:
        """For writes that all commute: whose arguments a refused read still waits for.

        None when writes do not commute. Unknown writes are then taken only for such a read.
        """
        return None

    def describe(self, act: Act) -> str:
        """Say the operation for a person."""
        said = act.function if act.argument is None else f"{act.function} {spoken(act.argument)}"
        if not act.known:
            return f"{said} → ?"
        if act.function in self.reads:
            return f"{said} → {spoken(act.result)}"
        return said if act.result else f"{said} → refused"

    def describe_state(self, state: Any) -> str:
        """Say a state for a person."""
        return spoken(state)


def scalar(model: Model, function: str, value: Any) -> Any:
    """Require a value that is no collection. Raises IllTyped."""
    if value is not None and not isinstance(value, int | float | str | bool):
        raise IllTyped(f"{function} of a {model.name} has the value {brief(value)}, not a scalar")
    return value


def brief(value: Any) -> str:
    """Say a value in an error, where the whole of it may fill pages."""
    said = spoken(value)
    return said if len(said) <= BRIEF else f"{said[: BRIEF - 1]}…"


def exact(value: Any) -> Any:
    """What equal values of one kind share and no others: to Python, 1, 1.0 and True are equal."""
    if isinstance(value, tuple):
        return tuple(map(exact, value))
    return (type(value), value)


def same(state: Any, answer: Any) -> bool:
    """Say whether two scalars are equal and of one kind."""
    return type(state) is type(answer) and bool(state == answer)


def spoken(value: Any) -> str:
    """Say a value as the history files do."""
    if value is None:
        return "nil"
    if isinstance(value, tuple):
        return "[" + " ".join(spoken(item) for item in value) + "]"
    if isinstance(value, frozenset):
        return "#{" + " ".join(sorted(spoken(item) for item in value)) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)

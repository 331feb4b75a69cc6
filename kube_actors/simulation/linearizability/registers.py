"""A register, one with compare-and-swap, and a map of keys to texts, as models."""

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
    same,
    scalar,
)

__all__ = ["CasRegister", "KeyValue", "Register"]


@frozen
class Register(Model):
    """``write v`` and ``read → v``; empty (nil) at first."""

    name = "register"
    reads = frozenset({"read"})
    writes = frozenset({"write"})

    def initial(self) -> Hashable:
        """None, which is nil."""
        return None

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        """A read must have answered the last value written, in its very type."""
        if act.function == "read":
            return state if same(state, act.result) else REFUSED
        written: Hashable = act.argument
        return written

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        """Say whether a known read has the value that was written."""
        return any(
            other.known and other.function == "read" and other.result == act.argument
            for other in others
        )


@frozen
class CasRegister(Model):
    """``write v``, ``read → v`` and ``cas [old new]``.

    A failed ``cas`` did not happen; with ``strict`` it says that the value was another one.
    """

    strict: bool = False

    name = "cas-register"
    reads = frozenset({"read"})
    writes = frozenset({"write", "cas"})

    def initial(self) -> Hashable:
        """None, which is nil."""
        return None

    def observes_failure(self, function: str) -> bool:
        """Say yes for a failed ``cas`` when ``strict``."""
        return self.strict and function == "cas"

    def typed_write(self, function: str, value: Any) -> Any:
        """Read a scalar for ``write``, a pair (old, new) for ``cas``. Raises IllTyped."""
        if function == "write":
            return scalar(self, function, value)
        if not isinstance(value, tuple) or len(value) != 2:
            raise IllTyped(f"cas has the value {brief(value)}, expected [old new]")
        return tuple(scalar(self, function, item) for item in value)

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        """Write, read, or swap if the value is the old one.

        A failed ``cas`` is refused where the value was the old one; elsewhere it changes nothing.
        """
        if act.function == "read":
            return state if same(state, act.result) else REFUSED
        if act.function == "write":
            written: Hashable = act.argument
            return written
        old, new = act.argument
        if act.known and not act.result:
            return REFUSED if same(state, old) else state
        swapped: Hashable = new
        return swapped if same(state, old) else REFUSED

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        """Any failed swap sees every value but one; else someone must have met the new one."""
        after = act.argument if act.function == "write" else act.argument[1]
        return any(
            (other.function == "read" and other.result == after)
            or (other.function == "cas" and (other.argument[0] == after or other.result is False))
            for other in others
            if other is not act
        )


@frozen
class KeyValue(Model):
    """One key of a map: ``put v``, ``append text``, ``delete`` and ``get → v``; nil when absent.

    Appending to an absent key makes it.
    """

    name = "key-value"
    reads = frozenset({"get", "read"})
    writes = frozenset({"put", "write", "append", "delete"})
    grows = frozenset({"append"})

    def initial(self) -> Hashable:
        """None, which is an absent key."""
        return None

    def typed_write(self, function: str, value: Any) -> Any:
        """Read text for ``append``, nothing for ``delete``, a scalar else. Raises IllTyped."""
        if function == "delete":
            return None
        if function == "append" and not isinstance(value, str):
            raise IllTyped(f"append has the value {brief(value)}, expected text")
        return scalar(self, function, value)

    def step(self, state: Any, act: Act) -> Hashable | Refused:
        """Put, append as text, delete, or a read that must have answered the value."""
        if act.function in self.reads:
            return state if same(state, act.result) else REFUSED
        if act.function == "append":
            return str(act.argument) if state is None else f"{state}{act.argument}"
        if act.function == "delete":
            return None
        written: Hashable = act.argument
        return written

    def observed(self, act: Act, others: Sequence[Act]) -> bool:
        """Say whether a read can have seen the write, or what an append made of it.

        What a deletion or a put left may be hidden in what was appended to it: any append counts.
        """
        answers = [other.result for other in others if other.function in self.reads]
        if act.function == "append":
            return any(isinstance(answer, str) and act.argument in answer for answer in answers)
        if act.function == "delete":
            return None in answers or any(other.function == "append" for other in others)
        return act.argument in answers or any(other.function == "append" for other in others)

"""What clients saw: invocations and completions in one order, and the operations they make.

An operation that failed did not happen and is left out. One that never completed, or whose client
does not know (``info``), is open to infinity: it may have happened at any time after its
invocation, or never. What cannot have been written by clients is refused with its place.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from attrs import field, frozen

from kube_actors.simulation.linearizability.models import IllTyped, Model

__all__ = ["Event", "HistoryError", "Operation", "operations"]

TYPES = ("invoke", "ok", "fail", "info")


class HistoryError(ValueError):
    """Not a history. ``where`` is ``line`` or ``line:column``, counting from 1."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}")
        self.where = where
        self.text = text


@frozen
class Event:
    """One line of a history; ``where`` says where it was read, for a person."""

    process: Hashable
    type: str
    function: str
    value: Any = None
    key: Hashable = None
    where: str = field(default="", eq=False)


@frozen
class Operation:
    """One operation on one key. ``invoked`` and ``returned`` are places in the history.

    ``returned`` is None for an operation open to infinity; then ``result`` says nothing.
    ``repeats`` weakens such a one further: it may happen any number of times.
    """

    process: Hashable
    function: str
    argument: Any
    result: Any
    invoked: int
    returned: int | None
    key: Hashable = None
    where: str = field(default="", eq=False)
    repeats: bool = False

    @property
    def known(self) -> bool:
        """Whether it returned; False for one open to infinity."""
        return self.returned is not None


def operations(events: Iterable[Event], model: Model) -> list[Operation]:
    """Pair invocations with completions, ordered by invocation. Raises HistoryError."""
    open_by_process: dict[Hashable, tuple[int, Event]] = {}
    done: list[Operation] = []
    for position, event in enumerate(events):
        if event.type not in TYPES:
            raise HistoryError(
                event.where, f"type is {event.type!r}, expected one of {', '.join(TYPES)}"
            )
        if event.type == "invoke":
            before = open_by_process.get(event.process)
            if before is not None:
                raise HistoryError(
                    event.where,
                    f"process {event.process} invokes {event.function} while its "
                    f"{before[1].function} of {before[1].where} is still open",
                )
            _check_typed(model, event, None)
            open_by_process[event.process] = (position, event)
            continue
        if event.process not in open_by_process:
            raise HistoryError(
                event.where,
                f"process {event.process} completes {event.function}, which it never invoked",
            )
        place, invocation = open_by_process.pop(event.process)
        if event.function != invocation.function or event.key != invocation.key:
            raise HistoryError(
                event.where,
                f"process {event.process} completes {_name(event)} but invoked "
                f"{_name(invocation)} at {invocation.where}",
            )
        returned = None if event.type == "info" else position
        operation = _operation(model, invocation, place, event, returned)
        if operation is not None:
            done.append(operation)
    for place, invocation in open_by_process.values():
        operation = _operation(model, invocation, place, None, None)
        if operation is not None:
            done.append(operation)
    done.sort(key=lambda operation: operation.invoked)
    return done


def _operation(
    model: Model, invocation: Event, place: int, completion: Event | None, returned: int | None
) -> Operation | None:
    failed = completion is not None and completion.type == "fail"
    if failed and not model.observes_failure(invocation.function):
        return None
    if returned is None and model.is_read(invocation.function):
        return None
    argument, result = _check_typed(model, invocation, completion)
    return Operation(
        process=invocation.process,
        function=invocation.function,
        argument=argument,
        result=result,
        invoked=place,
        returned=returned,
        key=invocation.key,
        where=invocation.where,
    )


def _check_typed(model: Model, invocation: Event, completion: Event | None) -> tuple[Any, Any]:
    """Ask the model what the operation was told and what it answered."""
    try:
        if completion is None or completion.type == "info":
            return model.typed(invocation.function, invocation.value), None
        argument = model.typed(invocation.function, invocation.value)
        answer = model.answer(
            invocation.function, argument, completion.value, failed=completion.type == "fail"
        )
    except IllTyped as error:
        where = invocation.where if completion is None else completion.where
        raise HistoryError(where, str(error)) from None
    return argument, answer


def _name(event: Event) -> str:
    return event.function if event.key is None else f"{event.function} on key {event.key!r}"

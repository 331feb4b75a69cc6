"""Read histories from files: Jepsen's EDN, or JSON lines with the same fields.

An event is a map with ``process``, ``type`` (invoke, ok, fail, info), ``f`` and ``value``; further
fields are ignored. A history is one such map after another, or one vector of them. Keys are either
a field ``key`` or, as Jepsen's independent generator writes them, values that are pairs
``[key value]``; that is noticed when every invocation's value is such a pair. Transactions on one
key (``:txn``) name theirs inside. What the nemesis does is skipped.
"""

import json
from collections.abc import Hashable, Iterator
from typing import Any

from attrs import evolve

from kube_actors.simulation.linearizability.edn import DIGITS_MAX, EdnError, read_items
from kube_actors.simulation.linearizability.history import TYPES, Event, HistoryError
from kube_actors.simulation.linearizability.transactions import TRANSACTION, split_transactions

__all__ = ["read_history"]

FORMATS = ("edn", "json")


def read_history(text: str, *, format: str = "auto", keyed: bool | None = None) -> list[Event]:
    """Read a history. Raises HistoryError with ``line:column`` or ``line N``.

    ``format`` is edn, json or auto (by the first character of the first event); ``keyed`` says
    whether values are pairs ``[key value]``, None finds out.
    """
    if format == "auto":
        format = _guess(text)
    assert format in FORMATS, f"format is {format!r}"
    placed = _read_json(text) if format == "json" else _read_edn(text)
    events = [event for where, value in placed if (event := _event(where, value)) is not None]
    if not events:
        raise HistoryError("line 1", "no operation in the whole file")
    if keyed is None:
        keyed = _is_keyed(events)
    return list(split_transactions(map(_split, events) if keyed else events))


def _guess(text: str) -> str:
    first = text.lstrip("\ufeff \t\r\n,[(")
    return "json" if first[:40].replace(" ", "").startswith('{"') else "edn"


def _read_edn(text: str) -> Iterator[tuple[str, Any]]:
    try:
        for placed in read_items(text):
            yield f"line {placed.line}:{placed.column}", placed.value
    except EdnError as error:
        raise HistoryError(f"line {error.line}:{error.column}", error.text) from None


def _read_json(text: str) -> Iterator[tuple[str, Any]]:
    if text.lstrip().startswith("["):
        yield from _read_json_array(text)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                value = json.loads(line, object_pairs_hook=_object, parse_int=_integer)
            except (ValueError, RecursionError) as error:
                column = getattr(error, "colno", 1)
                raise HistoryError(f"line {number}:{column}", f"not JSON: {error}") from None
            yield f"line {number}", _frozen(value)


def _read_json_array(text: str) -> Iterator[tuple[str, Any]]:
    try:
        values = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise HistoryError(f"line {error.lineno}:{error.colno}", f"not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise HistoryError("line 1", f"not JSON: {error}") from None
    for number, value in enumerate(values, start=1):
        yield f"event {number}", _frozen(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise ValueError(f"a number of {len(digits)} digits, at most {DIGITS_MAX}")
    return int(digits)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return value


def _event(where: str, value: Any) -> Event | None:
    """Read one event; None for what is not a client's."""
    if not isinstance(value, dict):
        raise HistoryError(where, f"expected an operation's map, got {_short(value)}")
    for name in ("process", "type", "f"):
        if name not in value:
            raise HistoryError(where, f"the operation has no {name}")
    process, kind, function = value["process"], value["type"], value["f"]
    if process == "nemesis":
        return None
    if isinstance(process, bool) or not isinstance(process, int | str):
        raise HistoryError(where, f"process is {_short(process)}, expected a number or a name")
    if kind not in TYPES:
        raise HistoryError(where, f"type is {_short(kind)}, expected one of {', '.join(TYPES)}")
    if not isinstance(function, str):
        raise HistoryError(where, f"f is {_short(function)}, expected a name")
    return Event(
        process=process,
        type=str(kind),
        function=str(function),
        value=value.get("value"),
        key=_key(where, value.get("key")),
        where=where,
    )


def _key(where: str, key: Any) -> Hashable:
    if key is not None and not isinstance(key, str | int | float | bool):
        raise HistoryError(where, f"the key is {_short(key)}, expected a scalar")
    return key


def _is_keyed(events: list[Event]) -> bool:
    invocations = [event for event in events if event.type == "invoke"]
    if any(event.function == TRANSACTION for event in invocations):
        return False
    return bool(invocations) and all(map(_holds_key, invocations))


def _holds_key(event: Event) -> bool:
    value = event.value
    if event.key is not None or not isinstance(value, tuple) or len(value) != 2:
        return False
    return event.function != "cas" or (isinstance(value[1], tuple) and len(value[1]) == 2)


def _split(event: Event) -> Event:
    value = event.value
    if not isinstance(value, tuple) or len(value) != 2:
        raise HistoryError(event.where, f"value is {_short(value)}, expected [key value]")
    return evolve(event, key=_key(event.where, value[0]), value=value[1])


def _short(value: Any) -> str:
    return repr(value)[:60]

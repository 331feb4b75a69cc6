"""Jepsen's transactions on one key: ``:txn`` with the micro-operations ``:append``, ``:r``, ``:w``.

``[[:append 3 2] [:r 3 [1 2]]]`` is one operation on key 3. One micro-operation alone is what it
would be without a transaction: ``append``, ``read`` or ``write``; several stay a ``txn``, which the
model of a list knows. A transaction over several keys is refused: keys are judged one by one, which
would tear it apart.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Final

from attrs import evolve

from kube_actors.simulation.linearizability.history import Event, HistoryError
from kube_actors.simulation.linearizability.models import exact, spoken

__all__ = ["TRANSACTION", "split_transactions"]

TRANSACTION: Final = "txn"
NAMES: Final = {"append": "append", "r": "read", "w": "write"}


def split_transactions(events: Iterable[Event]) -> Iterator[Event]:
    """Give every transaction its key, and those of one micro-operation their plain name.

    Raises HistoryError for what is no transaction on one key.
    """
    invoked: dict[Hashable, Event] = {}
    for event in events:
        if event.function != TRANSACTION:
            yield event
            continue
        if event.type == "invoke":
            event = invoked[event.process] = _on_one_key(event)
        else:
            before = invoked.pop(event.process, None)
            if event.value is None and event.type != "ok" and before is not None:
                event = evolve(event, function=before.function, key=before.key)
            else:
                event = _on_one_key(event)
        yield event


def _on_one_key(event: Event) -> Event:
    found = event.value
    if event.key is not None:
        raise HistoryError(event.where, "a transaction has its keys inside, and no key beside them")
    if not isinstance(found, tuple) or not found:
        raise HistoryError(
            event.where, f"txn of {spoken(found)[:60]}, expected a vector of [f key value]"
        )
    parts = [_part(event, part) for part in found]
    keys = {exact(key): key for _, key, _ in parts}
    if len(keys) > 1:
        listed = ", ".join(map(spoken, keys.values()))[:60]
        raise HistoryError(
            event.where,
            f"a transaction over {len(keys)} keys ({listed}): keys are judged one by one here, "
            "so only transactions on a single key can be",
        )
    function, key, value = parts[0]
    if len(parts) == 1:
        return evolve(event, function=NAMES[function], key=key, value=value)
    return evolve(event, key=key, value=tuple((name, part) for name, _, part in parts))


def _part(event: Event, part: Any) -> tuple[str, Any, Any]:
    if not isinstance(part, tuple) or not 2 <= len(part) <= 3:
        raise HistoryError(event.where, f"{spoken(part)[:60]} in a txn, expected [f key value]")
    function, key = part[:2]
    if not isinstance(function, str) or function not in NAMES:
        raise HistoryError(
            event.where, f"{spoken(function)[:60]} in a txn, it knows {', '.join(NAMES)}"
        )
    if key is None or not isinstance(key, str | int | float | bool):
        raise HistoryError(event.where, f"the key is {spoken(key)[:60]}, expected a scalar")
    return str(function), key, part[2] if len(part) == 3 else None

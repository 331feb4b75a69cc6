"""Conditions in a status: find one, set one, drop one, without ever changing a list in place.

``set_condition`` keeps ``lastTransitionTime`` while the status stays the same, and leaves a
condition of equal status, reason and message untouched, so that a level-triggered controller
writes only when something changed.
"""

from collections.abc import Sequence
from typing import Any

Condition = dict[str, Any]


def find_condition(conditions: Sequence[Condition] | None, type_: str) -> Condition | None:
    """Give the condition of this type, or None."""
    for condition in conditions or ():
        if condition.get("type") == type_:
            return condition
    return None


def is_true(conditions: Sequence[Condition] | None, type_: str) -> bool:
    """Tell whether the condition is there with status "True"."""
    found = find_condition(conditions, type_)
    return found is not None and found.get("status") == "True"


def set_condition(conditions: Sequence[Condition] | None, new: Condition) -> list[Condition]:
    """Give the conditions with ``new`` in the place of the one of its type, or at the end."""
    result = list(conditions or ())
    for place, old in enumerate(result):
        if old.get("type") == new["type"]:
            if old.get("status") == new["status"]:
                if all(old.get(key) == new.get(key) for key in ("reason", "message")):
                    return result
                new = {**new, "lastTransitionTime": old.get("lastTransitionTime")}
            result[place] = new
            return result
    result.append(new)
    return result


def drop_condition(conditions: Sequence[Condition] | None, type_: str) -> list[Condition]:
    """Give the conditions without the one of this type."""
    return [condition for condition in conditions or () if condition.get("type") != type_]

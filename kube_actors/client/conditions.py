"""What one may wait for, as kubectl's ``--for`` says it, and whether an object has it. Pure."""

import re
from collections.abc import Callable
from typing import Any

from attrs import frozen

from kube_actors.api import Object

Predicate = Callable[[Object | None], bool]
_JSONPATH = re.compile(r"jsonpath='?\{?\.?([A-Za-z0-9_.\[\]-]+)\}?'?(?:=(.*))?\Z")


@frozen
class Condition:
    """``holds`` gets None when the object is not there."""

    text: str
    holds: Predicate


def _find_condition(obj: Object, type_: str) -> dict[str, Any] | None:
    for each in (obj.get("status") or {}).get("conditions") or ():
        if str(each.get("type", "")).lower() == type_.lower():
            found: dict[str, Any] = each
            return found
    return None


def _has_condition(obj: Object | None, type_: str, status: str) -> bool:
    """Whether a condition has a status, said about the present generation of the object."""
    if obj is None:
        return False
    found = _find_condition(obj, type_)
    if found is None:
        return False
    generation = (obj.get("metadata") or {}).get("generation", 0)
    observed = found.get("observedGeneration")
    if observed is None:
        observed = (obj.get("status") or {}).get("observedGeneration")
    if observed is not None and observed < generation:
        return False
    return str(found.get("status", "")).lower() == status.lower()


def _at_path(obj: Object | None, path: str) -> list[Any]:
    found: list[Any] = [obj]
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        step: list[Any] = []
        for each in found:
            if name and isinstance(each, dict) and name in each:
                step.append(each[name])
            elif index and isinstance(each, list) and int(index) < len(each):
                step.append(each[int(index)])
        found = step
    return found


def _path_holds(obj: Object | None, path: str, value: str | None) -> bool:
    found = [each for each in _at_path(obj, path) if each is not None]
    if value is None:
        return bool(found)
    shown = [str(each).lower() if isinstance(each, bool) else str(each) for each in found]
    return value.strip("'\"") in shown


def parse_condition(condition: str | Predicate) -> Condition:
    """Read ``Available``, ``Ready=False``, ``condition=Ready=True``, ``create``, ``delete``,
    ``jsonpath={.status.phase}=Running`` or a predicate of the object."""
    if not isinstance(condition, str):
        predicate = condition
        return Condition("the predicate", lambda obj: obj is not None and predicate(obj))
    if condition == "delete":
        return Condition(condition, lambda obj: obj is None)
    if condition == "create":
        return Condition(condition, lambda obj: obj is not None)
    if match := _JSONPATH.match(condition):
        path, value = match[1], match[2]
        return Condition(condition, lambda obj: _path_holds(obj, path, value))
    type_, _, status = condition.removeprefix("condition=").partition("=")
    if not type_:
        raise ValueError(f"no condition to wait for in {condition!r}")
    return Condition(condition, lambda obj: _has_condition(obj, type_, status or "True"))


def summary(obj: Object | None) -> str:
    """How the object stands, for those who waited in vain."""
    if obj is None:
        return "it is not there"
    status = obj.get("status") or {}
    parts = [f"phase {status['phase']}"] if "phase" in status else []
    for each in status.get("conditions") or ():
        text = f"{each.get('type')}={each.get('status')}"
        told = each.get("message") or each.get("reason")
        parts.append(f"{text} ({told})" if told and each.get("status") != "True" else text)
    return ", ".join(parts) or "its status says nothing"

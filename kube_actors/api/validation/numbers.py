"""Checks of numbers, percentages and quantities that many kinds have in common."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.quantities import MalformedQuantity, Quantity, parse_quantity

Tree = dict[str, Any]
Causes = Iterator[Cause]

NOT_NEGATIVE = "must be greater than or equal to 0"
POSITIVE = "must be greater than zero"


def not_negative(tree: Tree, key: str, path: str) -> Causes:
    """Check ``tree[key]``, if it is there; ``path`` is the tree's."""
    value = tree.get(key)
    if value is not None and value < 0:
        yield Cause.invalid(f"{path}.{key}", value, NOT_NEGATIVE)


def none_negative(tree: Tree, keys: tuple[str, ...], path: str) -> Causes:
    """Check each of ``keys`` that is there; ``path`` is the tree's."""
    for key in keys:
        yield from not_negative(tree, key, path)


def within(tree: Tree, key: str, path: str, low: int, high: int) -> Causes:
    """Check that ``tree[key]``, if it is there, is from ``low`` to ``high``, both included."""
    value = tree.get(key)
    if value is not None and not low <= value <= high:
        yield Cause.invalid(f"{path}.{key}", value, names.out_of_range(low, high))


def port(value: Any, path: str) -> Causes:
    """Check a port number: 1 to 65535."""
    for fault in names.port_number(value):
        yield Cause.invalid(path, value, fault)


def port_or_name(value: Any, path: str) -> Causes:
    """Check a port that is given by number, or by the name that a container gave it."""
    if isinstance(value, str):
        for fault in names.port_name(value):
            yield Cause.invalid(path, value, fault)
    else:
        yield from port(value, path)


def count_or_percent(value: Any, path: str) -> Causes:
    """Check a number that may also be a percentage."""
    if isinstance(value, str):
        for fault in names.percent(value):
            yield Cause.invalid(path, value, fault)
    elif value < 0:
        yield Cause.invalid(path, value, NOT_NEGATIVE)


def percent_of(value: Any) -> int | None:
    """Return a percentage's number, None if it is none."""
    if isinstance(value, str) and not names.percent(value):
        return int(value[:-1])
    return None


def no_more_than_all(value: Any, path: str) -> Causes:
    """Check that a percentage is at most 100; plain counts pass."""
    percent = percent_of(value)
    if percent is not None and percent > 100:
        yield Cause.invalid(path, value, "must not be greater than 100%")


# The same few amounts are written in every pod, and parsing is what costs.
@lru_cache(maxsize=8192)
def amount_of(value: str | int | float) -> Quantity | MalformedQuantity:
    """Return the amount, or why it is none."""
    try:
        return parse_quantity(value)
    except MalformedQuantity as error:
        return error


def quantity(value: Any, path: str) -> Causes:
    """Check that an amount is not negative."""
    amount = amount_of(value)
    if isinstance(amount, MalformedQuantity):
        yield Cause.invalid(path, value, str(amount))
    elif amount.nano < 0:
        yield Cause.invalid(path, value, NOT_NEGATIVE)


def one_of(
    tree: Tree, key: str, path: str, allowed: tuple[str, ...], *, required: bool = False
) -> Causes:
    """Check an enumeration; ``allowed`` is in the order that the message lists."""
    value = tree.get(key)
    if value is None or value == "":
        if required:
            yield Cause.required(f"{path}.{key}")
    elif value not in allowed:
        yield Cause.not_supported(f"{path}.{key}", value, allowed)


def required(tree: Tree, keys: tuple[str, ...], path: str, detail: str = "") -> Causes:
    """Check that each of ``keys`` is there; an empty string or list counts as missing."""
    for key in keys:
        if not tree.get(key):
            yield Cause.required(f"{path}.{key}", detail)


def unchanged(new: Any, old: Any, path: str, detail: str = "field is immutable") -> Causes:
    """Apply ``ValidateImmutableField``: any difference is refused, and the new value shown."""
    if new != old:
        yield Cause.invalid(path, new, detail)

"""What is wrong with data that came from outside, in one line that names where.

cattrs gathers everything that is wrong into nested groups; a person mends one thing at a time, so
the first is told: unknown fields before others, because a misspelt field is also a missing one.
"""

import json
from collections.abc import Callable
from typing import Any

import attrs
from cattrs import BaseValidationError, ClassValidationError, IterableValidationError
from cattrs.errors import ForbiddenExtraKeysError

SHOWN_MAX = 60

Rename = Callable[[str], str]


class Malformed(ValueError):
    """Data that is not what was expected; ``path`` says where, such as ``faults[3].until_s``.

    The path is empty when the whole value is meant.
    """

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}" if path else text)
        self.path = path
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.text)


def unexpected(expected: str, value: object) -> Malformed:
    """Say what should have been in the place of a value."""
    return Malformed("", f"expected {expected}, got {shown(value)}")


def shown(value: object) -> str:
    """Write a value as JSON for a message: one printable line of at most ``SHOWN_MAX``."""
    try:
        text = json.dumps(value, ensure_ascii=False)
        if not text.isprintable():
            text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = ascii(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def refusal(error: Exception, rename: Rename, path: str = "") -> Malformed:
    """Find the first thing that is wrong in what cattrs raised."""
    if isinstance(error, ForbiddenExtraKeysError):
        unknown = shown(min(error.extra_fields, key=str))
        known = ", ".join(rename(field.name) for field in attrs.fields(error.cl))
        there_are = f"known are {known}" if known else "there are none"
        return Malformed(path, f"unknown field {unknown}, {there_are}")
    if isinstance(error, ClassValidationError):
        placed, whole = error.group_exceptions()
        for inner in whole:
            if isinstance(inner, ForbiddenExtraKeysError):
                return refusal(inner, rename, path)
        for inner, note in placed:
            return refusal(inner, rename, _below(path, rename(note.name)))
        return refusal(whole[0], rename, path)
    if isinstance(error, IterableValidationError):
        items, others = error.group_exceptions()
        for inner, item in items:
            below = f"{path}[{item.index}]" if isinstance(item.index, int) else ""
            return refusal(inner, rename, below or _below(path, str(item.index)))
        return refusal(others[0], rename, path)
    if isinstance(error, BaseValidationError):
        inner = error.exceptions[0]
        assert isinstance(inner, Exception)
        return refusal(inner, rename, path)
    if isinstance(error, KeyError):
        return Malformed(path, "it is missing")
    if isinstance(error, Malformed):
        return Malformed(_below(path, error.path), error.text)
    return Malformed(path, str(error))


def _below(path: str, name: str) -> str:
    # A name from outside may hold anything; the message stays one line.
    plain = name if name.isprintable() and len(name) <= SHOWN_MAX else shown(name)
    return f"{path}.{plain}" if path and plain else path or plain

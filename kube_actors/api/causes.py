"""What is wrong with one field, in the words of apimachinery's ``util/validation/field``.

A check gives causes and raises nothing; ``errors.invalid`` makes one Status of many. How values are
shown follows Go, because people compare the texts.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a"}
_ESCAPES |= {"\b": "\\b", "\f": "\\f", "\v": "\\v"}


def quote(text: str) -> str:
    """Quote as Go's ``%q`` does: printable characters stay, others are escaped."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    parts = []
    for char in text:
        point = ord(char)
        if char in _ESCAPES:
            parts.append(_ESCAPES[char])
        elif char.isprintable():
            parts.append(char)
        elif point < 0x80:
            parts.append(f"\\x{point:02x}")
        else:
            parts.append(f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}")
    return '"' + "".join(parts) + '"'


def show(value: Any) -> str:
    """Show a bad value as a field error does: strings quoted, the rest as compact JSON."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        value = int(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@frozen
class Cause:
    """One field that is wrong: ``type`` is machine-readable, ``message`` has no field in it."""

    type: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    def to_object(self) -> dict[str, str]:
        """Give the ``StatusCause``; empty members are left out as Go does."""
        pairs = (("reason", self.type), ("message", self.message), ("field", self.field))
        return {name: value for name, value in pairs if value}

    @classmethod
    def _made(cls, kind: str, path: str, words: str, detail: str) -> "Cause":
        return cls(kind, path, f"{words}: {detail}" if detail else words)

    @classmethod
    def invalid(cls, path: str, value: Any, detail: str = "") -> "Cause":
        """The value is of the right type and wrong; the message shows it."""
        return cls._made("FieldValueInvalid", path, f"Invalid value: {show(value)}", detail)

    @classmethod
    def type_invalid(cls, path: str, value: Any, detail: str = "") -> "Cause":
        """The value is of another type than the schema says."""
        return cls._made("FieldValueTypeInvalid", path, f"Invalid value: {show(value)}", detail)

    @classmethod
    def required(cls, path: str, detail: str = "") -> "Cause":
        """The field is missing, or as good as missing."""
        return cls._made("FieldValueRequired", path, "Required value", detail)

    @classmethod
    def duplicate(cls, path: str, value: Any) -> "Cause":
        """The value occurs twice where it must be unique."""
        return cls._made("FieldValueDuplicate", path, f"Duplicate value: {show(value)}", "")

    @classmethod
    def not_found(cls, path: str, value: Any) -> "Cause":
        """The value refers to something that is not there, such as a volume."""
        return cls._made("FieldValueNotFound", path, f"Not found: {show(value)}", "")

    @classmethod
    def not_supported(cls, path: str, value: Any, supported: Sequence[str]) -> "Cause":
        """The supported values are listed in the order given (Kubernetes sorts sets first)."""
        listed = ", ".join(quote(each) for each in supported)
        detail = f"supported values: {listed}" if listed else ""
        return cls._made(
            "FieldValueNotSupported", path, f"Unsupported value: {show(value)}", detail
        )

    @classmethod
    def forbidden(cls, path: str, detail: str) -> "Cause":
        """The field may not be set, or not be changed, as things are."""
        return cls._made("FieldValueForbidden", path, "Forbidden", detail)

    @classmethod
    def too_long(cls, path: str, max_bytes: int) -> "Cause":
        """The value has more bytes than ``max_bytes``; it is not shown."""
        detail = f"may not be more than {_plural(max_bytes, 'byte')}"
        return cls._made("FieldValueTooLong", path, "Too long", detail)

    @classmethod
    def too_many(cls, path: str, actual: int, most: int) -> "Cause":
        """The list has ``actual`` items where ``most`` are allowed."""
        detail = f"must have at most {_plural(most, 'item')}"
        return cls._made("FieldValueTooMany", path, f"Too many: {actual}", detail)

    @classmethod
    def internal(cls, path: str, detail: str) -> "Cause":
        """The check itself failed; nothing is said of the value."""
        return cls._made("InternalError", path, "Internal error", detail)


def aggregate(messages: Iterable[str]) -> str:
    """Join as Go's aggregate error does: ``a`` alone, ``[a, b]`` for several, no repetitions."""
    unique = list(dict.fromkeys(messages))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"

"""The leaves of a schema: what Go's decoder accepts for each, and how it writes it back.

A leaf is two functions: ``clean`` says quickly that a value is already in its final form, and
``walk`` (only asked when it is not) repairs or refuses it with the decoder's own words. Times
come back in UTC, quantities in canonical form, as they do from a real server.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from kube_actors.api import quantities

Clean = Callable[[Any], bool]


class Place(NamedTuple):
    """Where a value is: Go's struct and field path (no indexes), and the path with indexes."""

    struct: str
    fields: str
    path: str

    def field(self, struct: str, name: str) -> "Place":
        """Go to a field of an object whose Go type is ``struct``."""
        dot = "." if self.path else ""
        fields = f"{self.fields}.{name}" if self.fields else name
        return Place(struct, fields, f"{self.path}{dot}{name}")

    def within(self, suffix: str) -> "Place":
        """Go to an element: ``[0]`` shows in the path, not in what Go's decoder says."""
        return Place(self.struct, self.fields, self.path + suffix)


class Report:
    """What a walk found: unknown field paths and decoding errors, in document order."""

    __slots__ = ("errors", "unknown")

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.errors: list[str] = []

    def mismatch(self, value: Any, place: Place, go_type: str, *, with_number: bool = True) -> None:
        """Note a value of the wrong type in the words of Go's ``encoding/json``."""
        found = described(value, with_number=with_number)
        if place.fields:
            target = f"Go struct field {place.struct}.{place.fields} of type {go_type}"
        else:
            target = f"Go value of type {go_type}"
        self.errors.append(f"json: cannot unmarshal {found} into {target}")


Walk = Callable[[Any, Place, Report], Any]


class Node(NamedTuple):
    """A compiled schema. ``zero`` makes what stands for null inside a list or map."""

    clean: Clean
    walk: Walk
    go_type: str
    zero: Callable[[], Any]
    exact: type | None = None


def described(value: Any, *, with_number: bool = True) -> str:
    """Name a JSON value as Go's decoder does."""
    if value is True or value is False:
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return f"number {value}" if with_number else "number"


def _plain(exact: type, go_type: str, zero: Callable[[], Any]) -> Node:
    def clean(value: Any) -> bool:
        return type(value) is exact

    def walk(value: Any, place: Place, report: Report) -> Any:
        if type(value) is not exact:
            report.mismatch(value, place, go_type, with_number=False)
        return value

    return Node(clean, walk, go_type, zero, exact)


STRING = _plain(str, "string", str)
BOOLEAN = _plain(bool, "bool", bool)


def _integer(bits: int) -> Node:
    low, high, go_type = -(1 << (bits - 1)), (1 << (bits - 1)) - 1, f"int{bits}"

    def clean(value: Any) -> bool:
        return type(value) is int and low <= value <= high

    def walk(value: Any, place: Place, report: Report) -> Any:
        if not clean(value):
            report.mismatch(value, place, go_type)
        return value

    return Node(clean, walk, go_type, int)


INT32 = _integer(32)
INT64 = _integer(64)


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _walk_number(value: Any, place: Place, report: Report) -> Any:
    if not _is_number(value):
        report.mismatch(value, place, "float64")
    return value


NUMBER = Node(_is_number, _walk_number, "float64", int)


def _is_int_or_string(value: Any) -> bool:
    return type(value) is str or INT32.clean(value)


def _walk_int_or_string(value: Any, place: Place, report: Report) -> Any:
    if not _is_int_or_string(value):
        report.mismatch(value, Place("", "", ""), "int32")
    return value


INT_OR_STRING = Node(_is_int_or_string, _walk_int_or_string, "intstr.IntOrString", int)


@lru_cache(maxsize=8192)
def _canonical_quantity(text: str | int | float) -> str | None:
    try:
        return quantities.canonicalize(text)
    except ValueError:
        return None


def _is_quantity(value: Any) -> bool:
    return type(value) is str and _canonical_quantity(value) == value


def _walk_quantity(value: Any, place: Place, report: Report) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        canonical = _canonical_quantity(value)
        if canonical is not None:
            return canonical
    report.errors.append(_QUANTITY_ERROR)
    return value


_QUANTITY_ERROR = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
QUANTITY = Node(_is_quantity, _walk_quantity, "resource.Quantity", lambda: "0")

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _time(layout: str, *, micro: bool) -> Node:
    go_type = "v1.MicroTime" if micro else "v1.Time"

    # A cluster's objects repeat few timestamps, and parsing one costs as much as ten checks.
    @lru_cache(maxsize=8192)
    def parsed(text: str) -> str | None:
        found = _RFC3339.fullmatch(text)
        if found is None or (micro and len(found[3] or "") != 7):
            return None
        try:
            moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[4]}").astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        fraction = found[3] if micro else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z".rjust(20, "0")

    def clean(value: Any) -> bool:
        return type(value) is str and parsed(value) == value

    def walk(value: Any, place: Place, report: Report) -> Any:
        if not isinstance(value, str):
            report.mismatch(value, Place("", "", ""), "string")
            return value
        final_text = parsed(value)
        if final_text is None:
            report.errors.append(_time_error(value, layout))
            return value
        return final_text

    return Node(clean, walk, go_type, lambda: None)


_LAYOUT_PARTS = ("2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05")
_LAYOUT_WIDTHS = (4, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2)


def _time_error(text: str, layout: str) -> str:
    rest = text
    stuck = layout[19:]
    for part, width in zip(_LAYOUT_PARTS, _LAYOUT_WIDTHS, strict=True):
        head = rest[:width]
        good = head == part if width == 1 else len(head) == width and head.isdecimal()
        if not good:
            stuck = part
            break
        rest = rest[width:]
    else:
        if not rest.startswith("."):
            stuck = ".000000" if "000000" in layout else "Z07:00"
        else:
            rest = rest.lstrip(".0123456789")
            stuck = "Z07:00"
    return f'parsing time "{text}" as "{layout}": cannot parse "{rest}" as "{stuck}"'


TIME = _time("2006-01-02T15:04:05Z07:00", micro=False)
MICRO_TIME = _time("2006-01-02T15:04:05.000000Z07:00", micro=True)

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_FOREIGN = re.compile(r"[^A-Za-z0-9+/=]", re.ASCII)


def _is_base64(value: Any) -> bool:
    return type(value) is str and _BASE64.fullmatch(value) is not None


def _walk_base64(value: Any, place: Place, report: Report) -> Any:
    if not isinstance(value, str):
        report.mismatch(value, place, "[]uint8")
        return value
    joined = value.replace("\r", "").replace("\n", "")
    if _is_base64(joined):
        return base64.b64encode(binascii.a2b_base64(joined)).decode()
    foreign = _FOREIGN.search(joined)
    padding = joined.find("=")
    offset = foreign.start() if foreign else len(joined) - len(joined) % 4
    if padding >= 0 and padding < offset:
        offset = padding
    report.errors.append(f"illegal base64 data at input byte {offset}")
    return value


BASE64 = Node(_is_base64, _walk_base64, "[]uint8", str)


def _always(value: Any) -> bool:
    return True


def _as_it_is(value: Any, place: Place, report: Report) -> Any:
    return value


ANYTHING = Node(_always, _as_it_is, "interface {}", lambda: None)


def leaf(kind: str, format_: str) -> Node:
    """Return the leaf for a JSON schema type and format."""
    if kind == "string":
        special = {"byte": BASE64, "date-time": TIME, "micro-time": MICRO_TIME}
        return special.get(format_) or (QUANTITY if format_ == "quantity" else STRING)
    if kind == "boolean":
        return BOOLEAN
    if kind == "integer":
        return INT32 if format_ == "int32" else INT64
    return NUMBER if kind == "number" else ANYTHING

"""Protobuf bytes into the JSON tree that Go would have written for the same object. Pure.

The envelope is ``runtime.Unknown`` behind the magic ``k8s\\0``. Unknown fields are skipped, zeros
that Go's JSON would omit are omitted. Wire format: https://protobuf.dev/programming-guides/encoding
"""

import base64
import gzip
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import orjson

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_DEPTH_MAX = 100
_META = "apimachinery/pkg/apis/meta/v1"
Type = list[Any]


class MalformedProtobuf(ValueError):
    """The bytes are no protobuf of a type that is known here."""


@cache
def _fields() -> dict[str, dict[int, tuple[str, bool, Type]]]:
    packed = resources.files(__package__).joinpath("fields.json.gz").read_bytes()
    loaded = orjson.loads(gzip.decompress(packed))
    return {
        name: {number: (field, bool(drops), kind) for number, field, drops, kind in rows}
        for name, rows in loaded.items()
    }


def decode(data: bytes) -> dict[str, Any]:
    """Return the object in an envelope; raises ``MalformedProtobuf``."""
    if not data.startswith(_MAGIC):
        raise MalformedProtobuf("the body does not begin with the protobuf envelope")
    api_version = kind = ""
    raw = b""
    for number, value in _split(memoryview(data)[4:]):
        if number == 1:
            for inner, text in _split(_bytes(value)):
                if inner == 1:
                    api_version = _text(text)
                elif inner == 2:
                    kind = _text(text)
        elif number == 2:
            raw = bytes(_bytes(value))
    name = _type_name(api_version, kind)
    return {"apiVersion": api_version, "kind": kind, **_message(name, memoryview(raw), 0)}


def _type_name(api_version: str, kind: str) -> str:
    group, slash, version = api_version.rpartition("/")
    package = group.split(".")[0] if slash else "core"
    names = {"rbac": "rbac", "flowcontrol": "flowcontrol"}
    name = f"api/{names.get(package, package)}/{version}.{kind}"
    if name in _fields():
        return name
    shared = f"{_META}.{kind}"
    if shared in _fields():
        return shared
    raise MalformedProtobuf(f"no kind {kind!r} of {api_version!r} is known in protobuf")


def _message(name: str, data: memoryview, depth: int) -> dict[str, Any]:
    fields = _fields().get(name)
    if fields is None:
        raise MalformedProtobuf(f"the type {name} is not known in protobuf")
    if depth > _DEPTH_MAX:
        raise MalformedProtobuf("the message is nested too deeply")
    result: dict[str, Any] = {}
    for number, value in _split(data):
        field = fields.get(number)
        if field is None:
            continue
        json_name, drops_zero, kind = field
        code = kind[0]
        if code == "r":
            result.setdefault(json_name, []).append(_value(kind[1], value, depth))
        elif code == "k":
            key, item = _entry(kind, _bytes(value), depth)
            result.setdefault(json_name, {})[key] = item
        else:
            found = _value(kind, value, depth)
            if not json_name:
                result.update(found)
            elif found is not None and not (drops_zero and _is_zero(found)):
                result[json_name] = found
    return result


def _is_zero(value: Any) -> bool:
    # An empty struct is not zero to Go's JSON, an empty string, number or false is.
    return not value and not isinstance(value, dict)


def _entry(kind: Type, data: memoryview, depth: int) -> tuple[str, Any]:
    key: Any = ""
    item: Any = _ZERO.get(kind[2][0], "")
    for number, value in _split(data):
        if number == 1:
            key = _value(kind[1], value, depth)
        elif number == 2:
            item = _value(kind[2], value, depth)
    return str(key), item


_ZERO: dict[str, Any] = {"i": 0, "b": False, "d": 0.0, "Q": "0"}


def _value(kind: Type, value: "int | memoryview", depth: int) -> Any:
    code = kind[0]
    if code == "m":
        return _message(kind[1], _bytes(value), depth + 1)
    if code == "w":
        return [_value(kind[1], item, depth) for number, item in _split(_bytes(value))]
    if code == "s":
        return _text(value)
    if code == "i":
        return _signed(value)
    if code == "b":
        return bool(_signed(value))
    if code == "y":
        return base64.b64encode(_bytes(value)).decode("ascii")
    if code in ("d", "f"):
        return struct.unpack("<d" if code == "d" else "<f", _bytes(value))[0]
    return _SPECIAL[code](_bytes(value))


def _time(data: memoryview, *, micro: bool = False) -> str | None:
    seconds = nanos = 0
    empty = True
    for number, value in _split(data):
        empty = False
        if number == 1:
            seconds = _signed(value)
        elif number == 2:
            nanos = _signed(value)
    if empty:
        return None
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise MalformedProtobuf(f"bad time {seconds}") from None
    if micro:
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos // 1000:06d}Z"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(data: memoryview) -> str | None:
    return _time(data, micro=True)


def _quantity(data: memoryview) -> str:
    return next((_text(value) for number, value in _split(data) if number == 1), "") or "0"


def _int_or_string(data: memoryview) -> int | str:
    found = dict(_split(data))
    if _signed(found.get(1, 0)) == 0:
        return _signed(found.get(2, 0))
    return _text(found.get(3, memoryview(b"")))


def _duration(data: memoryview) -> str:
    nanos = next((_signed(value) for number, value in _split(data) if number == 1), 0)
    seconds, rest = divmod(nanos, 1_000_000_000)
    return f"{seconds}.{rest:09d}s" if rest else f"{seconds}s"


def _json(data: memoryview) -> Any:
    raw = next((bytes(_bytes(value)) for number, value in _split(data) if number == 1), b"")
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        raise MalformedProtobuf("a raw extension is not JSON") from None


_SPECIAL = {
    "T": _time,
    "M": _micro_time,
    "Q": _quantity,
    "I": _int_or_string,
    "D": _duration,
    "J": _json,
}


def _bytes(value: "int | memoryview") -> memoryview:
    if isinstance(value, int):
        raise MalformedProtobuf("a number stands where bytes must be")
    return value


def _signed(value: "int | memoryview") -> int:
    if not isinstance(value, int):
        raise MalformedProtobuf("bytes stand where a number must be")
    return value - (1 << 64) if value >> 63 else value


def _text(value: "int | memoryview") -> str:
    try:
        return bytes(_bytes(value)).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedProtobuf("a string is not UTF-8") from None


def _split(data: memoryview) -> "Iterator[tuple[int, int | memoryview]]":
    """Yield (field number, varint or bytes) for every field of a message."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise MalformedProtobuf(f"unsupported wire type {wire}")
        if at + size > end:
            raise MalformedProtobuf("the message is cut short")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    result = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise MalformedProtobuf("the message is cut short")

"""JSON into values, with the fields that were written twice.

The last of two equal keys wins, as in Kubernetes; whether that is an error, a warning or nothing is
the caller's ``fieldValidation``. NaN and infinities are no JSON.
"""

import json
from collections.abc import Iterator
from typing import Any

import orjson
from attrs import frozen

from kube_actors.api.errors import StatusError

# orjson writes at most 254 levels, and the object must be written again.
DEPTH_MAX = 200


@frozen(slots=False)
class MalformedManifest(StatusError):
    """The text cannot be read; ``line`` and ``column`` count from 1, 0 when unknown."""

    line: int = 0
    column: int = 0


def malformed(message: str, line: int = 0, column: int = 0) -> MalformedManifest:
    """Make the 400 for text that cannot be read at this place."""
    return MalformedManifest(400, "BadRequest", message, None, line, column)


@frozen
class Decoded:
    """A value and the paths of duplicate fields, such as ``spec.containers[0].name``."""

    value: Any
    duplicates: tuple[str, ...] = ()


class _Object(dict[str, Any]):
    """A JSON object that knows which of its keys came twice."""

    __slots__ = ("twice",)
    twice: list[str]


def _keep_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    marked = _Object(made)
    seen: set[str] = set()
    marked.twice = []
    for key, _ in pairs:
        if key in seen and key not in marked.twice:
            marked.twice.append(key)
        seen.add(key)
    return marked


def _walk(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value, _Object):
            for key in value.twice:
                yield f"{path}.{key}" if path else key
        for key, child in value.items():
            if isinstance(child, dict | list):
                yield from _walk(child, f"{path}.{key}" if path else key)
    else:
        for index, child in enumerate(value):
            if isinstance(child, dict | list):
                yield from _walk(child, f"{path}[{index}]")


def _duplicates(data: bytes) -> tuple[str, ...]:
    found = False

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        made = dict(pairs)
        if len(made) != len(pairs):
            found = True
        return made

    json.loads(data, object_pairs_hook=note)
    if not found:
        return ()
    return tuple(_walk(json.loads(data, object_pairs_hook=_keep_pairs), ""))


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        below: list[Any] = []
        for each in level:
            children = each.values() if isinstance(each, dict) else each
            below.extend(child for child in children if isinstance(child, dict | list))
        level = below
    return depth


def decode_json(data: bytes, *, find_duplicates: bool = True) -> Decoded:
    """Decode one JSON value; raises ``MalformedManifest``."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        message = f"couldn't get version/kind; json parse error: {error.msg}: {where}"
        raise malformed(message, error.lineno, error.colno) from error
    if data.count(b"{") + data.count(b"[") > DEPTH_MAX:
        deep = isinstance(value, dict | list) and _depth(value) > DEPTH_MAX
        if deep:
            raise malformed("couldn't get version/kind; json parse error: exceeded max depth")
    return Decoded(value, _duplicates(data) if find_duplicates else ())

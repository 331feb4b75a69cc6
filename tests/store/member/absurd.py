"""Strategies for messages that are well typed and make no sense."""

import enum
import types
import typing
from functools import cache
from typing import Any

import attrs
from hypothesis import strategies as st

from kube_actors.actor import Blob

INTEGERS = st.sampled_from(
    [0, 0, 1, 2, 3, 7, -1, -2, 255, 1 << 31, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63)]
)
BYTES = st.sampled_from([b"", b"\0", b"a", b"a", b"b", b"z", b"a\0", b"\xff" * 3, b"k" * 300])
TEXTS = st.sampled_from(["", "a", "store/1", "store/9", "\x00", "ü" * 50, "http://"])
DEPTH_MAX = 4


@cache
def absurd(cls: type, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for any instance of a message class."""
    hints = typing.get_type_hints(cls)
    fields = {one.name: _value(hints[one.name], depth) for one in attrs.fields(cls)}
    return st.builds(cls, **fields)


def _value(hint: Any, depth: int) -> st.SearchStrategy[Any]:
    origin = typing.get_origin(hint)
    if hint is Blob or hint is bytes:
        return BYTES.map(Blob)
    if hint is bool:
        return st.booleans()
    if hint is int or isinstance(hint, typing.NewType):
        return INTEGERS
    if hint is float:
        return st.sampled_from([0.0, -1.0, 1e300, float("inf"), float("nan")])
    if hint is str:
        return TEXTS
    if hint is type(None):
        return st.none()
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    if origin in (typing.Union, types.UnionType):
        members = [one for one in typing.get_args(hint) if depth < DEPTH_MAX or not _nests(one)]
        return st.one_of([_value(one, depth + 1) for one in members])
    if origin is tuple:
        return st.lists(_value(typing.get_args(hint)[0], depth), max_size=3).map(tuple)
    return absurd(hint, depth + 1)


def _nests(hint: Any) -> bool:
    return isinstance(hint, type) and hint.__name__ in ("Txn", "TxnDone")

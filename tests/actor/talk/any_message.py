"""Every message class of the house, values of each, and one damage at any place in a value."""

import enum
import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator
from typing import Any

import attrs
import msgpack
from hypothesis import strategies as st

import kube_actors
from kube_actors.actor import Blob
from kube_actors.actor.message import class_of, known_tags, tag_of
from tests.actor.talk import wire_messages

Path = tuple[Any, ...]
"""The way to a value inside another: field names, positions, and keys of dicts."""

SHAPES = (wire_messages.Everything, wire_messages.Node, wire_messages.Refused, wire_messages.Empty)
NUMBERS = st.integers(-(2**63), 2**64 - 1)
TEXTS = st.text(max_size=4)
DATA = st.binary(max_size=4)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    Blob: DATA,
    int: NUMBERS | st.integers(-1, 2),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    str: TEXTS,
    bytes: DATA,
    type(None): st.none(),
}


def classes() -> list[type]:
    """Import the whole house and list what it says, by tag, and this folder's own shapes."""
    for found in pkgutil.walk_packages(kube_actors.__path__, "kube_actors."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    ours = [class_of(tag) for tag in known_tags()]
    return [cls for cls in ours if cls and cls.__module__.startswith("kube_actors.")] + [*SHAPES]


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Draw what an annotation allows."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, typing.NewType):
        return values(hint.__supertype__)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(each) for each in arguments])
    if origin is tuple and arguments[-1] is ...:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*[values(each) for each in arguments])
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    assert tag_of(hint), f"nobody knows how to draw {hint}"
    return messages(hint)


def messages(cls: type) -> st.SearchStrategy[Any]:
    """Draw messages of a class; a class may hold its own kind, so its fields are drawn late."""

    def build() -> st.SearchStrategy[Any]:
        hints = typing.get_type_hints(cls)
        return st.builds(cls, **{field.alias: values(hints[field.name]) for field in _fields(cls)})

    if cls not in PLAIN:
        PLAIN[cls] = st.deferred(build)
    return PLAIN[cls]


def _fields(cls: type) -> tuple[Any, ...]:
    return attrs.fields(cls)


# -- places and damage ---------------------------------------------------------------------


def parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what a value is made of, each with the step that leads to it."""
    if attrs.has(type(value)):
        yield from ((field.name, getattr(value, field.name)) for field in _fields(type(value)))
    elif isinstance(value, tuple):
        yield from enumerate(value)
    elif isinstance(value, dict):
        yield from value.items()


def places(value: Any) -> list[Path]:
    """List the ways to everything inside a value; the empty way leads to itself."""
    found: list[Path] = [()]
    for step, part in parts(value):
        found += [(step, *rest) for rest in places(part)]
    return found


def at(value: Any, path: Path) -> Any:
    """Follow a way."""
    for step in path:
        value = dict(parts(value))[step]
    return value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """Copy a value with another one put in at a place."""
    if not path:
        return new
    step, *rest = path
    inner = replaced(at(value, (step,)), tuple(rest), new)
    if isinstance(value, tuple):
        return (*value[:step], inner, *value[step + 1 :])
    if isinstance(value, dict):
        return {**value, step: inner}
    return attrs.evolve(value, **{step: inner})


TAGS = ("store.put", "wire.leaf", "wire.empty", "wire.nobody", "")
OTHERS = st.sampled_from(
    [None, True, False, 0, 1, 99, -(2**63), 2**64 - 1, 0.0, 1.5, "", "a", b"", b"a", (), {}, ((),)]
) | st.sampled_from([*TAGS, ("wire.leaf", 1, "a"), ("wire.empty",), {"a": 1}, {b"a": 1}])


def likenesses(value: Any) -> list[Any]:
    """List what could be mistaken for a value: its twins of another type, and its neighbours."""
    kind = type(value)
    if kind is bool:
        return [int(value), float(value)]
    if isinstance(value, enum.Enum):
        return [value.value, value.name]
    if kind is int:
        return [float(value), str(value), value + 1 if value < 2**63 else value - 1, value % 2 > 0]
    if kind is float:
        return [int(value)] if value == value and abs(value) < 2**53 else [None]
    if kind is str:
        return [value.encode(), value + "x", value[:-1]]
    if kind is bytes:
        return [value.decode("latin-1"), value + b"x", bytearray(value)]
    if kind is tuple:
        without = [value[:each] + value[each + 1 :] for each in range(len(value))]
        return [*without, (*value, None), (*value, 0), list(value), dict(enumerate(value))]
    if kind is dict:
        return [tuple(value.items()), {1: 1}, {**value, None: "a"}]
    return [None, (tag_of(kind),)]


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """Change one thing inside a value: a part missing, one too many, or one of another type."""
    path = draw(st.sampled_from(places(value)))
    new = draw(st.sampled_from(likenesses(at(value, path))) | OTHERS)
    return replaced(value, path, new)


def picture(value: Any) -> Any:
    """Say what a value is so that equal pictures mean equal types too, all the way down."""
    kind = type(value)
    if attrs.has(kind) or kind is tuple:
        return kind, tuple(picture(part) for _, part in parts(value))
    if kind is dict:
        return kind, tuple((picture(key), picture(part)) for key, part in value.items())
    return kind, repr(value)


def plain(header: bytes) -> Any:
    """Read a header as the wire does."""
    return msgpack.unpackb(header, use_list=False, strict_map_key=False)

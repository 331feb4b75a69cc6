"""What this process understands by each message tag, so that two processes can compare.

Messages cross as ``(tag, field, …)`` by position: a process with another idea of the fields would
read nonsense, or refuse every message. Before two processes talk they compare the tags that both
know; those that only one knows are its own business, as not every process loads every component.
"""

import enum
import types
import typing
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import attrs

from kube_actors.actor.message import Blob, class_of, known_tags, tag_of

DIGITS = 12
"""Hexadecimal digits kept of each tag's digest: 48 bits against accidents, not against malice."""


def schema_digests() -> dict[str, str]:
    """Return the digest of each registered message: names, order and types of its fields."""
    return {tag: sha256(layout_of(tag).encode()).hexdigest()[:DIGITS] for tag in known_tags()}


def layout_of(tag: str) -> str:
    """Write a message's layout as text: ``store.range(key: bytes, limit: int)``."""
    cls = class_of(tag)
    if cls is None:
        raise KeyError(f"no message is known as {tag!r}")
    hints = typing.get_type_hints(cls)
    fields = attrs.fields(typing.cast(Any, cls))
    return f"{tag}({', '.join(f'{each.name}: {_text(hints[each.name])}' for each in fields)})"


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Return the tags that both know and take for different things, sorted."""
    return sorted(tag for tag, digest in ours.items() if theirs.get(tag, digest) != digest)


def _text(hint: Any) -> str:
    """Write a type as it is on the wire; a nested message has its tag's own digest."""
    if hint is Blob:
        return "blob"
    if isinstance(hint, typing.NewType):
        return _text(hint.__supertype__)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _text(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join(sorted(_text(each) for each in arguments))
    if origin is not None:
        inside = ", ".join("..." if each is ... else _text(each) for each in arguments)
        return f"{origin.__name__}[{inside}]"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return f"enum[{', '.join(repr(each.value) for each in hint)}]"
    if isinstance(hint, type):
        return tag_of(hint) or hint.__name__
    return repr(hint)

"""What an actor may say: frozen attrs classes registered under a tag.

``@message("store.put")`` turns an annotated class into an immutable one and makes it known to
the wire. On a subclass of ``ActorError`` it makes an exception that can be raised through a call.
Annotations are read when the class is first encoded or decoded, so classes may name each other.
"""

from collections.abc import Callable
from typing import NewType, TypeVar, dataclass_transform

import attrs

Blob = NewType("Blob", bytes)
"""Opaque bytes of a message that cross beside its header, shared by reference in one process."""

T = TypeVar("T")

_classes: dict[str, type] = {}
_tags: dict[type, str] = {}


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def message(tag: str) -> Callable[[type[T]], type[T]]:
    """Make a class a message known as ``tag`` on the wire.

    Raises ValueError when the tag is empty or already names another class.
    """

    def define(cls: type[T]) -> type[T]:
        frozen: type[T] = attrs.define(
            frozen=True, slots=True, weakref_slot=issubclass(cls, BaseException), auto_exc=True
        )(cls)
        register(tag, frozen)
        return frozen

    return define


def register(tag: str, cls: type) -> None:
    """Make a frozen attrs class that was defined elsewhere known as ``tag`` on the wire.

    Raises ValueError when the tag is empty or already names another class.
    """
    known = _classes.get(tag)
    if not tag or (known is not None and _name(known) != _name(cls)):
        raise ValueError(f"message tag {tag!r} of {_name(cls)} is empty or taken by {known}")
    _classes[tag] = cls
    _tags[cls] = tag


def class_of(tag: str) -> type | None:
    """Find the message class registered under ``tag``."""
    return _classes.get(tag)


def tag_of(cls: type) -> str | None:
    """Find the tag of a message class; None for any other class."""
    return _tags.get(cls)


def known_tags() -> tuple[str, ...]:
    """Return every registered tag, sorted."""
    return tuple(sorted(_tags.values()))


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"

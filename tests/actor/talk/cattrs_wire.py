"""The wire's rules said a second time, by cattrs: what the codec is compared with.

A message is the tuple ``(tag, field, …)``, nested ones likewise, in the order of declaration;
nothing is coerced, but a whole number is a float to its sender; a ``Blob`` leaves its length and
crosses beside the tuple. cattrs writes the functions over fields (``make_hetero_tuple_…_fn``),
hooks say what a value of each annotation is. It shares no line with ``codec``, and has the same
two doors, so that either can stand in ``wire``; ARCHITECTURE says what it would cost there.
"""

import enum
import threading
import types
import typing
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import attrs
from cattrs import Converter
from cattrs.cols import mapping_structure_factory, mapping_unstructure_factory
from cattrs.gen import make_hetero_tuple_structure_fn, make_hetero_tuple_unstructure_fn

from kube_actors.actor import Blob
from kube_actors.actor.message import class_of, tag_of

Hook = Callable[..., Any]
EXACT: tuple[type, ...] = (int, bool, bytes, type(None))


class Refused(ValueError):
    """A value that is not what its annotation says."""


def exactly(kind: type) -> Hook:
    """Let a value through unchanged if its type is ``kind``, and not a subclass of it."""

    def through(value: Any, _: Any = None) -> Any:
        if type(value) is not kind:
            raise Refused(f"{value!r:.60} is no {kind.__name__}")
        return value

    return through


def text_out(value: Any) -> str:
    """Let subclasses of str (enumerations) leave as the text they are."""
    if type(value) is not str:
        if not isinstance(value, str):
            raise Refused(f"{value!r:.60} is no text")
        return str(value)
    return value


def float_out(value: Any) -> float:
    """Let a whole number leave as a float, but no bool."""
    if type(value) is int:
        return float(value)
    if type(value) is not float:
        raise Refused(f"{value!r:.60} is no float")
    return value


class CattrsWire:
    """A converter with the two functions that ``wire`` asks its codec for."""

    def __init__(self) -> None:
        self._now = threading.local()
        self._building: dict[tuple[str, type], list[Hook]] = {}
        self._enumerations: set[type] = set()
        self.encoders: dict[type, Hook] = {}
        self.decoders: dict[str, Hook] = {}
        self.converter = Converter(detailed_validation=False, forbid_extra_keys=True)
        self._register_scalars()
        for is_one, out, into in (
            (_is_sequence, self._sequence_out, self._sequence_in),
            (_is_mapping, self._mapping_out, self._mapping_in),
            (_is_union, self._union_out, self._union_in),
            (_is_renamed, self._renamed_out, self._renamed_in),
            (_is_message, self._message_out, self._message_in),
        ):
            self.converter.register_unstructure_hook_factory(is_one, out)
            self.converter.register_structure_hook_factory(is_one, into)
        self.converter.register_unstructure_hook_func(_is_blob, self._blob_out)
        self.converter.register_structure_hook_func(_is_blob, self._blob_in)

    def _register_scalars(self) -> None:
        for kind in EXACT:
            self._register(kind, exactly(kind), exactly(kind))
        self._register(str, text_out, exactly(str))
        self._register(float, float_out, exactly(float))

    def _register(self, kind: Any, out: Hook, into: Hook) -> None:
        self.converter.register_unstructure_hook(kind, out)
        self.converter.register_structure_hook(kind, into)

    def encoder(self, cls: type) -> Hook:
        """Make the function from (message, list that receives its blobs) to a tuple."""
        hook, now = self.converter.get_unstructure_hook(cls), self._now

        def encode(message: Any, blobs: list[bytes]) -> Any:
            now.blobs = blobs
            return hook(message)

        self.encoders[cls] = encode
        return encode

    def decoder(self, tag: object) -> Hook:
        """Make the function from (tuple, function giving the next blob) to a message."""
        cls = class_of(tag) if type(tag) is str else None
        if cls is None:
            raise Refused(f"unknown tag {tag!r:.60}")
        hook, now = self.converter.get_structure_hook(cls), self._now

        def decode(value: Any, take: Callable[[], bytes]) -> Any:
            now.take = take
            return hook(value, cls)

        self.decoders[typing.cast(str, tag)] = decode
        return decode

    # -- what a value of each annotation is ----------------------------------------------

    def _blob_out(self, value: Any) -> int:
        if type(value) is not bytes:
            raise Refused(f"{value!r:.60} is no blob")
        self._now.blobs.append(value)
        return len(value)

    def _blob_in(self, value: Any, _: Any) -> bytes:
        blob = self._now.take()
        if type(value) is not int or type(blob) is not bytes or len(blob) != value:
            raise Refused(f"no blob of {value!r:.60} bytes came")
        return blob

    def _register_enumeration(self, kind: type[enum.Enum]) -> None:
        """Register by class, as int and str are: a hook of theirs is also their subclasses'."""
        values = {member: member.value for member in kind}
        members = {member.value: member for member in kind}
        (wire,) = {type(value) for value in members}

        def out(value: Any) -> Any:
            if type(value) is not kind:
                raise Refused(f"{value!r:.60} is no {kind.__name__}")
            return values[value]

        def into(value: Any, _: Any) -> Any:
            if type(value) is not wire or value not in members:
                raise Refused(f"{value!r:.60} is no {kind.__name__}")
            return members[value]

        self._register(kind, out, into)
        self._enumerations.add(kind)

    def _sequence_out(self, hint: Any) -> Hook:
        arguments = typing.get_args(hint)
        if arguments[-1] is not ...:
            return _counted(
                len(arguments), make_hetero_tuple_unstructure_fn(hint, self.converter, tuple)
            )
        each = self.converter.get_unstructure_hook(arguments[0])

        def out(value: Any) -> tuple[Any, ...]:
            if type(value) is not tuple:
                raise Refused(f"{value!r:.60} is no tuple")
            return tuple([each(item) for item in value]) if value else value

        return out

    def _sequence_in(self, hint: Any) -> Hook:
        arguments = typing.get_args(hint)
        if arguments[-1] is not ...:
            return _counted(len(arguments), make_hetero_tuple_structure_fn(hint, self.converter))
        kind, each = arguments[0], self.converter.get_structure_hook(arguments[0])

        def into(value: Any, _: Any) -> tuple[Any, ...]:
            if type(value) is not tuple:
                raise Refused(f"{value!r:.60} is no tuple")
            return tuple([each(item, kind) for item in value]) if value else value

        return into

    def _mapping_out(self, hint: Any) -> Hook:
        return _after(exactly(dict), mapping_unstructure_factory(hint, self.converter))

    def _mapping_in(self, hint: Any) -> Hook:
        return _after(exactly(dict), mapping_structure_factory(hint, self.converter))

    def _union_out(self, hint: Any) -> Hook:
        kinds: dict[type, Hook] = {}
        for member in typing.get_args(hint):
            seen = _plain(member)
            seen = typing.get_origin(seen) or seen
            kinds[seen] = self.converter.get_unstructure_hook(member)

        def out(value: Any) -> Any:
            hook = kinds.get(type(value))
            if hook is None:
                raise Refused(f"{value!r:.60} is none of {hint}")
            return hook(value)

        return out

    def _union_in(self, hint: Any) -> Hook:
        kinds: dict[type, Hook] = {}
        tags: dict[str, Hook] = {}
        for member in typing.get_args(hint):
            hook = self.converter.get_structure_hook(member)
            tag = tag_of(member)
            if tag is not None:
                tags[tag] = hook
            else:
                kinds[_on_the_wire(member)] = hook

        def into(value: Any, _: Any) -> Any:
            kind = type(value)
            hook = tags.get(value[0]) if kind is tuple and tags and value else kinds.get(kind)
            if hook is None:
                raise Refused(f"{value!r:.60} is none of {hint}")
            return hook(value, None)

        return into

    def _renamed_out(self, hint: Any) -> Hook:
        return self.converter.get_unstructure_hook(_plain(hint))

    def _renamed_in(self, hint: Any) -> Hook:
        return self.converter.get_structure_hook(_plain(hint))

    def _message_out(self, cls: type) -> Hook:
        return self._once("out", cls, self._write_out)

    def _message_in(self, cls: type) -> Hook:
        return self._once("in", cls, self._write_in)

    def _once(self, verb: str, cls: type, write: Callable[[type], Hook]) -> Hook:
        """Write a hook; inside itself (a Txn in a Txn) it is found when it is called."""
        building = self._building.get((verb, cls))
        if building is not None:

            def later(*arguments: Any) -> Any:
                return building[0](*arguments)

            return later
        self._building[verb, cls] = found = []
        try:
            found.append(write(cls))
        finally:
            del self._building[verb, cls]
        return found[0]

    def _write_out(self, cls: type) -> Hook:
        tag, names, hints = tag_of(cls), _names(cls), self._hints(cls)
        convert = make_hetero_tuple_unstructure_fn(None, self.converter, tuple, hints)
        get = _getter(names)

        def out(message: Any) -> tuple[Any, ...]:
            if type(message) is not cls:
                raise Refused(f"{message!r:.60} is no {cls.__name__}")
            return (tag, *convert(get(message)))

        return out

    def _write_in(self, cls: type) -> Hook:
        tag, hints = tag_of(cls), self._hints(cls)
        count, shape = len(hints) + 1, tuple[hints or ((),)]  # type: ignore[valid-type]
        convert = make_hetero_tuple_structure_fn(shape, self.converter) if hints else _nothing

        def into(value: Any, _: Any) -> Any:
            if type(value) is not tuple or len(value) != count or value[0] != tag:
                raise Refused(f"{value!r:.60} is no {cls.__name__}")
            return cls(*convert(value[1:], None))

        return into

    def _hints(self, cls: type) -> tuple[Any, ...]:
        hints = typing.get_type_hints(cls)
        for kind in {each for hint in hints.values() for each in _inside(hint)}:
            if _is_enumeration(kind) and kind not in self._enumerations:
                self._register_enumeration(kind)
        return tuple(hints[name] for name in _names(cls))


def _nothing(*_: object) -> tuple[()]:
    return ()


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda message: tuple([getattr(message, name) for name in names])


def _counted(count: int, then: Hook) -> Hook:
    def check(value: Any, *_: Any) -> Any:
        if type(value) is not tuple or len(value) != count:
            raise Refused(f"{value!r:.60} is no tuple of {count}")
        return then(value)

    return check


def _after(check: Hook, then: Hook) -> Hook:
    return lambda value, *_: then(check(value))


def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


def _inside(hint: Any) -> Iterator[Any]:
    yield _plain(hint)
    for inner in typing.get_args(hint):
        yield from _inside(inner)


def _plain(hint: Any) -> Any:
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return hint


def _on_the_wire(hint: Any) -> type:
    if hint is Blob:
        return int
    hint = _plain(hint)
    if _is_enumeration(hint):
        return type(next(iter(hint)).value)
    return typing.cast(type, typing.get_origin(hint) or hint)


def _is_blob(hint: Any) -> bool:
    return hint is Blob


def _is_message(hint: Any) -> bool:
    return isinstance(hint, type) and tag_of(hint) is not None


def _is_enumeration(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def _is_sequence(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple


def _is_mapping(hint: Any) -> bool:
    return typing.get_origin(hint) is dict


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _is_renamed(hint: Any) -> bool:
    return isinstance(hint, typing.NewType) and hint is not Blob

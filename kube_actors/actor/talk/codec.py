"""Turns message classes into pairs of functions between instances and plain tuples.

A message becomes ``(tag, field, …)`` in the order of declaration, nested ones likewise; what the
functions refuse is exact: no coercion, no missing, no extra field. They are generated as source
once per class, because this is the hottest code of the house: a generic walk costs ten times as
much. Types that cannot cross (lists, ``Any``, unions that look alike) are refused with TypeError
when the class is first used.
"""

import enum
import threading
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from kube_actors.actor.errors import MalformedMessage
from kube_actors.actor.message import Blob, class_of, tag_of

Encoder = Callable[[Any, list[bytes]], tuple[Any, ...]]
"""(message, list that receives its blobs) to a tuple of plain values."""
Decoder = Callable[[Any, Callable[[], bytes]], Any]
"""(plain value, function giving the next blob) to a message."""

SCALARS: tuple[type, ...] = (int, str, bytes, bool, float)


def refuse(where: str, expected: str, value: object) -> typing.NoReturn:
    """Raise MalformedMessage for a value of the wrong type; ``where`` is ``Class.field``."""
    raise MalformedMessage(f"{where}: expected {expected}, got {type(value).__name__}")


def as_text(where: str, value: object) -> str:
    """Take subclasses of str (enumerations) as the text they are."""
    if isinstance(value, str):
        return str(value)
    refuse(where, "str", value)


def as_float(where: str, value: object) -> float:
    """Take an integer where the annotation says float, as Python's type rules do."""
    if type(value) is int:
        return float(value)
    refuse(where, "float", value)


class Codec:
    """The compiled classes; grows as classes are first used."""

    def __init__(self) -> None:
        self.encoders: dict[type, Encoder] = {}
        self.decoders: dict[str, Decoder] = {}
        self._names: dict[type, int] = {}
        self._numbered = 0
        self._namespace: dict[str, Any] = {
            "new": object.__new__,
            "refuse": refuse,
            "as_text": as_text,
            "as_float": as_float,
        }
        self._waiting: list[type] = []
        self._unions: list[tuple[dict[str, Decoder], tuple[type, ...]]] = []
        # Disks are read in threads: two of them may meet a class for the first time at once.
        self._compiling = threading.Lock()

    def encoder(self, cls: type) -> Encoder:
        """Find or compile the encoder of a message class; MalformedMessage for any other."""
        if cls not in self.encoders:
            if tag_of(cls) is None:
                raise MalformedMessage(f"{cls.__name__} is not a message")
            with self._compiling:
                self._compile(cls)
        return self.encoders[cls]

    def decoder(self, tag: object) -> Decoder:
        """Find or compile the decoder for a tag; MalformedMessage when nobody has it."""
        cls = class_of(tag) if type(tag) is str else None
        if cls is None:
            raise MalformedMessage(f"unknown message tag {tag!r:.60}")
        with self._compiling:
            self._compile(cls)
        return self.decoders[typing.cast(str, tag)]

    def _compile(self, cls: type) -> None:
        fresh: list[type] = []
        self.index(cls)
        try:
            while self._waiting:
                fresh.append(self._waiting.pop())
                exec(_Source(self, fresh[-1]).text(), self._namespace)
        except (TypeError, NameError):
            # Half a batch would call functions that were never written.
            for one in (*fresh, *self._waiting):
                del self._names[one]
            self._waiting.clear()
            self._unions.clear()
            raise
        for table, members in self._unions:
            table.update((str(tag_of(one)), self._function("decode", one)) for one in members)
        self._unions.clear()
        # Last, for another thread uses them from here on.
        for done in fresh:
            self.encoders[done] = self._function("encode", done)
            self.decoders[str(tag_of(done))] = self._function("decode", done)

    def _function(self, verb: str, cls: type) -> Any:
        return self._namespace[f"{verb}_{self._names[cls]}"]

    def index(self, cls: type) -> int:
        """Number a class, and see to it that it gets compiled."""
        if cls not in self._names:
            self._numbered += 1
            self._names[cls] = self._numbered
            self._namespace[f"class_{self._numbered}"] = cls
            self._waiting.append(cls)
        return self._names[cls]

    def constant(self, value: object) -> str:
        """Name a value inside the generated source."""
        name = f"constant_{len(self._namespace)}"
        self._namespace[name] = value
        return name

    def union(self, members: tuple[type, ...]) -> str:
        """Name a table from tag to decoder for the messages of a union."""
        table: dict[str, Decoder] = {}
        self._unions.append((table, members))
        return self.constant(table)


class _Source:
    """Writes the two functions of one class."""

    def __init__(self, codec: Codec, cls: type) -> None:
        self._codec = codec
        self._cls = cls
        self._lines: list[str] = []
        self._depth = 1
        self._temporaries = 0
        self._where = ""

    def text(self) -> str:
        index = self._codec.index(self._cls)
        fields = attrs.fields(self._cls)
        hints = typing.get_type_hints(self._cls)
        tag = tag_of(self._cls)
        self._lines = [f"def encode_{index}(message, blobs):"]
        values = []
        for number, field in enumerate(fields):
            self._where = f"{self._cls.__name__}.{field.name}"
            self._put(f"f{number} = message.{field.name}")
            values.append(self._encode(hints[field.name], f"f{number}"))
        self._put(f"return ({', '.join([repr(tag), *values])},)")
        names = "".join(f", f{number}" for number in range(len(fields)))
        self._lines.append(f"def decode_{index}(value, take):")
        self._put(f"if type(value) is not tuple or len(value) != {len(fields) + 1}:")
        self._put(f"    refuse({self._cls.__name__!r}, '{len(fields)} fields', value)")
        self._put(f"tag{names}, = value")
        self._put(f"if tag != {tag!r}: refuse({self._cls.__name__!r}, {tag!r}, tag)")
        values = []
        for number, field in enumerate(fields):
            self._where = f"{self._cls.__name__}.{field.name}"
            values.append(self._decode(hints[field.name], f"f{number}"))
        self._construct(index, fields, values)
        return "\n".join(self._lines) + "\n"

    def _construct(
        self, index: int, fields: tuple["attrs.Attribute[Any]", ...], values: list[str]
    ) -> None:
        """Write how an instance is made: through its slots when its constructor adds nothing.

        A frozen attrs constructor costs half as much again as the slots themselves.
        """
        if _is_plain(self._cls, fields):
            self._put(f"message = new(class_{index})")
            for field, value in zip(fields, values, strict=True):
                setter = self._codec.constant(self._cls.__dict__[field.name].__set__)
                self._put(f"{setter}(message, {value})")
            self._put("return message")
            return
        arguments = [f"{field.alias}={value}" for field, value in zip(fields, values, strict=True)]
        self._put(f"return class_{index}({', '.join(arguments)})")

    def _put(self, line: str) -> None:
        self._lines.append("    " * self._depth + line)

    def _name(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    def _check(self, test: str, expected: str, value: str) -> None:
        self._put(f"if {test}: refuse({self._where!r}, {expected!r}, {value})")

    def _encode(self, hint: Any, value: str) -> str:
        """Write the check and conversion of one value; name the result."""
        result = self._name()
        if hint is Blob:
            self._check(f"type({value}) is not bytes", "bytes", value)
            self._put(f"blobs.append({value})")
            self._put(f"{result} = len({value})")
            return result
        hint = _plain(hint)
        if hint is str or hint is float:
            convert = "as_text" if hint is str else "as_float"
            self._put(f"{result} = {value}")
            self._put(f"if type({value}) is not {hint.__name__}:")
            self._put(f"    {result} = {convert}({self._where!r}, {value})")
            return result
        if hint in SCALARS:
            self._check(f"type({value}) is not {hint.__name__}", hint.__name__, value)
            return value
        if _is_enumeration(hint):
            kind = self._codec.constant(hint)
            self._check(f"type({value}) is not {kind}", hint.__name__, value)
            self._put(f"{result} = {value}.value")
            return result
        if tag_of(hint) is not None:
            index = self._codec.index(hint)
            self._check(f"type({value}) is not class_{index}", hint.__name__, value)
            self._put(f"{result} = encode_{index}({value}, blobs)")
            return result
        return self._compound(hint, value, result, self._encode)

    def _decode(self, hint: Any, value: str) -> str:
        result = self._name()
        if hint is Blob:
            self._put(f"{result} = take()")
            self._check(
                f"type({value}) is not int or type({result}) is not bytes"
                f" or len({result}) != {value}",
                "a blob",
                value,
            )
            return result
        hint = _plain(hint)
        if hint in SCALARS:
            self._check(f"type({value}) is not {hint.__name__}", hint.__name__, value)
            return value
        if _is_enumeration(hint):
            members = self._codec.constant({member.value: member for member in hint})
            wire = self._codec.constant(type(next(iter(hint)).value))
            self._put(f"{result} = {members}.get({value}) if type({value}) is {wire} else None")
            self._check(f"{result} is None", hint.__name__, value)
            return result
        if tag_of(hint) is not None:
            self._put(f"{result} = decode_{self._codec.index(hint)}({value}, take)")
            return result
        return self._compound(hint, value, result, self._decode)

    def _compound(
        self, hint: Any, value: str, result: str, convert: Callable[[Any, str], str]
    ) -> str:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            self._union(arguments, value, result, convert)
        elif origin is tuple and len(arguments) == 2 and arguments[1] is ...:
            self._check(f"type({value}) is not tuple", "tuple", value)
            self._sequence(arguments[0], value, result, convert)
        elif origin is tuple:
            arguments = () if arguments == ((),) else arguments
            test = f"type({value}) is not tuple or len({value}) != {len(arguments)}"
            self._check(test, f"tuple of {len(arguments)}", value)
            parts = [convert(part, f"{value}[{at}]") for at, part in enumerate(arguments)]
            self._put(f"{result} = ({' '.join(part + ',' for part in parts)})")
        elif origin is dict:
            self._check(f"type({value}) is not dict", "dict", value)
            self._mapping(arguments, value, result, convert)
        else:
            raise TypeError(f"{self._where}: {hint!r} cannot cross the wire")
        return result

    def _sequence(
        self, part: Any, value: str, result: str, convert: Callable[[Any, str], str]
    ) -> None:
        each, items = self._name(), self._name()
        self._put(f"{result} = {value}")
        self._put(f"if {value}:")
        self._depth += 1
        self._put(f"{items} = []")
        self._put(f"for {each} in {value}:")
        self._depth += 1
        self._put(f"{items}.append({convert(part, each)})")
        self._depth -= 1
        self._put(f"{result} = tuple({items})")
        self._depth -= 1

    def _mapping(
        self, parts: tuple[Any, ...], value: str, result: str, convert: Callable[[Any, str], str]
    ) -> None:
        if _plain(parts[0]) not in (str, bytes):
            raise TypeError(f"{self._where}: the keys of a dict must be str or bytes")
        each, item = self._name(), self._name()
        self._put(f"{result} = {{}}")
        self._put(f"for {each}, {item} in {value}.items():")
        self._depth += 1
        self._put(f"{result}[{convert(parts[0], each)}] = {convert(parts[1], item)}")
        self._depth -= 1

    def _union(
        self,
        members: tuple[Any, ...],
        value: str,
        result: str,
        convert: Callable[[Any, str], str],
    ) -> None:
        encoding = convert == self._encode
        messages = tuple(member for member in members if tag_of(member) is not None)
        others = [member for member in members if tag_of(member) is None]
        _check_distinct(self._where, others, bool(messages))
        keyword = "if"
        for member in others:
            self._put(f"{keyword} {self._looks_like(member, value, encoding)}:")
            self._depth += 1
            converted = "None" if member is type(None) else convert(member, value)
            self._put(f"{result} = {converted}")
            self._depth -= 1
            keyword = "elif"
        if messages and encoding:
            for member in messages:
                index = self._codec.index(member)
                self._put(f"{keyword} type({value}) is class_{index}:")
                self._put(f"    {result} = encode_{index}({value}, blobs)")
                keyword = "elif"
        elif messages:
            for member in messages:
                self._codec.index(member)
            table, found = self._codec.union(messages), self._name()
            self._put(f"{keyword} type({value}) is tuple and {value}:")
            self._put(f"    {found} = {table}.get({value}[0])")
            self._put(f"    if {found} is None: refuse({self._where!r}, 'a known tag', {value}[0])")
            self._put(f"    {result} = {found}({value}, take)")
        self._put("else:")
        self._put(f"    refuse({self._where!r}, 'one of a union', {value})")

    def _looks_like(self, member: Any, value: str, encoding: bool) -> str:
        if member is type(None):
            return f"{value} is None"
        if encoding and _is_enumeration(_plain(member)):
            return f"type({value}) is {self._codec.constant(_plain(member))}"
        if encoding and member is Blob:
            return f"type({value}) is bytes"
        return f"type({value}) is {_wire_type(member).__name__}"


def _is_plain(cls: type, fields: tuple["attrs.Attribute[Any]", ...]) -> bool:
    """Say whether a constructor only stores its arguments."""
    hooks = ("__attrs_pre_init__", "__attrs_post_init__")
    return (
        not issubclass(cls, BaseException)
        and not any(hasattr(cls, hook) for hook in hooks)
        and all(field.validator is None and field.converter is None for field in fields)
        and all(field.name in cls.__dict__ for field in fields)
    )


def _plain(hint: Any) -> Any:
    """See through NewType and Annotated, but not through Blob."""
    while hint is not Blob:
        if isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        elif typing.get_origin(hint) is typing.Annotated:
            hint = typing.get_args(hint)[0]
        else:
            break
    return hint


def _is_enumeration(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def _wire_type(hint: Any) -> type:
    """What a value of this annotation is after msgpack."""
    if hint is Blob:
        return int
    hint = _plain(hint)
    if _is_enumeration(hint):
        return type(next(iter(hint)).value)
    origin = typing.get_origin(hint) or hint
    return origin if isinstance(origin, type) else object


def _check_distinct(where: str, members: Iterable[Any], messages: bool) -> None:
    seen: list[type] = [tuple] if messages else []
    for member in members:
        wire = _wire_type(member)
        if wire in seen:
            raise TypeError(f"{where}: two members of the union look alike on the wire")
        seen.append(wire)


def taker(blobs: Iterable[bytes]) -> tuple[Callable[[], bytes], Iterator[bytes]]:
    """Give the function that takes the next blob, and the iterator to see that none is left."""
    left = iter(blobs)
    return left.__next__, left

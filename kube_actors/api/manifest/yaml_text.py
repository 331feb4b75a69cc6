"""YAML into JSON values by the rules of sigs.k8s.io/yaml, which are YAML 1.1 as Go reads it.

``yes``, ``on`` and ``y`` are booleans, ``017`` and ``0o17`` are 15, ``1e3`` and ``1.0`` become
integers on the way through JSON, dates and times stay text, keys become text, merge keys work and
infinities are refused. An alias may not unfold into the whole memory, nor nesting into the whole
stack.
"""

import base64
import binascii
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from kube_actors.api.manifest.json_text import DEPTH_MAX, Decoded, malformed

_TAG = "tag:yaml.org,2002:"
_UNFOLDED_MAX = 400_000
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_ENDLESS = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z"
)
_BASES = (16, 2, 8, 10)


def _number(text: str) -> int | float | None:
    plain = text.replace("_", "")
    if match := _INTEGER.match(plain):
        digits, base = next((d, b) for d, b in zip(match.groups()[1:], _BASES, strict=True) if d)
        if len(digits) > 64:
            return None
        number = int(digits, base)
        return -number if match[1] == "-" else number
    if _FLOAT.match(plain):
        value = float(plain)
        if math.isinf(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    return None


def _malformed_at(event: yaml.Event, problem: str) -> Exception:
    mark = event.start_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    text = f"error converting YAML to JSON: yaml: line {line}, column {column}: {problem}"
    return malformed(text, line, column)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text, tag = event.value, event.tag
    if tag == f"{_TAG}str" or (tag in {None, "!"} and not event.implicit[0]):
        return text
    if tag == f"{_TAG}binary":
        try:
            return base64.b64decode(text).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _malformed_at(event, "!!binary value contains invalid base64 data") from error
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _ENDLESS.match(text):
        raise _malformed_at(event, f"json: unsupported value: {text}")
    if text[0] in "+-.0123456789":
        number = _number(text)
        if number is not None:
            return number
    return text


def _key_text(value: Any, event: yaml.Event) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise _malformed_at(event, "unsupported map key")


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_copy(child) for child in value]
    return value


class _Sequence:
    """A list being filled."""

    def __init__(self, anchor: str | None, begun: int) -> None:
        self.anchor, self.begun = anchor, begun
        self.made: list[Any] = []

    def step(self) -> str:
        return f"[{len(self.made)}]"

    def add(self, value: Any, event: yaml.Event) -> bool:
        self.made.append(value)
        return False


class _Mapping:
    """An object being filled: a key, then its value, and what is merged in at the end."""

    def __init__(self, anchor: str | None, begun: int) -> None:
        self.anchor, self.begun = anchor, begun
        self._made: dict[str, Any] = {}
        self._merged: dict[str, Any] = {}
        self._key: str | None = None
        self._merges = False

    @property
    def made(self) -> dict[str, Any]:
        for key, value in self._merged.items():
            self._made.setdefault(key, value)
        return self._made

    def step(self) -> str:
        return f".{self._key}"

    def add(self, value: Any, event: yaml.Event) -> bool:
        """Take the next key or value; True if the key was there already."""
        if self._merges:
            self._merges = False
            for each in value if isinstance(value, list) else [value]:
                if not isinstance(each, dict):
                    problem = "map merge requires map or sequence of maps as the value"
                    raise _malformed_at(event, problem)
                for key, child in each.items():
                    self._merged.setdefault(key, child)
            return False
        if self._key is None:
            if value == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
                self._merges = True
                return False
            self._key = _key_text(value, event)
            return self._key in self._made
        self._made[self._key] = value
        self._key = None
        return False


class _Builder:
    """Builds one document from events, without recursion: nesting is the sender's choice.

    Aliases are copied, so that nothing in the result is shared, and counted, so that a short text
    cannot unfold into the whole memory.
    """

    def __init__(self) -> None:
        self.duplicates: list[str] = []
        self.root: Any = None
        self.has_root = False
        self._open: list[_Sequence | _Mapping] = []
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._made = 0

    def feed(self, event: yaml.Event) -> None:
        self._made += 1
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
            if event.anchor:
                self._anchors[event.anchor] = (value, 1)
            blank = event.value == "" and event.implicit[0]
            self._add(value, event, blank=blank)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._alias(event), event)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= DEPTH_MAX:
                raise _malformed_at(event, "exceeded max depth")
            if event.anchor:
                self._anchors[event.anchor] = None
            opened = _Sequence if isinstance(event, yaml.SequenceStartEvent) else _Mapping
            self._open.append(opened(event.anchor, self._made))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            if done.anchor:
                self._anchors[done.anchor] = (done.made, self._made - done.begun)
            self._add(done.made, event)

    def _alias(self, event: yaml.AliasEvent) -> Any:
        name = event.anchor
        if name not in self._anchors:
            raise _malformed_at(event, f"unknown anchor '{name}' referenced")
        found = self._anchors[name]
        if found is None:
            raise _malformed_at(event, f"anchor '{name}' value contains itself")
        self._made += found[1]
        if self._made > _UNFOLDED_MAX:
            raise _malformed_at(event, "document contains excessive aliasing")
        return _copy(found[0])

    def _add(self, value: Any, event: yaml.Event, *, blank: bool = False) -> None:
        if not self._open:
            self.root, self.has_root = value, not blank
        elif self._open[-1].add(value, event):
            path = "".join(each.step() for each in self._open).removeprefix(".")
            if path not in self.duplicates:
                self.duplicates.append(path)


def decode_documents(data: bytes | str) -> Iterator[Decoded]:
    """Decode every document that is not empty; raises ``MalformedManifest`` at the first fault."""
    try:
        builder = _Builder()
        for event in yaml.parse(data, Loader=yaml.CSafeLoader):
            builder.feed(event)
            if isinstance(event, yaml.DocumentEndEvent):
                if builder.has_root:
                    yield Decoded(builder.root, tuple(builder.duplicates))
                builder = _Builder()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = error.problem or error.context or "malformed"
        text = f"error converting YAML to JSON: yaml: line {line}, column {column}: {problem}"
        raise malformed(text, line, column) from error
    except yaml.YAMLError as error:
        text = " ".join(str(error).split())
        raise malformed(f"error converting YAML to JSON: yaml: {text}") from error


def decode_yaml(data: bytes | str) -> Decoded:
    """Decode the first document, as the API does with a YAML body; empty text is None."""
    for decoded in decode_documents(data):
        return decoded
    return Decoded(None)


class _Dumper(yaml.CSafeDumper):
    """Writes text so that the rules above read it back as text, and shares nothing by alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    looks_plain = (
        text in _NULL
        or text in _TRUE
        or text in _FALSE
        or text == "<<"
        or _ENDLESS.match(text) is not None
        or (text[0] in "+-.0123456789" and _number(text) is not None)
    )
    style = "|" if "\n" in text and not text.startswith((" ", "\n")) else None
    return dumper.represent_scalar(f"{_TAG}str", text, style='"' if looks_plain else style)


_Dumper.add_representer(str, _represent_text)


def dump_yaml(value: Any) -> str:
    """Write a JSON value as a YAML document, in the order of its keys."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text

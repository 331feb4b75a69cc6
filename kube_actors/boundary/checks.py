"""What a value must be for each type of a field: nothing is turned into another type.

cattrs by itself calls the type, so that ``"7"`` would be 7, 1 True, and a text a tuple of letters.
"""

import math
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory, mapping_structure_factory
from cattrs.dispatch import StructureHook

from kube_actors.boundary.refusal import unexpected


def register_checks(converter: Converter) -> None:
    """Teach a converter every type that ``Boundary`` names, attrs classes aside."""
    for kind, check in ((int, _integer), (float, _number), (str, _text), (bool, _truth)):
        converter.register_structure_hook(kind, check)
    converter.register_structure_hook_factory(_is_scalar_union, _scalar_hook)
    converter.register_structure_hook_factory(_is_literal, _literal_hook)
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)


def _integer(value: Any, _: Any) -> int:
    if type(value) is not int:
        raise unexpected("an integer", value)
    return value


def _number(value: Any, _: Any) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is not int:
        raise unexpected("a number", value)
    return value


def _text(value: Any, _: Any) -> str:
    if type(value) is not str:
        raise unexpected("a text", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            # A lone surrogate, which JSON can spell: nobody could pass it on as UTF-8.
            raise unexpected("a text that UTF-8 can spell", value) from None
    return value


def _truth(value: Any, _: Any) -> bool:
    if type(value) is not bool:
        raise unexpected("true or false", value)
    return value


_WORDS = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
_WORDS[type(None)] = "null"


def _is_scalar_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and all(
        member in _WORDS for member in get_args(kind)
    )


def _scalar_hook(kind: Any) -> StructureHook:
    members = get_args(kind)
    allowed = frozenset(members) | ({int} if float in members else frozenset())
    words = [word for member, word in _WORDS.items() if member in members]
    if float in members and int in members:
        words.remove(_WORDS[int])
    expected = ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0]

    def check(value: Any, _: Any) -> Any:
        found = type(value)
        if found not in allowed or (found is float and not math.isfinite(value)):
            raise unexpected(expected, value)
        return value

    return check


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _literal_hook(kind: Any) -> StructureHook:
    words = get_args(kind)
    assert all(type(word) is str for word in words), f"{kind}: only texts"
    expected = f"one of {', '.join(words)}"

    def check(value: Any, _: Any) -> Any:
        if value not in words:
            raise unexpected(expected, value)
        return value

    return check


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


def _tuple_hook(kind: Any, converter: Converter) -> StructureHook:
    items = homogenous_tuple_structure_factory(kind, converter)

    def read(value: Any, _: Any) -> Any:
        if type(value) is not list:
            raise unexpected("a list", value)
        return items(value, kind)

    return read


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) in (dict, Mapping)


def _mapping_hook(kind: Any, converter: Converter) -> StructureHook:
    entries = mapping_structure_factory(kind, converter)

    def read(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise unexpected("an object", value)
        return entries(value, kind)

    return read

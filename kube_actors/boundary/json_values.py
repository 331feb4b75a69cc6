"""JSON as it comes from outside: one value, no name twice in an object, no endless number words."""

import json
from collections.abc import Callable
from typing import Any, NoReturn

from kube_actors.boundary.refusal import Malformed, shown


def parse_json(text: str | bytes, *, parse_int: Callable[[str], Any] | None = None) -> Any:
    """Read one value; raises Malformed, in one line, for what is no JSON.

    A name that stands twice in one object is refused: which of the two was meant?
    """
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_int=parse_int, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as error:
        raise Malformed("", f"not JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {shown(twice)} stands twice in one object")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")

"""When two JSON values are the same: numbers by value, but a boolean is never a number."""

from typing import Any


def same(left: Any, right: Any) -> bool:
    """Compare deeply, as JSON."""
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(same(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, list):
        return (
            isinstance(right, list)
            and len(left) == len(right)
            and all(same(a, b) for a, b in zip(left, right, strict=True))
        )
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def same_type(left: Any, right: Any) -> bool:
    """Whether both are objects, both lists, both text … integers and floats are two types."""
    return type(left) is type(right)

"""Equal label sets as one object: thousands of pods carry the labels of a few templates.

Every view and every cache of a process keeps the labels of what it holds; sharing them makes that
cost one reference. The same goes for conditions, which a hundred healthy nodes have in common.
What comes out is shared by everybody and must not be changed.
"""

import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_SETS_MAX = 16_384
_NONE: dict[str, str] = {}


def shared_labels(labels: Mapping[str, Any] | None) -> dict[str, str]:
    """Return labels equal to ``labels`` (None: no labels), the same object for equal ones."""
    if not labels:
        return _NONE
    return _shared(tuple(labels.items()))


def shared_condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a condition equal to ``condition``, the same object for equal ones."""
    return _shared(tuple(condition.items()))


@lru_cache(maxsize=_SETS_MAX)
def _shared(items: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {
        sys.intern(key): sys.intern(value) if type(value) is str else value for key, value in items
    }

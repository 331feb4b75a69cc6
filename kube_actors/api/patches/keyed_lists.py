"""The order of a merged list: what the patch says, then what the server had, interleaved.

Elements are matched by a merge key, or by their own value when they are no objects. The places of
elements that only the server has follow their neighbours in the live list, as far as that can be.
"""

from typing import Any

from kube_actors.api.causes import show
from kube_actors.api.errors import StatusError, bad_request, unprocessable
from kube_actors.api.patches.equality import same


def no_merge_key(element: Any, merge_key: str) -> StatusError:
    """Make the 422 for an element that lacks the merge key of its list."""
    return unprocessable(f"map: {show(element)} does not contain declared merge key: {merge_key}")


def element_key(element: Any, merge_key: str) -> Any:
    """The merge key's value, or the element itself in a list of scalars (``merge_key`` "")."""
    if not merge_key:
        return element
    if not isinstance(element, dict):
        raise bad_request(f"expected an object with key {merge_key}, got {show(element)}")
    if merge_key not in element:
        raise no_merge_key(element, merge_key)
    return element[merge_key]


def position(elements: list[Any], key: Any, merge_key: str) -> int:
    """Where the element with this key is, -1 if nowhere."""
    for index, element in enumerate(elements):
        if not merge_key:
            if same(element, key):
                return index
        elif not isinstance(element, dict):
            raise bad_request(f"value for key {index} is not a map")
        elif merge_key in element and same(element[merge_key], key):
            return index
    return -1


def check_elements(*lists: list[Any]) -> type | None:
    """Give the one type that all elements have; raises on mixed types and on lists of lists."""
    kind: type | None = None
    for elements in lists:
        for element in elements:
            if isinstance(element, list):
                raise unprocessable("lists of lists are not supported")
            if kind is not None and type(element) is not kind:
                raise bad_request(f"list element types are not identical: {show(elements)}")
            kind = type(element)
    return kind


def unique(elements: list[Any]) -> list[Any]:
    """Keep the first of each value, in order; values are compared as JSON."""
    kept: list[Any] = []
    for element in elements:
        if position(kept, element, "") < 0:
            kept.append(element)
    return kept


def _sorted_by(elements: list[Any], order: list[Any], merge_key: str) -> list[Any]:
    places = []
    for element in elements:
        found = position(order, element_key(element, merge_key), merge_key)
        places.append(found if found >= 0 else len(order))
    return [elements[index] for index in sorted(range(len(elements)), key=places.__getitem__)]


def _deletions_last(elements: list[Any]) -> tuple[list[Any], list[Any]]:
    kept: list[Any] = []
    deletions: list[Any] = []
    for element in elements:
        deletes = isinstance(element, dict) and element.get("$patch") == "delete"
        (deletions if deletes else kept).append(element)
    return kept, deletions


def normalize(elements: list[Any], order: list[Any], merge_key: str) -> list[Any]:
    """Sort by ``order``; elements that delete come last."""
    kept, deletions = _deletions_last(elements)
    return _sorted_by(kept, order, merge_key) + deletions


def in_order(merged: list[Any], wanted: list[Any], live: list[Any], merge_key: str) -> list[Any]:
    """Order ``merged``: elements in ``wanted`` as there, the others as in ``live``."""
    from_patch: list[Any] = []
    from_server: list[Any] = []
    for element in merged:
        known = position(wanted, element_key(element, merge_key), merge_key) >= 0
        (from_patch if known else from_server).append(element)
    right = normalize(from_patch, wanted, merge_key)
    left = normalize(from_server, live, merge_key)
    return _interleaved(left, right, live, merge_key)


def _interleaved(left: list[Any], right: list[Any], live: list[Any], merge_key: str) -> list[Any]:
    made: list[Any] = []
    i = j = 0
    while i < len(left) and j < len(right):
        before = position(live, element_key(left[i], merge_key), merge_key)
        after = position(live, element_key(right[j], merge_key), merge_key)
        if 0 <= before < after:
            made.append(left[i])
            i += 1
        else:
            made.append(right[j])
            j += 1
    return made + left[i:] + right[j:]

"""JSON Merge Patch (RFC 7386): null deletes, objects merge, everything else replaces."""

from typing import Any

from kube_actors.api.patches.equality import same


def _without_nulls(value: Any) -> Any:
    """What a patch leaves where there was no object before."""
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(child) for key, child in value.items() if child is not None}


def merge_patch(doc: Any, patch: Any) -> Any:
    """Give ``doc`` with ``patch`` merged in; ``doc`` itself is not changed."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(doc, dict):
        return _without_nulls(patch)
    made = dict(doc)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        elif key in made:
            made[key] = merge_patch(made[key], value)
        else:
            made[key] = _without_nulls(value)
    return made


def _difference(original: Any, modified: Any, current: Any) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for key, value in modified.items():
        if key not in current:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(current[key], dict):
            before = original.get(key)
            inner = _difference(before if isinstance(before, dict) else {}, value, current[key])
            if inner:
                patch[key] = inner
        elif not same(value, current[key]):
            patch[key] = value
    for key in original:
        if key not in modified and key in current:
            patch[key] = None
    return patch


def create_merge_patch(
    original: dict[str, Any], modified: dict[str, Any], current: dict[str, Any]
) -> dict[str, Any]:
    """Make the merge patch that brings ``current`` to ``modified``.

    Only what was in ``original``, the manifest applied last, and is no longer in ``modified`` is
    deleted: what others added to ``current`` stays.
    """
    return _difference(original, modified, current)

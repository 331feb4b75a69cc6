"""Copy-on-write edits of JSON trees: what does not change is shared, nothing is changed in place.

Every function returns its argument itself when there is nothing to do, so a caller can tell by
identity, and defaulting an object that is already complete allocates nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Tree = dict[str, Any]
Edit = Callable[[Tree], Tree]


def filled(tree: Tree, defaults: Mapping[str, Any]) -> Tree:
    """Add the fields that are unset; an empty string counts as unset, as in Go."""
    missing = {
        key: value
        for key, value in defaults.items()
        if tree.get(key) is None or tree.get(key) == ""
    }
    return {**tree, **missing} if missing else tree


def replaced(tree: Tree, key: str, value: Any) -> Tree:
    """Set one field, unless it already is this very value."""
    if key in tree and tree[key] is value:
        return tree
    return {**tree, key: value}


def dropped(tree: Tree, *keys: str) -> Tree:
    """Leave out some fields."""
    if not any(key in tree for key in keys):
        return tree
    return {key: value for key, value in tree.items() if key not in keys}


def edited(tree: Tree, key: str, edit: Edit) -> Tree:
    """Edit a nested object where there is one."""
    child = tree.get(key)
    return replaced(tree, key, edit(child)) if isinstance(child, dict) else tree


def edited_each(tree: Tree, key: str, edit: Edit) -> Tree:
    """Edit every object of a nested list where there is one."""
    children = tree.get(key)
    if not isinstance(children, list) or not children:
        return tree
    new = [edit(child) if isinstance(child, dict) else child for child in children]
    if all(after is before for after, before in zip(new, children, strict=True)):
        return tree
    return {**tree, key: new}


def edited_at(tree: Tree, path: Iterable[str], edit: Edit) -> Tree:
    """Edit the object at a path of fields where all of them exist."""
    first, *rest = path
    if not rest:
        return edited(tree, first, edit)
    return edited(tree, first, lambda child: edited_at(child, rest, edit))

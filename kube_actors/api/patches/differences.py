"""The strategic merge patch between two objects, and the one that an apply sends.

An apply compares three: what was applied last, what is wanted now, and what lives in the cluster.
Fields that left the manifest are deleted, fields in it are set, and what others added stays.
"""

from typing import Any

from attrs import evolve, frozen

from kube_actors.api.patches.equality import same, same_type
from kube_actors.api.patches.keyed_lists import (
    check_elements,
    element_key,
    normalize,
    position,
    unique,
)
from kube_actors.api.patches.merge_rules import FieldRule, MergeRules
from kube_actors.api.patches.strategic import (
    DELETE_FROM,
    PATCH,
    RETAIN_KEYS,
    SET_ORDER,
    merge_patches,
)

Json = dict[str, Any]


@frozen
class _Scope:
    """Which differences count: additions and changes, deletions, or both."""

    changes: bool = True
    deletions: bool = True
    retains: bool = False


def two_way_patch(original: Json, modified: Json, rules: MergeRules) -> Json:
    """Give the patch that turns ``original`` into ``modified``."""
    return _objects(original, modified, rules, _Scope())


def three_way_patch(original: Json, modified: Json, current: Json, rules: MergeRules) -> Json:
    """Give the patch that brings ``current`` to ``modified``, last applied as ``original``."""
    changes = _objects(current, modified, rules, _Scope(deletions=False))
    deletions = _objects(original, modified, rules, _Scope(changes=False))
    return merge_patches(deletions, changes, rules)


def _objects(original: Json, modified: Json, rules: MergeRules, scope: _Scope) -> Json:
    patch: Json = {}
    for key, value in modified.items():
        if key not in original or not same_type(original[key], value):
            if scope.changes:
                patch[key] = value
        elif key == PATCH:
            if value != original[key]:
                patch[key] = value
        elif isinstance(value, dict):
            _inner_object(patch, key, original[key], value, rules, scope)
        elif isinstance(value, list):
            _inner_list(patch, key, original[key], value, rules, scope)
        elif scope.changes and not same(original[key], value):
            patch[key] = value
    removed = [key for key in original if key not in modified]
    if scope.deletions:
        patch.update(dict.fromkeys(removed))
    if scope.retains and (patch or removed):
        retained = sorted(key for key, value in modified.items() if value is not None)
        if retained:
            patch[RETAIN_KEYS] = retained
    return patch


def _inner_object(
    patch: Json, key: str, original: Json, modified: Json, rules: MergeRules, scope: _Scope
) -> None:
    rule = rules.rule(key)
    if rule.strategy == "replace":
        if scope.changes:
            patch[key] = modified
        return
    inner_scope = evolve(scope, retains=rule.retain_keys)
    if inner := _objects(original, modified, rules.inside(key), inner_scope):
        patch[key] = inner


def _inner_list(
    patch: Json,
    key: str,
    original: list[Any],
    modified: list[Any],
    rules: MergeRules,
    scope: _Scope,
) -> None:
    rule = rules.rule(key)
    if rule.strategy != "merge":
        if scope.changes and not same(original, modified):
            patch[key] = modified
        return
    if not original:
        if modified and scope.changes:
            patch[key] = modified
        return
    if check_elements(original, modified) is dict:
        _keyed_list(patch, key, original, modified, rules, rule, scope)
    else:
        _scalar_list(patch, key, original, modified, scope)


def _keyed_list(
    patch: Json,
    key: str,
    original: list[Any],
    modified: list[Any],
    rules: MergeRules,
    rule: FieldRule,
    scope: _Scope,
) -> None:
    merge_key = rule.merge_key
    inner_rules, inner_scope = rules.inside(key), evolve(scope, retains=rule.retain_keys)
    # Elements with equal keys pair up in the order they come, as they do in Kubernetes.
    left = list(original)
    changed: list[Any] = []
    for element in modified:
        value = element_key(element, merge_key)
        index = position(left, value, merge_key)
        if index < 0:
            if scope.changes:
                changed.append(element)
        elif inner := _objects(left.pop(index), element, inner_rules, inner_scope):
            changed.append({**inner, merge_key: value})
    changed = normalize(changed, modified, merge_key)
    if scope.deletions:
        gone = unique([element_key(each, merge_key) for each in left])
        changed += [{merge_key: value, PATCH: "delete"} for value in gone]
    if changed:
        patch[key] = changed
    before = [element_key(each, merge_key) for each in original]
    after = [element_key(each, merge_key) for each in modified]
    if after and (changed or (scope.changes and not same(before, after))):
        patch[SET_ORDER + key] = [{merge_key: value} for value in after]


def _scalar_list(
    patch: Json, key: str, original: list[Any], modified: list[Any], scope: _Scope
) -> None:
    added = [each for each in modified if position(original, each, "") < 0]
    gone = [each for each in original if position(modified, each, "") < 0]
    if scope.changes and added:
        patch[key] = added
    if scope.deletions and gone:
        patch[DELETE_FROM + key] = unique(gone)
    reordered = (scope.deletions and gone) or (scope.changes and not same(original, modified))
    if modified and reordered:
        patch[SET_ORDER + key] = modified

"""Strategic merge patch: a merge patch that knows which lists are sets or maps by key.

Directives in the patch: ``$patch`` (replace, delete, merge), ``$setElementOrder/<list>``,
``$deleteFromPrimitiveList/<list>`` and ``$retainKeys``; the meaning of each is that of
apimachinery's ``strategicpatch``. The same merge joins two patches into one (``keeps_directives``),
which is how an apply is computed.
"""

from typing import Any

from kube_actors.api.causes import show
from kube_actors.api.errors import bad_request
from kube_actors.api.kinds import Kind
from kube_actors.api.patches.equality import same, same_type
from kube_actors.api.patches.keyed_lists import (
    check_elements,
    element_key,
    in_order,
    no_merge_key,
    position,
    unique,
)
from kube_actors.api.patches.merge_rules import FieldRule, MergeRules, merge_rules

PATCH = "$patch"
RETAIN_KEYS = "$retainKeys"
SET_ORDER = "$setElementOrder/"
DELETE_FROM = "$deleteFromPrimitiveList/"

_BAD_ORDER = "invalid patch format of setElementOrder list"
_BAD_RETAIN = "invalid patch format of retainKeys"
_BAD_PRIMITIVE = "invalid patch format of primitive list"

Json = dict[str, Any]


def _bad_directive(directive: Any, patch: Any) -> Exception:
    return bad_request(f"unknown patch type: {show(directive)} in map: {show(patch)}")


def _cleaned(value: Any, *, patch: bool = False) -> Any:
    """A patch's value as it is stored where nothing was: without directives, without nulls.

    Kubernetes leaves some of them in and drops them when it decodes the result; they never mean
    anything in an object. In a ``patch`` they do, except to delete what is not there.
    """
    if isinstance(value, dict):
        return {
            key: _cleaned(child, patch=patch)
            for key, child in value.items()
            if not _directs(child) and (patch or not (child is None or _is_directive(key)))
        }
    if isinstance(value, list):
        return [_cleaned(child, patch=patch) for child in value if not _directs(child)]
    return value


def _is_directive(key: str) -> bool:
    return key == RETAIN_KEYS or key.startswith((SET_ORDER, DELETE_FROM))


def _directs(value: Any) -> bool:
    return isinstance(value, dict) and PATCH in value


class _Merge:
    """One merge; ``keeps_directives`` when the original is itself a patch."""

    def __init__(self, *, keeps_directives: bool) -> None:
        self._keeps = keeps_directives

    def objects(self, original: Json, patch: Json, rules: MergeRules) -> Json:
        if PATCH in patch:
            directive = patch[PATCH]
            if directive == "replace":
                return {key: value for key, value in patch.items() if key != PATCH}
            if directive == "delete":
                return {}
            if directive != "merge":
                raise _bad_directive(directive, patch)
            patch = {key: value for key, value in patch.items() if key != PATCH}
        made = self._retained(dict(original), patch)
        done = self._ordered_lists(made, patch, rules)
        for key, value in patch.items():
            if key not in done:
                self._field(made, key, value, rules)
        return made

    def _retained(self, made: Json, patch: Json) -> Json:
        if RETAIN_KEYS not in patch:
            return made
        keys = patch[RETAIN_KEYS]
        if self._keeps:
            if RETAIN_KEYS in made and not same(made[RETAIN_KEYS], keys):
                raise bad_request(_BAD_RETAIN)
            made[RETAIN_KEYS] = keys
            return made
        if not isinstance(keys, list):
            raise bad_request(_BAD_RETAIN)
        for key, value in patch.items():
            if value is not None and not _is_directive(key) and key not in keys:
                raise bad_request(_BAD_RETAIN)
        return {key: value for key, value in made.items() if key in keys}

    def _ordered_lists(self, made: Json, patch: Json, rules: MergeRules) -> set[str]:
        """Merge every list that comes with an order; give the patch's keys that are done."""
        done = {RETAIN_KEYS}
        for key, order in patch.items():
            if not key.startswith(SET_ORDER):
                continue
            name = key.removeprefix(SET_ORDER)
            done.add(key)
            if self._keeps:
                if key in made and not same(made[key], order):
                    raise bad_request(_BAD_ORDER)
                made[key] = order
            if not isinstance(order, list):
                raise bad_request(_BAD_ORDER)
            found = patch.get(name)
            live = made.get(name)
            for each in (found, live):
                if each is not None and not isinstance(each, list):
                    raise bad_request(f"expected a list, got {show(each)}")
            rule = rules.rule(name)
            _check_order(found or [], order, rule.merge_key)
            if name in patch and found is None:
                continue
            if name not in patch and live is None:
                continue
            done.add(name)
            if live is None:
                merged = _cleaned(found, patch=self._keeps)
            elif name not in patch:
                merged = live
            else:
                assert found is not None
                merged = self._list(live, found, rules.inside(name), rule)
            known = _live_order(live or [], found or [], rule.merge_key)
            made[name] = in_order(merged, order, known, rule.merge_key)
        return done

    def _field(self, made: Json, key: str, value: Any, rules: MergeRules) -> None:
        deletes = key.startswith(DELETE_FROM)
        if deletes:
            if self._keeps:
                made[key] = value
                return
            key = key.removeprefix(DELETE_FROM)
            if not isinstance(value, list):
                raise bad_request(_BAD_PRIMITIVE)
        if value is None:
            made.pop(key, None)
            if not self._keeps:
                return
        if key not in made or not same_type(made[key], value):
            if deletes:
                return
            if _directs(value):
                made.pop(key, None)
            else:
                made[key] = _cleaned(value, patch=self._keeps)
            return
        before = made[key]
        rule = rules.rule(key)
        if isinstance(value, dict):
            if rule.strategy == "replace":
                made[key] = value
            else:
                made[key] = self.objects(before, value, rules.inside(key))
        elif deletes:
            made[key] = [each for each in before if position(value, each, "") < 0]
        elif isinstance(value, list):
            made[key] = self._list(before, value, rules.inside(key), rule)
        else:
            made[key] = value

    def _list(
        self, live: list[Any], patch: list[Any], rules: MergeRules, rule: FieldRule
    ) -> list[Any]:
        if rule.strategy != "merge":
            return patch
        kind = check_elements(live, patch)
        if kind is None:
            return live
        if kind is not dict:
            return in_order(unique(live + patch), patch, live, "")
        if not rule.merge_key:
            raise bad_request("cannot merge lists without merge key")
        live, patch = _special_elements(live, patch, rule.merge_key)
        merged = list(live)
        for element in patch:
            key = element_key(element, rule.merge_key)
            index = position(merged, key, rule.merge_key)
            if index < 0:
                merged.append(_cleaned(element, patch=self._keeps))
            else:
                merged[index] = self.objects(merged[index], element, rules)
        return in_order(merged, patch, live, rule.merge_key)


def _special_elements(
    live: list[Any], patch: list[Any], merge_key: str
) -> tuple[list[Any], list[Any]]:
    """Carry out elements that delete an element or replace the whole list."""
    plain: list[Any] = []
    replaces = False
    for element in patch:
        if PATCH not in element:
            plain.append(element)
            continue
        directive = element[PATCH]
        if directive == "delete":
            if merge_key not in element:
                raise no_merge_key(element, merge_key)
            doomed = element[merge_key]
            live = [
                each for each in live if merge_key not in each or not same(each[merge_key], doomed)
            ]
        elif directive == "replace":
            replaces = True
        elif directive == "merge":
            raise bad_request("merging lists cannot yet be specified in the patch")
        else:
            raise _bad_directive(directive, element)
    return (plain, []) if replaces else (live, plain)


def _live_order(live: list[Any], patch: list[Any], merge_key: str) -> list[Any]:
    """The live order, in which additions stand where deletions made room.

    So new elements come after the server's own when others leave, as kube-apiserver has it.
    """
    if not merge_key or not patch:
        return live
    kept, plain = _special_elements(live, patch, merge_key)
    room = len(live) - len(kept)
    added = [each for each in plain if position(kept, element_key(each, merge_key), merge_key) < 0]
    return kept + added[:room] if room > 0 else live


def _check_order(patch: list[Any], order: list[Any], merge_key: str) -> None:
    """The patch's elements must be in the order's list, in that order; deletions are exempt."""
    if not order or not patch:
        return
    place = 0
    for element in patch:
        if merge_key and _directs(element):
            continue
        key = element_key(element, merge_key)
        while place < len(order) and not same(element_key(order[place], merge_key), key):
            place += 1
        if place == len(order):
            raise bad_request(
                f"The order in patch list:\n{show(patch)}\n doesn't match $setElementOrder list:\n"
                f"{show(order)}\n"
            )
        place += 1


def merge_patches(first: Json, second: Json, rules: MergeRules) -> Json:
    """Give one patch that does what ``first`` and then ``second`` do."""
    return _Merge(keeps_directives=True).objects(first, second, rules)


def strategic_merge_patch(doc: Json, patch: Any, kind: Kind | MergeRules) -> Json:
    """Give ``doc`` with ``patch`` merged in by the rules of its kind; ``doc`` is not changed.

    Raises a 400 ``StatusError`` for a malformed patch or a custom kind, 422 where a merge key is
    missing.
    """
    rules = kind if isinstance(kind, MergeRules) else merge_rules(kind)
    if rules is None:
        raise bad_request("strategic merge patch format is not supported")
    if not isinstance(patch, dict):
        raise bad_request("invalid JSON document: a patch is an object")
    return _Merge(keeps_directives=False).objects(doc, patch, rules)

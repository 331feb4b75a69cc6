"""How the fields of a kind merge: which lists are keyed, which are atomic, which retain keys.

The rules are the ``patchStrategy`` and ``patchMergeKey`` of Kubernetes' types, read from the schema
data. A custom kind has none: strategic merge is not offered for it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import frozen

from kube_actors.api.data import definitions
from kube_actors.api.kinds import Kind

_STRATEGY = "x-kubernetes-patch-strategy"
_KEY = "x-kubernetes-patch-merge-key"


@frozen
class FieldRule:
    """``strategy`` is "merge", "replace" or "" (the default of the field's type)."""

    strategy: str = ""
    merge_key: str = ""
    retain_keys: bool = False


_DEFAULT = FieldRule()


@frozen(eq=False)
class MergeRules:
    """The rules of one object's fields; made by ``merge_rules`` or, in tests, from a schema."""

    definitions: Mapping[str, Mapping[str, Any]]
    schema: Mapping[str, Any]

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        name = schema.get("$ref")
        return self.definitions.get(name, {}) if isinstance(name, str) else schema

    def _property(self, field: str) -> Mapping[str, Any]:
        found = (self.schema.get("properties") or {}).get(field)
        if found is None:
            found = self.schema.get("additionalProperties")
        return found if isinstance(found, Mapping) else {}

    def rule(self, field: str) -> FieldRule:
        """How ``field`` itself merges."""
        found = self._property(field)
        strategies = [each for each in str(found.get(_STRATEGY, "")).split(",") if each]
        if not strategies:
            return _DEFAULT
        named = [each for each in strategies if each != "retainKeys"]
        return FieldRule(named[0] if named else "", found.get(_KEY, ""), "retainKeys" in strategies)

    def inside(self, field: str) -> "MergeRules":
        """The rules of the object that ``field`` holds, or of the elements of its list."""
        found = self._resolved(self._property(field))
        if found.get("type") == "array" or "items" in found:
            found = self._resolved(found.get("items") or {})
        return MergeRules(self.definitions, found)


@lru_cache(maxsize=512)
def _rules(schema: str) -> MergeRules:
    known = definitions()
    return MergeRules(known, known.get(schema, {}))


def merge_rules(kind: Kind) -> MergeRules | None:
    """Give the rules of a built-in kind, None for a custom one."""
    return None if kind.definition is not None else _rules(kind.schema)

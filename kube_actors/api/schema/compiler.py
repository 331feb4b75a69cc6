"""Turns a schema into closures that check, prune and default a value in one pass.

Every node has a fast half and a slow half. The fast half only says whether a value is already
exactly as it should be, which nearly every value is; the slow half runs when it is not, and
prunes unknown fields, drops nulls, fills in defaults and reports what Go's decoder would. Both
halves leave their input alone: a changed value is a new one that shares what did not change.

Built-in and custom kinds are compiled alike, with one difference: a wrong type in a built-in is
a decoding error, in a custom kind it is left for the validation of values.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kube_actors.api.schema.scalars import (
    ANYTHING,
    INT_OR_STRING,
    Clean,
    Node,
    Place,
    Report,
    Walk,
    leaf,
)

Schema = Mapping[str, Any]
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def go_name(definition: str) -> str:
    """Return Go's name for a definition: ``io.k8s.api.core.v1.Pod`` is ``v1.Pod``."""
    return ".".join(definition.rsplit(".", 2)[1:])


class Compiler:
    """Compiles definitions by name, each once.

    A custom kind's compiler is given the ``builtin`` one, for the metadata that it shares.
    """

    def __init__(
        self, definitions: Mapping[str, Schema], *, builtin: "Compiler | None" = None
    ) -> None:
        self._definitions = definitions
        self._builtin = builtin
        self._custom = builtin is not None
        self._nodes: dict[str, Node] = {}
        self._open: dict[str, list[Node]] = {}

    def named(self, name: str) -> Node:
        """Return the node of a definition; a definition may refer to itself."""
        if self._builtin is not None:
            return self._builtin.named(name)
        found = self._nodes.get(name)
        if found is not None:
            return found
        if name in self._open:
            return _forward(self._open[name], go_name(name))
        self._open[name] = []
        node = self.node(self._definitions[name], name)
        self._open.pop(name).append(node)
        self._nodes[name] = node
        return node

    def node(self, schema: Schema, name: str = "") -> Node:
        """Compile one schema; ``name`` is its definition's, empty for an inline one."""
        if isinstance(schema.get("$ref"), str):
            return self.named(schema["$ref"])
        if schema.get("x-kubernetes-int-or-string"):
            return ANYTHING if self._custom else INT_OR_STRING
        kind = schema.get("type", "")
        if "properties" in schema or (kind == "object" and schema.get(_EMBEDDED)):
            return self._object(schema, name)
        if isinstance(schema.get("additionalProperties"), Mapping):
            return self._map(self.node(schema["additionalProperties"]))
        if kind == "array":
            return self._array(self.node(schema.get("items", {})))
        if kind == "object" and not self._anything(schema):
            return self._object(schema, name)
        if schema.get(_PRESERVE):
            return ANYTHING
        return ANYTHING if self._custom else leaf(kind, schema.get("format", ""))

    @staticmethod
    def _anything(schema: Schema) -> bool:
        return bool(schema.get(_PRESERVE) or schema.get("additionalProperties"))

    def _object(self, schema: Schema, name: str) -> Node:
        children = {key: self.node(child) for key, child in schema.get("properties", {}).items()}
        properties = schema.get("properties", {})
        if schema.get(_EMBEDDED):
            children.setdefault("apiVersion", leaf("string", ""))
            children.setdefault("kind", leaf("string", ""))
            children["metadata"] = self.named(OBJECT_META)
        defaults = {
            key: child["default"]
            for key, child in properties.items()
            if isinstance(child, Mapping) and "default" in child
        }
        nullable = frozenset(key for key, child in properties.items() if child.get("nullable"))
        keeps = bool(schema.get(_PRESERVE))
        # A null is replaced by the default, except where null is a value of its own.
        replaced = frozenset(defaults) - nullable
        clean = _clean_object(children, tuple(defaults), replaced, keeps)
        walk = self._walk_object(children, defaults, replaced, keeps, name)
        return self._node(Node(clean, walk, go_name(name) if name else "struct", dict), dict)

    def _node(self, node: Node, kind: type) -> Node:
        if not self._custom:
            return node
        clean = node.clean

        def clean_or_wrong(value: Any) -> bool:
            # What has the wrong type is left alone here, and refused by validation.
            return type(value) is not kind or clean(value)

        return node._replace(clean=clean_or_wrong)

    def _walk_object(
        self,
        children: dict[str, Node],
        defaults: Mapping[str, Any],
        replaced: frozenset[str],
        keeps: bool,
        name: str,
    ) -> Walk:
        struct, go_type = name.rsplit(".", 1)[-1], go_name(name) if name else "struct"
        custom = self._custom

        def walk(value: Any, place: Place, report: Report) -> Any:
            if type(value) is not dict:
                if not custom:
                    report.mismatch(value, place, go_type)
                return value
            result = {}
            for key, child in value.items():
                node = children.get(key)
                if node is None:
                    if keeps:
                        result[key] = child
                    else:
                        report.unknown.append(place.field("", key).path)
                elif child is None:
                    if custom and key not in replaced:
                        result[key] = None
                elif node.clean(child):
                    result[key] = child
                else:
                    result[key] = node.walk(child, place.field(struct, key), report)
            for key, default in defaults.items():
                if key not in result:
                    node = children[key]
                    filled = (
                        default
                        if node.clean(default)
                        else node.walk(default, place.field(struct, key), report)
                    )
                    result[key] = filled
            return result

        return walk

    def _map(self, item: Node) -> Node:
        item_clean, exact, custom = item.clean, item.exact, self._custom
        go_type, only = f"map[string]{item.go_type}", frozenset((exact,))

        def clean_exact(value: Any) -> bool:
            return type(value) is dict and only.issuperset(map(type, value.values()))

        def clean(value: Any) -> bool:
            return type(value) is dict and all(map(item_clean, value.values()))

        def walk(value: Any, place: Place, report: Report) -> Any:
            if type(value) is not dict:
                if not custom:
                    report.mismatch(value, place, go_type)
                return value
            return {
                key: _item(item, child, place.within("." + key), report, custom)
                for key, child in value.items()
            }

        return self._node(Node(clean_exact if exact else clean, walk, go_type, dict), dict)

    def _array(self, item: Node) -> Node:
        item_clean, exact, custom = item.clean, item.exact, self._custom
        go_type, only = "[]" + item.go_type, frozenset((exact,))

        def clean_exact(value: Any) -> bool:
            return type(value) is list and only.issuperset(map(type, value))

        def clean(value: Any) -> bool:
            return type(value) is list and all(map(item_clean, value))

        def walk(value: Any, place: Place, report: Report) -> Any:
            if type(value) is not list:
                if not custom:
                    report.mismatch(value, place, go_type)
                return value
            return [
                _item(item, child, place.within(f"[{index}]"), report, custom)
                for index, child in enumerate(value)
            ]

        return self._node(Node(clean_exact if exact else clean, walk, go_type, list), list)


def _item(item: Node, value: Any, place: Place, report: Report, custom: bool) -> Any:
    if value is None:
        return None if custom else item.zero()
    return value if item.clean(value) else item.walk(value, place, report)


def _clean_object(
    children: dict[str, Node],
    defaulted: tuple[str, ...],
    replaced: frozenset[str],
    keeps: bool,
) -> Clean:
    # Strings and booleans are compared by type here, without a call: half of a pod is these.
    exact = {key: node.exact for key, node in children.items() if node.exact is not None}
    checks = {key: node.clean for key, node in children.items() if node.exact is None}
    exact_of: Callable[[str], type | None] = exact.get
    check_of: Callable[[str], Clean | None] = checks.get

    def clean(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for key, child in value.items():
            if exact_of(key) is type(child):
                continue
            check = check_of(key)
            if check is None or not check(child):
                return False
        return True

    if not defaulted and not keeps:
        return clean

    def clean_with_defaults(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for key, child in value.items():
            if exact_of(key) is type(child):
                continue
            check = check_of(key)
            if check is None:
                if key in exact or not keeps:
                    return False
            elif not check(child):
                return False
        for key in defaulted:
            if key not in value or (value[key] is None and key in replaced):
                return False
        return True

    return clean_with_defaults


def _forward(target: list[Node], go_type: str) -> Node:
    def clean(value: Any) -> bool:
        return target[0].clean(value)

    def walk(value: Any, place: Place, report: Report) -> Any:
        return target[0].walk(value, place, report)

    return Node(clean, walk, go_type, dict)

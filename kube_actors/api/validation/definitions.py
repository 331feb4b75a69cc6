"""Checks of CustomResourceDefinitions, as far as serving them depends on it."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import Causes, Tree, one_of, unchanged


def definition(obj: Tree) -> Causes:
    """Apply ``ValidateCustomResourceDefinition``: one stored version, a schema for each."""
    spec, metadata = obj.get("spec") or {}, obj.get("metadata") or {}
    group, found = spec.get("group") or "", spec.get("names") or {}
    expected = f"{found.get('plural', '')}.{group}"
    if metadata.get("name") != expected:
        detail = 'must be spec.names.plural+"."+spec.group'
        yield Cause.invalid("metadata.name", metadata.get("name", ""), detail)
    if not group:
        yield Cause.required("spec.group")
    else:
        for fault in names.dns1123_subdomain(group):
            yield Cause.invalid("spec.group", group, fault)
        if "." not in group:
            detail = "should be a domain with at least one dot"
            yield Cause.invalid("spec.group", group, detail)
    scopes = ("Cluster", "Namespaced")
    yield from one_of(spec, "scope", "spec", scopes, required=True)
    yield from _names(found, "spec.names")
    yield from _versions(spec.get("versions") or [])


def _names(found: Tree, path: str) -> Causes:
    for key in ("plural", "singular", "kind", "listKind"):
        value = found.get(key) or ""
        if not value:
            if key != "singular":
                yield Cause.required(f"{path}.{key}")
            continue
        checked = value.lower() if key in {"kind", "listKind"} else value
        for fault in names.dns1035_label(checked):
            yield Cause.invalid(f"{path}.{key}", value, fault)
    if found.get("kind") and found.get("kind") == found.get("listKind"):
        detail = "kind and listKind may not be the same"
        yield Cause.invalid(f"{path}.listKind", found["listKind"], detail)
    for key in ("shortNames", "categories"):
        for index, name in enumerate(found.get(key) or ()):
            for fault in names.dns1035_label(name):
                yield Cause.invalid(f"{path}.{key}[{index}]", name, fault)


def _versions(versions: list[Tree]) -> Causes:
    stored = [each.get("name", "") for each in versions if each.get("storage")]
    if len(stored) != 1:
        detail = "must have exactly one version marked as storage version"
        yield Cause.invalid("spec.versions", versions, detail)
    seen: set[str] = set()
    for index, each in enumerate(versions):
        here, name = f"spec.versions[{index}]", each.get("name") or ""
        for fault in names.dns1035_label(name):
            yield Cause.invalid(f"{here}.name", name, fault)
        if name in seen:
            detail = "must contain unique version names"
            yield Cause.invalid("spec.versions", versions, detail)
        seen.add(name)
        schema = (each.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            yield Cause.required(f"{here}.schema.openAPIV3Schema", "schemas are required")
        elif schema.get("type") != "object":
            root = f"{here}.schema.openAPIV3Schema.type"
            if not schema.get("type"):
                yield Cause.required(root, "must not be empty at the root")
            else:
                detail = "must be object at the root"
                yield Cause.invalid(root, schema["type"], detail)


def definition_update(new: Tree, old: Tree) -> Causes:
    """Refuse another group, scope, plural or kind: stored objects are found by them."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    for key in ("group", "scope"):
        yield from unchanged(after.get(key), before.get(key), f"spec.{key}")
    for key in ("plural", "kind"):
        now, was = (after.get("names") or {}).get(key), (before.get("names") or {}).get(key)
        yield from unchanged(now, was, f"spec.names.{key}")

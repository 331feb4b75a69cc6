"""Checks of what every object has: names, labels, annotations, owners, finalizers.

The rules and words are those of apimachinery's ``api/validation`` (ObjectMeta).
"""

from collections.abc import Callable

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.errors import StatusError
from kube_actors.api.kinds import Kind
from kube_actors.api.selectors import from_label_selector
from kube_actors.api.validation.numbers import Causes, Tree, not_negative, unchanged

ANNOTATIONS_MAX_BYTES = 256 * 1024
_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"
_STANDARD_FINALIZERS = frozenset(("kubernetes", _ORPHAN, _FOREGROUND))
_IMMUTABLE = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)

# A rule for names and one for generateName, which is only the beginning of a name.
NameRules = tuple[Callable[[str], list[str]], Callable[[str], list[str]]]


def _dns(rule: Callable[[str], list[str]]) -> NameRules:
    return rule, lambda prefix: rule(names.masked(prefix))


_SUBDOMAIN = _dns(names.dns1123_subdomain)
_SEGMENT: NameRules = (names.path_segment, names.path_segment_prefix)
_ADDRESS: NameRules = (names.ip_address, names.ip_address)
_RULES: dict[tuple[str, str], NameRules] = {
    ("", "Namespace"): _dns(names.dns1123_label),
    ("", "Service"): _dns(names.dns1035_label),
    ("apiregistration.k8s.io", "APIService"): _SEGMENT,
    ("networking.k8s.io", "IPAddress"): _ADDRESS,
    ("rbac.authorization.k8s.io", "Role"): _SEGMENT,
    ("rbac.authorization.k8s.io", "RoleBinding"): _SEGMENT,
    ("rbac.authorization.k8s.io", "ClusterRole"): _SEGMENT,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _SEGMENT,
}


def metadata_on_create(kind: Kind, metadata: Tree) -> Causes:
    """Check the metadata of an object whose name has been generated already."""
    rule, prefix_rule = _RULES.get((kind.group, kind.kind), _SUBDOMAIN)
    prefix, name = metadata.get("generateName"), metadata.get("name")
    if prefix:
        for fault in prefix_rule(prefix):
            yield Cause.invalid("metadata.generateName", prefix, fault)
    if not name:
        yield Cause.required("metadata.name", "name or generateName is required")
    else:
        for fault in rule(name):
            yield Cause.invalid("metadata.name", name, fault)
    yield from _namespace(kind, metadata.get("namespace"))
    yield from not_negative(metadata, "generation", "metadata")
    yield from _content(metadata)
    yield from _finalizers(metadata.get("finalizers") or [])


def _namespace(kind: Kind, namespace: str | None) -> Causes:
    if not kind.namespaced:
        if namespace:
            yield Cause.forbidden("metadata.namespace", "not allowed on this type")
    elif not namespace:
        yield Cause.required("metadata.namespace")
    else:
        for fault in names.dns1123_label(namespace):
            yield Cause.invalid("metadata.namespace", namespace, fault)


def _content(metadata: Tree) -> Causes:
    if "labels" in metadata:
        yield from labels(metadata["labels"], "metadata.labels")
    if "annotations" in metadata:
        yield from annotations(metadata["annotations"], "metadata.annotations")
    if "ownerReferences" in metadata:
        yield from _owners(metadata["ownerReferences"])


def metadata_on_update(metadata: Tree, before: Tree) -> Causes:
    """Check metadata against what is stored.

    Whether an update must name a resourceVersion is the caller's to know.
    """
    if before.get("deletionTimestamp"):
        old = before.get("finalizers") or []
        new = sorted(each for each in metadata.get("finalizers") or [] if each not in old)
        if new:
            listed = ", ".join(f'"{each}"' for each in dict.fromkeys(new))
            yield Cause.forbidden(
                "metadata.finalizers",
                "no new finalizers can be added if the object is being deleted, "
                f"found new finalizers []string{{{listed}}}",
            )
    if metadata.get("generation", 0) < before.get("generation", 0):
        generation = metadata.get("generation", 0)
        yield Cause.invalid("metadata.generation", generation, "must not be decremented")
    for key in _IMMUTABLE:
        yield from unchanged(metadata.get(key), before.get(key), f"metadata.{key}")
    yield from _content(metadata)
    yield from _finalizers(metadata.get("finalizers") or [])


def labels(found: dict[str, str], path: str) -> Causes:
    """Apply ``ValidateLabels`` of apimachinery to keys and values; ``path`` is the map's."""
    for key, value in found.items():
        for fault in names.qualified_name(key):
            yield Cause.invalid(path, key, fault)
        for fault in names.label_value(value):
            yield Cause.invalid(path, value, fault)


def annotations(found: dict[str, str], path: str) -> Causes:
    """Apply ``ValidateAnnotations``: qualified keys in any case, at most 256 KiB in all."""
    total = 0
    for key, value in found.items():
        total += len(key) + (len(value) if value.isascii() else len(value.encode()))
        for fault in names.qualified_name(key.lower()):
            yield Cause.invalid(path, key, fault)
    if total > ANNOTATIONS_MAX_BYTES:
        yield Cause.too_long(path, ANNOTATIONS_MAX_BYTES)


def _owners(references: list[Tree]) -> Causes:
    controller = ""
    for index, reference in enumerate(references):
        yield from _owner(reference, f"metadata.ownerReferences[{index}]")
        if not reference.get("controller"):
            continue
        current = f"{reference.get('kind', '')}/{reference.get('name', '')}"
        if controller:
            yield Cause.invalid(
                "metadata.ownerReferences",
                references,
                "Only one reference can have Controller set to true. "
                f'Found "true" in references for {controller} and {current}',
            )
        else:
            controller = current


def _owner(reference: Tree, path: str) -> Causes:
    version = reference.get("apiVersion") or ""
    if not version:
        yield Cause.required(f"{path}.apiVersion", "must not be empty")
    elif version.count("/") > 1 or version.endswith("/"):
        detail = "must be <group>/<version> or <version>"
        yield Cause.invalid(f"{path}.apiVersion", version, detail)
    for key in ("kind", "name", "uid"):
        if not reference.get(key):
            yield Cause.required(f"{path}.{key}", "must not be empty")
    if version == "v1" and reference.get("kind") == "Event":
        detail = "/v1, Kind=Event is disallowed from being an owner"
        yield Cause.invalid(path, reference, detail)


def _finalizers(finalizers: list[str]) -> Causes:
    for finalizer in finalizers:
        for fault in names.qualified_name(finalizer):
            yield Cause.invalid("metadata.finalizers", finalizer, fault)
    if _ORPHAN in finalizers and _FOREGROUND in finalizers:
        detail = f"finalizer {_ORPHAN} and {_FOREGROUND} cannot be both set"
        yield Cause.invalid("metadata.finalizers", finalizers, detail)


def known_finalizers(metadata: Tree) -> Causes:
    """Check that a built-in kind's finalizers are Kubernetes' own or say whose they are."""
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            yield Cause.invalid(f"metadata.finalizers[{index}]", finalizer, detail)


def label_selector(selector: Tree, path: str) -> Causes:
    """Apply ``ValidateLabelSelector``; a selector without requirements is valid here."""
    yield from labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        yield from _requirement(expression, f"{path}.matchExpressions[{index}]")


def set_operator(operator: str, values: list[str], path: str) -> Causes:
    """Check that the values are as many as one of the four set operators takes."""
    if operator in {"In", "NotIn"}:
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            yield Cause.required(f"{path}.values", detail)
    elif operator in {"Exists", "DoesNotExist"}:
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            yield Cause.forbidden(f"{path}.values", detail)
    else:
        yield Cause.invalid(f"{path}.operator", operator, "not a valid selector operator")


def _requirement(expression: Tree, path: str) -> Causes:
    values = expression.get("values") or []
    yield from set_operator(expression.get("operator", ""), values, path)
    key = expression.get("key", "")
    for fault in names.qualified_name(key):
        yield Cause.invalid(f"{path}.key", key, fault)
    for index, value in enumerate(values):
        for fault in names.label_value(value):
            yield Cause.invalid(f"{path}.values[{index}]", value, fault)


def is_empty_selector(selector: Tree) -> bool:
    """Whether the selector has no requirement, and so would match everything."""
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def selects(selector: Tree, found: dict[str, str]) -> bool:
    """Whether a label selector matches these labels; one that is itself invalid matches all."""
    try:
        return from_label_selector(selector).matches(found)
    except StatusError:
        return True

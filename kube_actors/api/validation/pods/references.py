"""Checks of how a pod refers to its own fields, to ConfigMaps and to Secrets."""

import re

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import Causes, Tree

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_ENVIRONMENT_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_KNOWN_FIELDS = {
    *_ENVIRONMENT_FIELDS,
    *_VOLUME_FIELDS,
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
    "status.nominatedNodeName",
}
_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['([^']*)'\]")


def environment_source(source: Tree, path: str, *, has_value: bool = False) -> Causes:
    """Check ``valueFrom`` of a variable, or one entry of ``envFrom``."""
    if "configMapRef" in source or "secretRef" in source or "prefix" in source:
        yield from _bulk_source(source, path)
        return
    found = [name for name in _SOURCES if name in source]
    if has_value and found:
        yield Cause.invalid(path, "", "may not be specified when `value` is not empty")
    if not found:
        listed = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        yield Cause.invalid(path, "", f"must specify one of: {listed}")
    elif len(found) > 1:
        yield Cause.invalid(path, "", "may not have more than one field specified at a time")
    if "fieldRef" in source:
        yield from field_ref(source["fieldRef"], f"{path}.fieldRef", _ENVIRONMENT_FIELDS)
    if "resourceFieldRef" in source and not source["resourceFieldRef"].get("resource"):
        yield Cause.required(f"{path}.resourceFieldRef.resource")
    for name in ("configMapKeyRef", "secretKeyRef"):
        if name in source:
            yield from _key_ref(source[name], f"{path}.{name}")


def _bulk_source(source: Tree, path: str) -> Causes:
    if source.get("prefix"):
        for fault in names.environment_name(source["prefix"]):
            yield Cause.invalid(f"{path}.prefix", source["prefix"], fault)
    found = [name for name in ("configMapRef", "secretRef") if name in source]
    if not found:
        detail = "must specify one of: `configMapRef` or `secretRef`"
        yield Cause.invalid(path, "", detail)
    elif len(found) > 1:
        yield Cause.invalid(path, "", "may not have more than one field specified at a time")
    for name in found:
        referred = source[name].get("name")
        if not referred:
            yield Cause.required(f"{path}.{name}.name")
        else:
            for fault in names.dns1123_subdomain(referred):
                yield Cause.invalid(f"{path}.{name}.name", referred, fault)


def _key_ref(ref: Tree, path: str) -> Causes:
    name, key = ref.get("name", ""), ref.get("key")
    for fault in names.dns1123_subdomain(name):
        yield Cause.invalid(f"{path}.name", name, fault)
    if not key:
        yield Cause.required(f"{path}.key")
    else:
        for fault in names.config_key(key):
            yield Cause.invalid(f"{path}.key", key, fault)


def field_ref(ref: Tree, path: str, allowed: tuple[str, ...] = _VOLUME_FIELDS) -> Causes:
    """Check a reference to a field of the pod itself; ``allowed`` are the whole fields."""
    field = ref.get("fieldPath")
    if not ref.get("apiVersion"):
        yield Cause.required(f"{path}.apiVersion")
    elif not field:
        yield Cause.required(f"{path}.fieldPath")
    elif (subscript := _SUBSCRIPT.fullmatch(field)) is not None:
        key = subscript[2]
        checked = key.lower() if subscript[1].endswith("annotations") else key
        for fault in names.qualified_name(checked):
            yield Cause.invalid(f"{path}.fieldPath", key, fault)
    elif field not in _KNOWN_FIELDS:
        detail = f"error converting fieldPath: field label not supported: {field}"
        yield Cause.invalid(f"{path}.fieldPath", field, detail)
    elif field not in allowed:
        yield Cause.not_supported(f"{path}.fieldPath", field, allowed)

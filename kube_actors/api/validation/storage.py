"""Checks of persistent volumes, claims and storage classes."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.quantities import is_quantity, parse_quantity
from kube_actors.api.validation.metadata import label_selector
from kube_actors.api.validation.numbers import Causes, Tree, one_of, quantity, required
from kube_actors.api.validation.pods import REQUIRED, differences, host_path, node_selector

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_VOLUME_MODES = ("Block", "Filesystem")
_RECLAIM = ("Delete", "Recycle", "Retain")
_NOT_SOURCES = {
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
}
_CLAIM_FORBIDDEN = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims"
)


def _access_modes(spec: Tree, path: str, detail: str) -> Causes:
    modes = spec.get("accessModes") or []
    if not modes:
        yield Cause.required(f"{path}.accessModes", detail)
    for mode in modes:
        if mode not in _ACCESS_MODES:
            yield Cause.not_supported(f"{path}.accessModes", mode, _ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        why = "may not use ReadWriteOncePod with other access modes"
        yield Cause.forbidden(f"{path}.accessModes", why)


def _positive(amount: str, path: str) -> Causes:
    yield from quantity(amount, path)
    if is_quantity(amount) and parse_quantity(amount).nano == 0:
        yield Cause.invalid(path, amount, "must be greater than zero")


def _sources(spec: Tree) -> Tree:
    return {key: value for key, value in spec.items() if key not in _NOT_SOURCES}


def persistent_volume(obj: Tree) -> Causes:
    """Apply ``ValidatePersistentVolume``: one source, a capacity of storage alone."""
    spec = obj.get("spec") or {}
    yield from _access_modes(spec, "spec", "")
    capacity = spec.get("capacity") or {}
    if not capacity:
        yield Cause.required("spec.capacity")
    if capacity and set(capacity) != {"storage"}:
        shown = dict.fromkeys(capacity)
        yield Cause.not_supported("spec.capacity", list(shown), ("storage",))
    for name, amount in capacity.items():
        yield from _positive(amount, f"spec.capacity[{name}]")
    policy = "persistentVolumeReclaimPolicy"
    yield from one_of(spec, policy, "spec", _RECLAIM)
    yield from one_of(spec, "volumeMode", "spec", _VOLUME_MODES)
    sources = _sources(spec)
    if not sources:
        yield Cause.required("spec", "must specify a volume type")
    for kind in list(sources)[1:]:
        yield Cause.forbidden(f"spec.{kind}", "may not specify more than 1 volume type")
    for kind, source in list(sources.items())[:1]:
        yield from required(source, REQUIRED.get(kind, ()), f"spec.{kind}")
        if kind == "hostPath":
            yield from host_path(source, "spec.hostPath")
        if kind == "local" and not spec.get("nodeAffinity"):
            yield Cause.required("spec.nodeAffinity", "Local volume requires node affinity")
    chosen = (spec.get("nodeAffinity") or {}).get("required")
    if chosen is not None:
        yield from node_selector(chosen, "spec.nodeAffinity.required")


def persistent_volume_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidatePersistentVolumeUpdate``: source and volume mode stay."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    if _sources(after) != _sources(before):
        detail = "spec.persistentvolumesource is immutable after creation"
        lines = differences(_sources(before), _sources(after), "spec")
        yield Cause.forbidden("spec.persistentvolumesource", "\n".join([detail, *lines]))
    if after.get("volumeMode") != before.get("volumeMode"):
        yield Cause.invalid("spec.volumeMode", after.get("volumeMode"), "field is immutable")


def claim(obj: Tree) -> Causes:
    """Apply ``ValidatePersistentVolumeClaim``: access modes and a request above zero."""
    spec = obj.get("spec") or {}
    yield from _access_modes(spec, "spec", "at least 1 access mode is required")
    if "selector" in spec:
        yield from label_selector(spec["selector"], "spec.selector")
    requests = (spec.get("resources") or {}).get("requests") or {}
    if "storage" not in requests:
        yield Cause.required("spec.resources[storage]")
    else:
        yield from _positive(requests["storage"], "spec.resources[storage]")
    if spec.get("storageClassName"):
        for fault in names.dns1123_subdomain(spec["storageClassName"]):
            yield Cause.invalid("spec.storageClassName", spec["storageClassName"], fault)
    yield from one_of(spec, "volumeMode", "spec", _VOLUME_MODES)


def claim_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidatePersistentVolumeClaimUpdate``: a bound claim never asks for less."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    free = {"volumeAttributesClassName"}
    # The controller binds a claim by giving it a volume; a bound one may ask for more.
    if not before.get("volumeName"):
        free.add("volumeName")
    bound = (old.get("status") or {}).get("phase") == "Bound"
    if bound:
        free.add("resources")
    if before.get("storageClassName") is None:
        free.add("storageClassName")
    now = {key: value for key, value in after.items() if key not in free}
    was = {key: value for key, value in before.items() if key not in free}
    if now != was:
        lines = differences(was, now, "spec")
        yield Cause.forbidden("spec", "\n".join([_CLAIM_FORBIDDEN, *lines]))
    elif bound:
        yield from _no_less(new, old)


def _no_less(new: Tree, old: Tree) -> Causes:
    asked = ((new["spec"].get("resources") or {}).get("requests") or {}).get("storage")
    has = ((old.get("status") or {}).get("capacity") or {}).get("storage")
    if asked and has and parse_quantity(asked) < parse_quantity(has):
        path = "spec.resources.requests.storage"
        yield Cause.forbidden(path, "field can not be less than status.capacity")


def storage_class(obj: Tree) -> Causes:
    """Apply ``ValidateStorageClass``: provisioner, and both policies after defaulting."""
    provisioner = obj.get("provisioner") or ""
    if not provisioner:
        yield Cause.required("provisioner", provisioner)
    else:
        for fault in names.qualified_name(provisioner.lower()):
            yield Cause.invalid("provisioner", provisioner, fault)
    for key, allowed in (
        ("reclaimPolicy", ("Delete", "Retain")),
        ("volumeBindingMode", ("Immediate", "WaitForFirstConsumer")),
    ):
        value = obj.get(key)
        if value and value not in allowed:
            yield Cause.not_supported(key, value, allowed)
        elif not value:
            yield Cause.required(key)


def storage_class_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateStorageClassUpdate``: only whether volumes may grow is free."""
    for key in ("parameters", "provisioner", "reclaimPolicy"):
        if new.get(key) != old.get(key):
            yield Cause.forbidden(key, f"updates to {key} are forbidden.")
    mode = new.get("volumeBindingMode")
    if mode != old.get("volumeBindingMode"):
        yield Cause.invalid("volumeBindingMode", mode, "field is immutable")

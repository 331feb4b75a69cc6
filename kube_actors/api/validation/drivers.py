"""Checks of what drivers register: storage and devices."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import (
    Causes,
    Tree,
    not_negative,
    one_of,
    quantity,
    required,
    unchanged,
)

_DRIVER_NAME_MAX = 63


def _spec(obj: Tree) -> Tree:
    found: Tree = obj.get("spec") or {}
    return found


def _driver_name(name: str, path: str) -> Causes:
    if not name:
        yield Cause.required(path)
        return
    if len(name) > _DRIVER_NAME_MAX:
        yield Cause.too_long(path, _DRIVER_NAME_MAX)
    for fault in names.dns1123_subdomain(name.lower()):
        yield Cause.invalid(path, name, fault)


def csi_driver(obj: Tree) -> Causes:
    """Apply ``ValidateCSIDriver``: what defaulting fills in must be there."""
    spec, name = _spec(obj), obj["metadata"].get("name") or ""
    if len(name) > _DRIVER_NAME_MAX:
        yield Cause.too_long("metadata.name", _DRIVER_NAME_MAX)
    for key in ("attachRequired", "podInfoOnMount", "storageCapacity"):
        if spec.get(key) is None:
            yield Cause.required(f"spec.{key}")
    yield from one_of(spec, "fsGroupPolicy", "spec", ("File", "None", "ReadWriteOnceWithFSType"))
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in ("Ephemeral", "Persistent"):
            path = "spec.volumeLifecycleModes"
            yield Cause.not_supported(path, mode, ("Ephemeral", "Persistent"))


def csi_driver_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateCSIDriverUpdate`` to attachRequired and the lifecycle modes."""
    for key in ("attachRequired", "volumeLifecycleModes"):
        yield from unchanged(_spec(new).get(key), _spec(old).get(key), f"spec.{key}")


def csi_node(obj: Tree) -> Causes:
    """Apply ``ValidateCSINode``: drivers have a node id and are named once."""
    seen: set[str] = set()
    for index, driver in enumerate(_spec(obj).get("drivers") or ()):
        here, name = f"spec.drivers[{index}]", driver.get("name") or ""
        yield from _driver_name(name, f"{here}.name")
        if not driver.get("nodeID"):
            yield Cause.required(f"{here}.nodeID")
        if name in seen:
            yield Cause.duplicate(f"{here}.name", name)
        seen.add(name)
        yield from not_negative(driver.get("allocatable") or {}, "count", f"{here}.allocatable")


def storage_capacity(obj: Tree) -> Causes:
    """Apply ``ValidateCSIStorageCapacity``: a class name and amounts that are not negative."""
    for fault in names.dns1123_subdomain(obj.get("storageClassName") or ""):
        yield Cause.invalid("storageClassName", obj.get("storageClassName") or "", fault)
    for key in ("capacity", "maximumVolumeSize"):
        if obj.get(key) is not None:
            yield from quantity(obj[key], key)


def storage_capacity_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateCSIStorageCapacityUpdate``: topology and class stay."""
    for key in ("nodeTopology", "storageClassName"):
        yield from unchanged(new.get(key), old.get(key), key)


def attachment(obj: Tree) -> Causes:
    """Apply ``ValidateVolumeAttachment``: exactly one source, by name or inline."""
    spec = _spec(obj)
    yield from _driver_name(spec.get("attacher") or "", "spec.attacher")
    source = spec.get("source") or {}
    name, inline = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    if (name is None) == (inline is None):
        detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        yield Cause.required("spec.source", detail)
    elif name == "":
        detail = "must specify non empty persistentVolumeName"
        yield Cause.required("spec.source.persistentVolumeName", detail)
    for fault in names.dns1123_subdomain(spec.get("nodeName") or ""):
        yield Cause.invalid("spec.nodeName", spec.get("nodeName") or "", fault)


def attributes_class(obj: Tree) -> Causes:
    """Apply ``ValidateVolumeAttributesClass`` to the driver's name."""
    yield from _driver_name(obj.get("driverName") or "", "driverName")


def attributes_class_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateVolumeAttributesClassUpdate``: driver and parameters stay."""
    for key in ("driverName", "parameters"):
        if new.get(key) != old.get(key):
            yield Cause.forbidden(key, f"updates to {key} are forbidden.")


def spec_update(new: Tree, old: Tree) -> Causes:
    """Refuse any change of a spec that is settled for good."""
    yield from unchanged(_spec(new), _spec(old), "spec")


def resource_slice(obj: Tree) -> Causes:
    """Apply ``ValidateResourceSlice`` to driver and pool; devices are not checked."""
    spec = _spec(obj)
    yield from _driver_name(spec.get("driver") or "", "spec.driver")
    pool = spec.get("pool") or {}
    yield from required(pool, ("name",), "spec.pool")
    if (pool.get("resourceSliceCount") or 0) <= 0:
        count = pool.get("resourceSliceCount") or 0
        yield Cause.invalid("spec.pool.resourceSliceCount", count, "must be greater than zero")


def resource_slice_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateResourceSliceUpdate``: pool, driver and node stay."""
    spec, before = _spec(new), _spec(old)
    pools = ((spec.get("pool") or {}).get("name"), (before.get("pool") or {}).get("name"))
    yield from unchanged(*pools, "spec.pool.name")
    for key in ("driver", "nodeName"):
        yield from unchanged(spec.get(key), before.get(key), f"spec.{key}")

"""Checks of a pod's volumes: one source each, complete and with sane modes and paths."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import Causes, Tree, one_of, required
from kube_actors.api.validation.pods.containers import relative_path
from kube_actors.api.validation.pods.references import field_ref

_MODE_DETAIL = "must be a number between 0 and 0777 (octal), both inclusive"
_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
# What each source cannot do without.
REQUIRED: dict[str, tuple[str, ...]] = {
    "awsElasticBlockStore": ("volumeID",),
    "azureFile": ("secretName", "shareName"),
    "cephfs": ("monitors",),
    "configMap": ("name",),
    "csi": ("driver",),
    "gcePersistentDisk": ("pdName",),
    "gitRepo": ("repository",),
    "glusterfs": ("endpoints", "path"),
    "hostPath": ("path",),
    "image": (),
    "iscsi": ("targetPortal", "iqn"),
    "local": ("path",),
    "nfs": ("server", "path"),
    "persistentVolumeClaim": ("claimName",),
    "rbd": ("monitors", "image"),
    "secret": ("secretName",),
}


def volumes(found: list[Tree], path: str) -> Causes:
    """Apply ``ValidateVolumes``: unique names, exactly one source each."""
    seen: set[str] = set()
    for index, volume in enumerate(found):
        here = f"{path}[{index}]"
        name = volume.get("name")
        if not name:
            yield Cause.required(f"{here}.name")
        elif faults := names.dns1123_label(name):
            for fault in faults:
                yield Cause.invalid(f"{here}.name", name, fault)
        elif name in seen:
            yield Cause.duplicate(f"{here}.name", name)
        seen.add(name or "")
        yield from _source(volume, here)


def _source(volume: Tree, path: str) -> Causes:
    sources = [key for key in volume if key != "name"]
    if not sources:
        yield Cause.required(path, "must specify a volume type")
    for extra in sources[1:]:
        yield Cause.forbidden(f"{path}.{extra}", "may not specify more than 1 volume type")
    for kind in sources[:1]:
        source, here = volume[kind], f"{path}.{kind}"
        yield from required(source, REQUIRED.get(kind, ()), here)
        yield from _mode(source, "defaultMode", here)
        if kind == "hostPath":
            yield from host_path(source, here)
        elif kind in {"secret", "configMap"}:
            yield from _items(source.get("items") or [], f"{here}.items")
        elif kind == "downwardAPI":
            yield from _downward_items(source.get("items") or [], f"{here}.items")
        elif kind == "projected":
            for index, each in enumerate(source.get("sources") or ()):
                yield from _projection(each, f"{here}.sources[{index}]")


def host_path(source: Tree, path: str) -> Causes:
    """Apply ``validateHostPathVolumeSource`` to path and type; that it is given is not asked."""
    if ".." in source.get("path", "").split("/"):
        yield Cause.invalid(f"{path}.path", source["path"], "must not contain '..'")
    if source.get("type"):
        yield from one_of(source, "type", path, _HOST_PATH_TYPES)


def _mode(source: Tree, key: str, path: str) -> Causes:
    mode = source.get(key)
    if mode is not None and not 0 <= mode <= 0o777:
        yield Cause.invalid(f"{path}.{key}", mode, _MODE_DETAIL)


def _items(items: list[Tree], path: str) -> Causes:
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        yield from required(item, ("key", "path"), here)
        yield from relative_path(item.get("path", ""), f"{here}.path")
        yield from _mode(item, "mode", here)


def _downward_items(items: list[Tree], path: str) -> Causes:
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        yield from required(item, ("path",), here)
        yield from relative_path(item.get("path", ""), f"{here}.path")
        yield from _mode(item, "mode", here)
        if "fieldRef" in item:
            yield from field_ref(item["fieldRef"], f"{here}.fieldRef")
        elif "resourceFieldRef" not in item:
            detail = "one of fieldRef and resourceFieldRef is required"
            yield Cause.required(f"{here}.fieldRef", detail)


def _projection(each: Tree, path: str) -> Causes:
    for extra in list(each)[1:]:
        detail = "may not specify more than 1 volume type"
        yield Cause.forbidden(f"{path}.{extra}", detail)
    for kind, source in list(each.items())[:1]:
        here = f"{path}.{kind}"
        if kind in {"secret", "configMap"}:
            yield from required(source, ("name",), here)
            yield from _items(source.get("items") or [], f"{here}.items")
        elif kind == "downwardAPI":
            yield from _downward_items(source.get("items") or [], f"{here}.items")
        elif kind == "serviceAccountToken":
            yield from required(source, ("path",), here)
            if source.get("expirationSeconds", 3600) < 600:
                detail = "may not specify a duration less than 10 minutes"
                seconds = source["expirationSeconds"]
                yield Cause.invalid(f"{here}.expirationSeconds", seconds, detail)

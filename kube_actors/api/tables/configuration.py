"""Columns of configuration, permissions and storage."""

from typing import Any

from kube_actors.api.tables.durations import age
from kube_actors.api.tables.printer import Printer, columns
from kube_actors.api.tables.words import NONE, UNSET, Object, meta, name, spec, status

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def _config_map(obj: Object, now_s: float) -> list[Any]:
    count = len(obj.get("data") or ()) + len(obj.get("binaryData") or ())
    return [name(obj), count, age(obj, now_s)]


def _secret(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), obj.get("type", ""), len(obj.get("data") or ()), age(obj, now_s)]


def _service_account(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), len(obj.get("secrets") or ()), age(obj, now_s)]


def _created(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), meta(obj).get("creationTimestamp") or "<unknown>"]


def _binding(obj: Object, now_s: float) -> list[Any]:
    role = obj.get("roleRef") or {}
    subjects: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for each in obj.get("subjects") or ():
        kind, who = each.get("kind", ""), str(each.get("name", ""))
        if kind == "ServiceAccount":
            who = f"{each.get('namespace', '')}/{who}"
        subjects.setdefault(kind, []).append(who)
    shown = [", ".join(subjects[each]) for each in ("User", "Group", "ServiceAccount")]
    reference = f"{role.get('kind', '')}/{role.get('name', '')}"
    return [name(obj), reference, age(obj, now_s), *shown]


def _modes(found: Object) -> str:
    given = dict.fromkeys(found.get("accessModes") or ())
    return ",".join(short for mode, short in _MODES.items() if mode in given)


def _class_of(found: Object, obj: Object, key: str) -> str:
    beta = (meta(obj).get("annotations") or {}).get("volume.beta.kubernetes.io/storage-class")
    return str(beta or found.get(key) or "")


def _phase(obj: Object) -> str:
    return "Terminating" if meta(obj).get("deletionTimestamp") else status(obj).get("phase", "")


def _volume(obj: Object, now_s: float) -> list[Any]:
    claim = spec(obj).get("claimRef")
    return [
        name(obj),
        (spec(obj).get("capacity") or {}).get("storage", "0"),
        _modes(spec(obj)),
        spec(obj).get("persistentVolumeReclaimPolicy", ""),
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class_of(spec(obj), obj, "storageClassName"),
        spec(obj).get("volumeAttributesClassName") or UNSET,
        status(obj).get("reason", ""),
        age(obj, now_s),
        spec(obj).get("volumeMode") or UNSET,
    ]


def _claim(obj: Object, now_s: float) -> list[Any]:
    bound = bool(spec(obj).get("volumeName"))
    capacity = (status(obj).get("capacity") or {}).get("storage", "0") if bound else ""
    return [
        name(obj),
        _phase(obj),
        spec(obj).get("volumeName", ""),
        capacity,
        _modes(status(obj)) if bound else "",
        _class_of(spec(obj), obj, "storageClassName"),
        spec(obj).get("volumeAttributesClassName") or UNSET,
        age(obj, now_s),
        spec(obj).get("volumeMode") or UNSET,
    ]


def _storage_class(obj: Object, now_s: float) -> list[Any]:
    annotations = meta(obj).get("annotations") or {}
    default = any(annotations.get(each) == "true" for each in _DEFAULT_CLASS)
    return [
        f"{name(obj)} (default)" if default else name(obj),
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now_s),
    ]


def _attachment(obj: Object, now_s: float) -> list[Any]:
    source = (spec(obj).get("source") or {}).get("persistentVolumeName", "")
    return [
        name(obj),
        spec(obj).get("attacher", ""),
        source,
        spec(obj).get("nodeName", ""),
        bool(status(obj).get("attached")),
        age(obj, now_s),
    ]


def _webhooks(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), len(obj.get("webhooks") or ()), age(obj, now_s)]


def _csi_driver(obj: Object, now_s: float) -> list[Any]:
    found = spec(obj)
    audiences = [str(each.get("audience", "")) for each in found.get("tokenRequests") or ()]
    return [
        name(obj),
        bool(found.get("attachRequired", True)),
        bool(found.get("podInfoOnMount")),
        bool(found.get("storageCapacity")),
        ",".join(audiences) or UNSET,
        bool(found.get("requiresRepublish")),
        ",".join(found.get("volumeLifecycleModes") or ()) or NONE,
        age(obj, now_s),
    ]


def _csi_node(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), len(spec(obj).get("drivers") or ()), age(obj, now_s)]


def _attributes_class(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), obj.get("driverName", ""), age(obj, now_s)]


def _capacity(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), obj.get("storageClassName", ""), obj.get("capacity") or UNSET]


def _component(obj: Object, now_s: float) -> list[Any]:
    found: Object = {}
    for each in obj.get("conditions") or ():
        if each.get("type") == "Healthy":
            found = each
            break
    word = {"True": "Healthy", "False": "Unhealthy"}.get(str(found.get("status")), "Unknown")
    return [name(obj), word, found.get("message", ""), found.get("error", "")]


def _api_service(obj: Object, now_s: float) -> list[Any]:
    service = spec(obj).get("service")
    where = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    available = "Unknown"
    for each in status(obj).get("conditions") or ():
        if each.get("type") == "Available":
            available = str(each.get("status"))
            if available != "True":
                available += f" ({each.get('reason')})"
    return [name(obj), where, available, age(obj, now_s)]


def _signing_request(obj: Object, now_s: float) -> list[Any]:
    found = spec(obj)
    words = [str(each.get("type")) for each in status(obj).get("conditions") or ()]
    if status(obj).get("certificate"):
        words.append("Issued")
    seconds = found.get("expirationSeconds")
    return [
        name(obj),
        age(obj, now_s),
        found.get("signerName") or NONE,
        found.get("username", ""),
        NONE if seconds is None else f"{seconds}s",
        ",".join(words) or "Pending",
    ]


_CREATED = Printer(columns("Name", "Created At"), _created)
_WEBHOOKS = Printer(columns("Name", "Webhooks:integer", "Age"), _webhooks)
_BINDING = Printer(
    columns("Name", "Role", "Age", "+Users", "+Groups", "+ServiceAccounts"), _binding
)
PRINTERS = {
    ("", "configmaps"): Printer(columns("Name", "Data:integer", "Age"), _config_map),
    ("", "secrets"): Printer(columns("Name", "Type", "Data:integer", "Age"), _secret),
    ("", "serviceaccounts"): Printer(columns("Name", "Secrets:integer", "Age"), _service_account),
    ("", "limitranges"): _CREATED,
    ("rbac.authorization.k8s.io", "roles"): _CREATED,
    ("rbac.authorization.k8s.io", "clusterroles"): _CREATED,
    ("rbac.authorization.k8s.io", "rolebindings"): _BINDING,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): _BINDING,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _CREATED,
    ("apiregistration.k8s.io", "apiservices"): Printer(
        columns("Name", "Service", "Available", "Age"), _api_service
    ),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): _WEBHOOKS,
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): _WEBHOOKS,
    ("certificates.k8s.io", "certificatesigningrequests"): Printer(
        columns("Name", "Age", "SignerName", "Requestor", "RequestedDuration", "Condition"),
        _signing_request,
    ),
    ("", "persistentvolumes"): Printer(
        columns(
            "Name",
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
            "Age",
            "+VolumeMode",
        ),
        _volume,
    ),
    ("", "persistentvolumeclaims"): Printer(
        columns(
            "Name",
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            "Age",
            "+VolumeMode",
        ),
        _claim,
    ),
    ("storage.k8s.io", "storageclasses"): Printer(
        columns(
            "Name",
            "Provisioner",
            "ReclaimPolicy",
            "VolumeBindingMode",
            "AllowVolumeExpansion:boolean",
            "Age",
        ),
        _storage_class,
    ),
    ("storage.k8s.io", "volumeattachments"): Printer(
        columns("Name", "Attacher", "PV", "Node", "Attached:boolean", "Age"), _attachment
    ),
    ("storage.k8s.io", "csidrivers"): Printer(
        columns(
            "Name",
            "AttachRequired:boolean",
            "PodInfoOnMount:boolean",
            "StorageCapacity:boolean",
            "TokenRequests",
            "RequiresRepublish:boolean",
            "Modes",
            "Age",
        ),
        _csi_driver,
    ),
    ("storage.k8s.io", "csinodes"): Printer(columns("Name", "Drivers:integer", "Age"), _csi_node),
    ("storage.k8s.io", "csistoragecapacities"): Printer(
        columns("Name", "StorageClassName", "Capacity"), _capacity
    ),
    ("storage.k8s.io", "volumeattributesclasses"): Printer(
        columns("Name", "DriverName", "Age"), _attributes_class
    ),
    ("", "componentstatuses"): Printer(columns("Name", "Status", "Message", "Error"), _component),
}

"""The table of built-in kinds of Kubernetes v1.36, written by hand, in discovery's order.

Only versions that are served by default are here: the alpha and beta ones are not. The order of
groups is the one in which a bare name such as ``events`` is looked up.
"""

from typing import NamedTuple

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)
_CREATE = ("create",)
_NAMESPACE_VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")
_READ = ("get", "list")
_PROXY_VERBS = ("create", "delete", "get", "patch", "update")

# name: group, version, kind of what it takes, verbs. Others take the parent's own kind.
SUBRESOURCES: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "scale": ("autoscaling", "v1", "Scale", ("get", "patch", "update")),
    "eviction": ("policy", "v1", "Eviction", _CREATE),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", _CREATE),
    "binding": ("", "v1", "Binding", _CREATE),
    "log": ("", "v1", "Pod", ("get",)),
    "exec": ("", "v1", "PodExecOptions", ("create", "get")),
    "attach": ("", "v1", "PodAttachOptions", ("create", "get")),
    "portforward": ("", "v1", "PodPortForwardOptions", ("create", "get")),
    "proxy": ("", "v1", "PodProxyOptions", _PROXY_VERBS),
}


class Row(NamedTuple):
    """One kind of a group version; an empty ``plural`` is the kind in lower case with an s."""

    kind: str
    short_names: tuple[str, ...] = ()
    plural: str = ""
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    storage: str = ""


def _cluster(
    kind: str,
    short_names: tuple[str, ...] = (),
    plural: str = "",
    subresources: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    verbs: tuple[str, ...] = ALL_VERBS,
) -> Row:
    return Row(kind, short_names, plural, False, subresources, categories, verbs)


_ALL = ("all",)
_STATUS = ("status",)
_SCALED = ("scale", "status")

_CORE = (
    Row("Binding", verbs=_CREATE),
    _cluster("ComponentStatus", ("cs",), "componentstatuses", verbs=_READ),
    Row("ConfigMap", ("cm",)),
    Row("Endpoints", ("ep",), "endpoints"),
    Row("Event", ("ev",)),
    Row("LimitRange", ("limits",)),
    _cluster("Namespace", ("ns",), subresources=("finalize", "status"), verbs=_NAMESPACE_VERBS),
    _cluster("Node", ("no",), subresources=("proxy", "status")),
    Row("PersistentVolumeClaim", ("pvc",), subresources=_STATUS),
    _cluster("PersistentVolume", ("pv",), subresources=_STATUS),
    Row(
        "Pod",
        ("po",),
        categories=_ALL,
        subresources=(
            "attach",
            "binding",
            "ephemeralcontainers",
            "eviction",
            "exec",
            "log",
            "portforward",
            "proxy",
            "resize",
            "status",
        ),
    ),
    Row("PodTemplate"),
    Row("ReplicationController", ("rc",), categories=_ALL, subresources=_SCALED),
    Row("ResourceQuota", ("quota",), subresources=_STATUS),
    Row("Secret"),
    Row("ServiceAccount", ("sa",), subresources=("token",)),
    Row("Service", ("svc",), categories=_ALL, subresources=("proxy", "status")),
)

_APPS = (
    Row("ControllerRevision"),
    Row("DaemonSet", ("ds",), categories=_ALL, subresources=_STATUS),
    Row("Deployment", ("deploy",), categories=_ALL, subresources=_SCALED),
    Row("ReplicaSet", ("rs",), categories=_ALL, subresources=_SCALED),
    Row("StatefulSet", ("sts",), categories=_ALL, subresources=_SCALED),
)

_ADMISSION = (
    _cluster("MutatingAdmissionPolicy", (), "mutatingadmissionpolicies"),
    _cluster("MutatingAdmissionPolicyBinding"),
    _cluster("MutatingWebhookConfiguration", categories=("api-extensions",)),
    _cluster(
        "ValidatingAdmissionPolicy",
        (),
        "validatingadmissionpolicies",
        _STATUS,
        ("api-extensions",),
    ),
    _cluster("ValidatingAdmissionPolicyBinding", categories=("api-extensions",)),
    _cluster("ValidatingWebhookConfiguration", categories=("api-extensions",)),
)

_AUTOSCALER_NAMES = ("HorizontalPodAutoscaler", ("hpa",))

GROUPS: tuple[tuple[str, str, tuple[Row, ...]], ...] = (
    ("", "v1", _CORE),
    (
        "apiregistration.k8s.io",
        "v1",
        (_cluster("APIService", (), "", _STATUS, ("api-extensions",)),),
    ),
    ("apps", "v1", _APPS),
    ("events.k8s.io", "v1", (Row("Event", ("ev",), storage="v1"),)),
    (
        "authentication.k8s.io",
        "v1",
        (_cluster("SelfSubjectReview", verbs=_CREATE), _cluster("TokenReview", verbs=_CREATE)),
    ),
    (
        "authorization.k8s.io",
        "v1",
        (
            Row("LocalSubjectAccessReview", verbs=_CREATE),
            _cluster("SelfSubjectAccessReview", verbs=_CREATE),
            _cluster("SelfSubjectRulesReview", verbs=_CREATE),
            _cluster("SubjectAccessReview", verbs=_CREATE),
        ),
    ),
    (
        "autoscaling",
        "v2",
        (Row(*_AUTOSCALER_NAMES, categories=_ALL, subresources=_STATUS),),
    ),
    (
        "autoscaling",
        "v1",
        (Row(*_AUTOSCALER_NAMES, categories=_ALL, subresources=_STATUS, storage="autoscaling/v2"),),
    ),
    (
        "batch",
        "v1",
        (
            Row("CronJob", ("cj",), categories=_ALL, subresources=_STATUS),
            Row("Job", categories=_ALL, subresources=_STATUS),
        ),
    ),
    (
        "certificates.k8s.io",
        "v1",
        (_cluster("CertificateSigningRequest", ("csr",), "", ("approval", "status")),),
    ),
    (
        "networking.k8s.io",
        "v1",
        (
            _cluster("IngressClass", (), "ingressclasses"),
            Row("Ingress", ("ing",), "ingresses", subresources=_STATUS),
            _cluster("IPAddress", ("ip",), "ipaddresses"),
            Row("NetworkPolicy", ("netpol",), "networkpolicies"),
            _cluster("ServiceCIDR", subresources=_STATUS),
        ),
    ),
    ("policy", "v1", (Row("PodDisruptionBudget", ("pdb",), subresources=_STATUS),)),
    (
        "rbac.authorization.k8s.io",
        "v1",
        (
            _cluster("ClusterRoleBinding"),
            _cluster("ClusterRole"),
            Row("RoleBinding"),
            Row("Role"),
        ),
    ),
    (
        "storage.k8s.io",
        "v1",
        (
            _cluster("CSIDriver"),
            _cluster("CSINode"),
            Row("CSIStorageCapacity", (), "csistoragecapacities"),
            _cluster("StorageClass", ("sc",), "storageclasses"),
            _cluster("VolumeAttachment", subresources=_STATUS),
            _cluster("VolumeAttributesClass", ("vac",), "volumeattributesclasses"),
        ),
    ),
    ("admissionregistration.k8s.io", "v1", _ADMISSION),
    (
        "apiextensions.k8s.io",
        "v1",
        (_cluster("CustomResourceDefinition", ("crd", "crds"), "", _STATUS, ("api-extensions",)),),
    ),
    ("scheduling.k8s.io", "v1", (_cluster("PriorityClass", ("pc",), "priorityclasses"),)),
    ("coordination.k8s.io", "v1", (Row("Lease"),)),
    ("node.k8s.io", "v1", (_cluster("RuntimeClass", (), "runtimeclasses"),)),
    ("discovery.k8s.io", "v1", (Row("EndpointSlice"),)),
    (
        "resource.k8s.io",
        "v1",
        (
            _cluster("DeviceClass", (), "deviceclasses"),
            Row("ResourceClaim", subresources=_STATUS),
            Row("ResourceClaimTemplate"),
            _cluster("ResourceSlice"),
        ),
    ),
    (
        "flowcontrol.apiserver.k8s.io",
        "v1",
        (
            _cluster("FlowSchema", subresources=_STATUS),
            _cluster("PriorityLevelConfiguration", subresources=_STATUS),
        ),
    ),
)

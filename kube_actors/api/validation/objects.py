"""Finds the checks of a kind, for an object that is made and for one that is changed.

Objects have the structure of their kind and are defaulted. Each kind is a small function in this
package; causes come in the order in which Kubernetes lists them, and an empty list means valid.
"""

from collections.abc import Callable

from kube_actors.api.causes import Cause
from kube_actors.api.kinds import Kind, Object
from kube_actors.api.validation import (
    access,
    batch,
    cluster,
    configuration,
    definitions,
    drivers,
    registrations,
    scaling,
    storage,
    workloads,
)
from kube_actors.api.validation.custom import custom
from kube_actors.api.validation.metadata import (
    known_finalizers,
    metadata_on_create,
    metadata_on_update,
)
from kube_actors.api.validation.networking import addresses, ingresses, policies, services
from kube_actors.api.validation.numbers import Causes, Tree
from kube_actors.api.validation.pods import pods
from kube_actors.api.validation.pods import updates as pod_updates

_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_FLOW = "flowcontrol.apiserver.k8s.io"
_Check = Callable[[Tree], Causes]
_UpdateCheck = Callable[[Tree, Tree], Causes]

_CHECKS: dict[tuple[str, str], _Check] = {
    ("", "Binding"): cluster.binding,
    ("", "ConfigMap"): configuration.config_map,
    ("", "Endpoints"): services.endpoints,
    ("", "Event"): cluster.event,
    ("", "LimitRange"): cluster.limit_range,
    ("", "Namespace"): cluster.namespace,
    ("", "Node"): cluster.node,
    ("", "PersistentVolume"): storage.persistent_volume,
    ("", "PersistentVolumeClaim"): storage.claim,
    ("", "Pod"): pods.pod,
    ("", "PodTemplate"): lambda obj: pods.template(obj.get("template"), "template"),
    ("", "ReplicationController"): workloads.replication_controller,
    ("", "ResourceQuota"): cluster.resource_quota,
    ("", "Secret"): configuration.secret,
    ("", "Service"): services.service,
    (_ADMISSION, "MutatingAdmissionPolicy"): registrations.mutating_policy,
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): registrations.policy_binding,
    (_ADMISSION, "MutatingWebhookConfiguration"): registrations.webhooks,
    (_ADMISSION, "ValidatingAdmissionPolicy"): registrations.validating_policy,
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): registrations.validating_policy_binding,
    (_ADMISSION, "ValidatingWebhookConfiguration"): registrations.webhooks,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definitions.definition,
    ("apiregistration.k8s.io", "APIService"): registrations.api_service,
    ("apps", "ControllerRevision"): workloads.controller_revision,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): scaling.autoscaler,
    ("autoscaling", "Scale"): workloads.scale,
    ("batch", "CronJob"): batch.cron_job,
    ("batch", "Job"): batch.job,
    ("certificates.k8s.io", "CertificateSigningRequest"): registrations.signing_request,
    ("coordination.k8s.io", "Lease"): cluster.lease,
    ("discovery.k8s.io", "EndpointSlice"): services.endpoint_slice,
    ("events.k8s.io", "Event"): registrations.event,
    (_FLOW, "FlowSchema"): registrations.flow_schema,
    (_FLOW, "PriorityLevelConfiguration"): registrations.priority_level,
    ("networking.k8s.io", "IPAddress"): addresses.ip_address,
    ("networking.k8s.io", "Ingress"): ingresses.ingress,
    ("networking.k8s.io", "IngressClass"): ingresses.ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): policies.network_policy,
    ("networking.k8s.io", "ServiceCIDR"): addresses.service_cidr,
    ("node.k8s.io", "RuntimeClass"): cluster.runtime_class,
    ("policy", "PodDisruptionBudget"): scaling.disruption_budget,
    ("resource.k8s.io", "ResourceSlice"): drivers.resource_slice,
    (_RBAC, "ClusterRole"): access.cluster_role,
    (_RBAC, "ClusterRoleBinding"): access.cluster_role_binding,
    (_RBAC, "Role"): access.role,
    (_RBAC, "RoleBinding"): access.role_binding,
    ("scheduling.k8s.io", "PriorityClass"): cluster.priority_class,
    ("storage.k8s.io", "CSIDriver"): drivers.csi_driver,
    ("storage.k8s.io", "CSINode"): drivers.csi_node,
    ("storage.k8s.io", "CSIStorageCapacity"): drivers.storage_capacity,
    ("storage.k8s.io", "StorageClass"): storage.storage_class,
    ("storage.k8s.io", "VolumeAttachment"): drivers.attachment,
    ("storage.k8s.io", "VolumeAttributesClass"): drivers.attributes_class,
}

# What must not change. Kinds whose update needs only the check above are not here.
_UPDATES: dict[tuple[str, str], _UpdateCheck] = {
    ("", "ConfigMap"): configuration.config_map_update,
    ("", "Node"): cluster.node_update,
    ("", "PersistentVolume"): storage.persistent_volume_update,
    ("", "PersistentVolumeClaim"): storage.claim_update,
    ("", "Pod"): pod_updates.pod_update,
    ("", "ResourceQuota"): cluster.resource_quota_update,
    ("", "Secret"): configuration.secret_update,
    ("", "Service"): services.service_update,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definitions.definition_update,
    ("apps", "ControllerRevision"): workloads.controller_revision_update,
    ("apps", "DaemonSet"): workloads.same_selector,
    ("apps", "Deployment"): workloads.same_selector,
    ("apps", "ReplicaSet"): workloads.same_selector,
    ("apps", "StatefulSet"): workloads.stateful_set_update,
    ("batch", "Job"): batch.job_update,
    ("discovery.k8s.io", "EndpointSlice"): services.endpoint_slice_update,
    ("networking.k8s.io", "IPAddress"): addresses.ip_address_update,
    ("networking.k8s.io", "IngressClass"): ingresses.ingress_class_update,
    ("networking.k8s.io", "ServiceCIDR"): addresses.service_cidr_update,
    ("node.k8s.io", "RuntimeClass"): cluster.runtime_class_update,
    ("resource.k8s.io", "ResourceClaim"): drivers.spec_update,
    ("resource.k8s.io", "ResourceClaimTemplate"): drivers.spec_update,
    ("resource.k8s.io", "ResourceSlice"): drivers.resource_slice_update,
    (_RBAC, "ClusterRoleBinding"): access.binding_update,
    (_RBAC, "RoleBinding"): access.binding_update,
    ("scheduling.k8s.io", "PriorityClass"): cluster.priority_class_update,
    ("storage.k8s.io", "CSIDriver"): drivers.csi_driver_update,
    ("storage.k8s.io", "CSIStorageCapacity"): drivers.storage_capacity_update,
    ("storage.k8s.io", "StorageClass"): storage.storage_class_update,
    ("storage.k8s.io", "VolumeAttachment"): drivers.spec_update,
    ("storage.k8s.io", "VolumeAttributesClass"): drivers.attributes_class_update,
}
# A stored pod is checked again only where an update touches it, and a claim never is: both may
# have been valid by an older rule.
_NOT_RECHECKED = {("", "Pod"), ("", "PersistentVolumeClaim"), ("", "Event")} | {
    ("events.k8s.io", "Event")
}
_SUBRESOURCES: dict[tuple[str, str, str], _UpdateCheck] = {
    ("", "Pod", "status"): pod_updates.pod_status_update,
    ("", "Pod", "ephemeralcontainers"): pod_updates.ephemeral_containers_update,
    ("", "Pod", "resize"): lambda new, old: pods.pod(new),
}


def validate_create(kind: Kind, obj: Object) -> list[Cause]:
    """Return what is wrong with a new object, nothing if it is valid.

    The object is defaulted and prepared, its name generated. Kinds that are only asked, never
    stored (reviews), may lack a name.
    """
    metadata = obj.get("metadata") or {}
    causes = list(metadata_on_create(kind, metadata)) if "get" in kind.verbs else []
    if kind.definition is not None:
        return [*causes, *custom(kind.definition, obj)]
    causes += known_finalizers(metadata)
    check = _CHECKS.get((kind.group, kind.kind))
    if check is not None:
        causes += check(obj)
    return causes


def validate_update(kind: Kind, new: Object, old: Object, subresource: str = "") -> list[Cause]:
    """Return what is wrong with replacing ``old`` by ``new``, nothing if it may be done."""
    key = (kind.group, kind.kind)
    causes = list(metadata_on_update(new.get("metadata") or {}, old.get("metadata") or {}))
    if kind.definition is not None:
        return [*causes, *custom(kind.definition, new)]
    causes += known_finalizers(new.get("metadata") or {})
    if subresource:
        special = _SUBRESOURCES.get((*key, subresource))
        return [*causes, *special(new, old)] if special else causes
    update, check = _UPDATES.get(key), _CHECKS.get(key)
    changes = list(update(new, old)) if update is not None else []
    faults = list(check(new)) if check is not None and key not in _NOT_RECHECKED else []
    first_faults = kind.group in ("apps", "batch") or key == ("", "PersistentVolume")
    return [*causes, *faults, *changes] if first_faults else [*causes, *changes, *faults]

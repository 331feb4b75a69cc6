"""Fills in what Kubernetes fills in, kind by kind, where a schema cannot say it.

Defaulting runs on every object that enters, before it is validated and again on what a patch
made of it; it is idempotent and never changes its argument. Defaults that need a clock, an
address pool or another object are not here: they belong to admission.
"""

from collections.abc import Callable

from kube_actors.api.defaults import cluster, network, pods, workloads
from kube_actors.api.kinds import Kind, Object

_ADMISSION = "admissionregistration.k8s.io/v1"

_RULES: dict[tuple[str, str], Callable[[Object], Object]] = {
    ("v1", "Pod"): pods.pod,
    ("v1", "PodTemplate"): workloads.pod_template,
    ("v1", "ReplicationController"): workloads.replication_controller,
    ("v1", "Service"): network.service,
    ("v1", "Endpoints"): network.endpoints,
    ("v1", "Secret"): cluster.secret,
    ("v1", "Namespace"): cluster.namespace,
    ("v1", "Node"): cluster.node,
    ("v1", "LimitRange"): cluster.limit_range,
    ("v1", "PersistentVolume"): cluster.persistent_volume,
    ("v1", "PersistentVolumeClaim"): cluster.persistent_volume_claim,
    ("apps/v1", "Deployment"): workloads.deployment,
    ("apps/v1", "ReplicaSet"): workloads.replica_set,
    ("apps/v1", "StatefulSet"): workloads.stateful_set,
    ("apps/v1", "DaemonSet"): workloads.daemon_set,
    ("batch/v1", "Job"): workloads.job,
    ("batch/v1", "CronJob"): workloads.cron_job,
    ("autoscaling/v2", "HorizontalPodAutoscaler"): workloads.autoscaler,
    ("autoscaling/v1", "HorizontalPodAutoscaler"): workloads.autoscaler_v1,
    ("discovery.k8s.io/v1", "EndpointSlice"): network.endpoint_slice,
    ("networking.k8s.io/v1", "NetworkPolicy"): network.network_policy,
    ("networking.k8s.io/v1", "IngressClass"): network.ingress_class,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): cluster.role_binding,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): cluster.role_binding,
    ("storage.k8s.io/v1", "StorageClass"): cluster.storage_class,
    ("storage.k8s.io/v1", "CSIDriver"): cluster.csi_driver,
    ("scheduling.k8s.io/v1", "PriorityClass"): cluster.priority_class,
    (_ADMISSION, "MutatingWebhookConfiguration"): cluster.mutating_webhooks,
    (_ADMISSION, "ValidatingWebhookConfiguration"): cluster.validating_webhooks,
    (_ADMISSION, "MutatingAdmissionPolicy"): cluster.admission_policy,
    (_ADMISSION, "ValidatingAdmissionPolicy"): cluster.admission_policy,
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): cluster.admission_policy_binding,
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): cluster.admission_policy_binding,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): cluster.custom_resource_definition,
    ("apiregistration.k8s.io/v1", "APIService"): cluster.api_service,
    ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"): cluster.flow_schema,
    ("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration"): cluster.priority_level,
    ("resource.k8s.io/v1", "ResourceClaim"): cluster.resource_claim,
    ("resource.k8s.io/v1", "ResourceClaimTemplate"): cluster.resource_claim_template,
}


def apply_defaults(kind: Kind, obj: Object) -> Object:
    """Return ``obj`` with its defaults; ``obj`` itself if there is nothing to fill in.

    ``obj`` must have the structure of its kind (``schema.validate_structure``).
    """
    rule = _RULES.get((kind.api_version, kind.kind))
    return rule(obj) if rule else obj

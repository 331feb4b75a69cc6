"""What the server itself decides about an object before it is validated and stored.

A client proposes; some parts are not its to propose. Creating drops a proposed status, updating
through the main resource keeps the old status, updating through ``status`` keeps everything
else, and ``metadata.generation`` counts the changes of what was asked for. These are the
``PrepareForCreate`` and ``PrepareForUpdate`` strategies of kube-apiserver's registry.
"""

from functools import cache
from typing import Any

from kube_actors.api.copy_on_write import Tree, dropped, edited, filled, replaced
from kube_actors.api.data import definitions
from kube_actors.api.defaults import addresses
from kube_actors.api.kinds import Kind, Object
from kube_actors.api.strategy import pods as strategy_pods

# Kinds whose generation counts. A custom kind with a status subresource counts too.
_GENERATION = {
    ("", "Pod"),
    ("", "ReplicationController"),
    ("admissionregistration.k8s.io", "*"),
    ("apiextensions.k8s.io", "*"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("flowcontrol.apiserver.k8s.io", "*"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
    ("resource.k8s.io", "ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("storage.k8s.io", "CSIDriver"),
}
# Kinds without a spec: these of their own fields count instead.
_COUNTED_FIELDS: dict[str, tuple[str, ...]] = {
    "EndpointSlice": ("addressType", "endpoints", "ports", "metadata.labels"),
    "MutatingWebhookConfiguration": ("webhooks",),
    "ValidatingWebhookConfiguration": ("webhooks",),
    "PriorityClass": (),
}


def counts_generation(kind: Kind) -> bool:
    """Whether ``metadata.generation`` is kept for this kind."""
    if kind.definition is not None:
        return True
    return (kind.group, kind.kind) in _GENERATION or (kind.group, "*") in _GENERATION


@cache
def _empty_status(schema: str) -> tuple[tuple[str, int | bool], ...]:
    # Go writes the numbers and booleans of a status without omitempty even when nothing set them.
    properties = definitions().get(schema, {}).get("properties", {})
    name = properties.get("status", {}).get("$ref", "")
    status = definitions().get(name, {})
    zeros: dict[str, int | bool] = {"integer": 0, "boolean": False}
    types = {
        field: status["properties"][field].get("type", "") for field in status.get("required", ())
    }
    return tuple((field, zeros[each]) for field, each in types.items() if each in zeros)


def _fresh_status(kind: Kind, obj: Object) -> Object:
    if kind.definition is not None:
        return dropped(obj, "status")
    status: dict[str, Any] = dict(_empty_status(kind.schema))
    born: dict[str, dict[str, Any]] = {
        "Service": {"loadBalancer": {}},
        "Namespace": {"phase": "Active"},
        "PersistentVolumeClaim": {"phase": "Pending"},
        "PersistentVolume": {"phase": "Pending"},
        "Ingress": {"loadBalancer": {}},
        "StatefulSet": {"availableReplicas": 0},
        "PodDisruptionBudget": dict.fromkeys(
            ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"), 0
        ),
    }
    status.update(born.get(kind.kind, {}))
    return {**obj, "status": status}


def prepare_for_create(kind: Kind, obj: Object) -> Object:
    """Return ``obj`` as it enters validation: status reset, generation 1.

    ``metadata`` must have its name, namespace, uid and creationTimestamp already. Fields that
    only the server sets (selfLink, managedFields, deletion) are dropped.
    """
    metadata = dropped(
        obj.get("metadata") or {},
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "selfLink",
        "managedFields",
        "resourceVersion",
    )
    if counts_generation(kind):
        metadata = {**metadata, "generation": 1}
    obj = replaced(obj, "metadata", metadata)
    if kind.has_status and not _keeps_status(kind):
        obj = _fresh_status(kind, obj)
    prepare = _CREATE.get((kind.group, kind.kind))
    return prepare(obj) if prepare else obj


def _keeps_status(kind: Kind) -> bool:
    return kind.group == "" and kind.kind == "Node"


def _namespace_finalizer(obj: Object) -> Object:
    spec = obj.get("spec") or {}
    finalizers = spec.get("finalizers") or []
    if "kubernetes" in finalizers:
        return obj
    return {**obj, "spec": {**spec, "finalizers": [*finalizers, "kubernetes"]}}


def _job_selector(obj: Object) -> Object:
    spec, metadata = obj.get("spec") or {}, obj["metadata"]
    uid, name = metadata.get("uid", ""), metadata.get("name", "")
    if spec.get("manualSelector") or not uid:
        return obj
    owned = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    template = spec.get("template") or {}
    template_meta = template.get("metadata") or {}
    labels = {**(template_meta.get("labels") or {}), **owned}
    template = {**template, "metadata": {**template_meta, "labels": labels}}
    selector = filled(
        spec.get("selector") or {},
        {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
    )
    return {**obj, "spec": {**spec, "template": template, "selector": selector}}


def _fresh_pod(obj: Object) -> Object:
    status = {"phase": "Pending", "qosClass": strategy_pods.quality_of_service(obj)}
    obj = {**obj, "status": status}
    return strategy_pods.with_gated_condition(obj)


_CREATE = {
    ("", "Namespace"): _namespace_finalizer,
    ("", "Pod"): _fresh_pod,
    ("batch", "Job"): _job_selector,
}


def prepare_for_update(kind: Kind, new: Object, old: Object, subresource: str = "") -> Object:
    """Return ``new`` as it enters validation, given the stored ``old``.

    ``subresource`` "" is the main resource. ``status`` takes only the status and, of the
    metadata, labels, annotations and finalizers. ``approval``, ``ephemeralcontainers``,
    ``resize`` and ``finalize`` take only what they are named for.
    """
    new = replaced(new, "metadata", _kept_metadata(new, old, subresource))
    if subresource == "status":
        return _status_update(kind, new, old)
    if subresource == "approval":
        new_status, status = new.get("status") or {}, old.get("status") or {}
        merged = {**status, "conditions": new_status.get("conditions", [])}
        return {**old, "metadata": new["metadata"], "status": merged}
    if subresource == "finalize":
        spec = {**(old.get("spec") or {}), **_only(new.get("spec") or {}, "finalizers")}
        return {**old, "metadata": new["metadata"], "spec": spec}
    if subresource == "ephemeralcontainers":
        new = strategy_pods.only_ephemeral_containers(new, old)
    elif subresource == "resize":
        new = strategy_pods.only_resources(new, old)
    if kind.has_status:
        new = replaced(new, "status", old["status"]) if "status" in old else dropped(new, "status")
    keep = _UPDATE.get((kind.group, kind.kind))
    if keep is not None:
        new = keep(new, old)
    return _with_generation(kind, new, old)


def _only(tree: Tree, *keys: str) -> Tree:
    return {key: tree[key] for key in keys if key in tree}


def _kept_metadata(new: Object, old: Object, subresource: str) -> Tree:
    metadata, before = new.get("metadata") or {}, old.get("metadata") or {}
    if subresource == "status":
        keep = ("ownerReferences", "managedFields")
        metadata = {**dropped(metadata, *keep), **_only(before, *keep)}
    # Times are always what is stored. A uid or grace that was contradicted stays: validation
    # then says that it is immutable.
    for key in ("creationTimestamp", "deletionTimestamp"):
        if before.get(key):
            metadata = {**metadata, key: before[key]}
    for key in ("uid", "deletionGracePeriodSeconds"):
        if key in before and not metadata.get(key):
            metadata = {**metadata, key: before[key]}
    metadata = dropped(metadata, "selfLink", "generation", "managedFields")
    return {**metadata, **_only(before, "generation", "managedFields")}


def _status_update(kind: Kind, new: Object, old: Object) -> Object:
    status = new.get("status")
    if kind.group == "" and kind.kind == "Pod" and isinstance(status, dict):
        status = addresses(status)
        qos = (old.get("status") or {}).get("qosClass")
        if qos:
            status = filled(status, {"qosClass": qos})
    result = {**old, "apiVersion": new.get("apiVersion", old.get("apiVersion"))}
    result["metadata"] = new["metadata"]
    if status is None:
        return dropped(result, "status")
    return {**result, "status": status}


def _with_generation(kind: Kind, new: Object, old: Object) -> Object:
    if not counts_generation(kind):
        return new
    generation = (old.get("metadata") or {}).get("generation", 0)
    if _counted(kind, new) != _counted(kind, old):
        generation += 1
    return edited(new, "metadata", lambda meta: {**meta, "generation": generation})


def _counted(kind: Kind, obj: Object) -> Any:
    if kind.definition is not None:
        return dropped(obj, "metadata", "status")
    fields = _COUNTED_FIELDS.get(kind.kind)
    metadata = obj.get("metadata") or {}
    if kind.kind == "Deployment":
        return obj.get("spec"), metadata.get("annotations") or {}
    if fields is None:
        return obj.get("spec")
    return [
        metadata.get("labels") if field == "metadata.labels" else obj.get(field) for field in fields
    ]


def _kept_finalizers(new: Object, old: Object) -> Object:
    finalizers = (old.get("spec") or {}).get("finalizers")
    spec = dropped(new.get("spec") or {}, "finalizers")
    if finalizers is not None:
        spec = {**spec, "finalizers": finalizers}
    return {**new, "spec": spec}


def _kept_cluster_ip(new: Object, old: Object) -> Object:
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    spec = _without_fields_of_old_type(spec, before)
    new = replaced(new, "spec", spec)
    if spec.get("type") == "ExternalName" or before.get("type") == "ExternalName":
        return new
    # An old client that knows nothing of addresses leaves them as they are.
    if not spec.get("clusterIP") and before.get("clusterIP"):
        spec = {**spec, **_only(before, "clusterIP", "clusterIPs")}
    elif spec.get("clusterIPs") == before.get("clusterIPs") and "clusterIP" in before:
        # A client that knows of one address only: the other field follows it.
        spec = {**spec, "clusterIPs": [spec["clusterIP"], *(before.get("clusterIPs") or [])[1:]]}
    elif spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec = {**spec, "clusterIPs": [spec["clusterIP"]]}
    return replaced(new, "spec", _kept_node_ports(spec, before))


def _without_fields_of_old_type(spec: Tree, before: Tree) -> Tree:
    """Drop what only the old type had, unless it was changed: then validation refuses it."""
    outside = {"NodePort", "LoadBalancer"}
    lost: list[str] = []
    if before.get("type") != "ExternalName" and spec.get("type") == "ExternalName":
        lost += ["clusterIP", "clusterIPs", "internalTrafficPolicy"]
    if before.get("type") in outside and spec.get("type") not in outside:
        lost += ["externalTrafficPolicy", "healthCheckNodePort"]
        spec = _without_node_ports(spec, before)
    if before.get("type") == "LoadBalancer" and spec.get("type") != "LoadBalancer":
        lost += ["allocateLoadBalancerNodePorts", "loadBalancerClass"]
    unchanged = [name for name in lost if name in spec and spec[name] == before.get(name)]
    return dropped(spec, *unchanged)


def _without_node_ports(spec: Tree, before: Tree) -> Tree:
    ports, old_ports = spec.get("ports") or [], before.get("ports") or []
    if [p.get("nodePort") for p in ports] != [p.get("nodePort") for p in old_ports]:
        return spec
    return {**spec, "ports": [dropped(port, "nodePort") for port in ports]} if ports else spec


def _kept_node_ports(spec: Tree, before: Tree) -> Tree:
    outside = {"NodePort", "LoadBalancer"}
    if spec.get("type") not in outside or before.get("type") not in outside:
        return spec
    known = {(p.get("protocol"), p.get("port")): p.get("nodePort") for p in before.get("ports", [])}
    taken = {port.get("nodePort") for port in spec.get("ports", [])}
    ports = []
    for port in spec.get("ports", []):
        found = known.get((port.get("protocol"), port.get("port")))
        if not port.get("nodePort") and found and found not in taken:
            port = {**port, "nodePort": found}
        ports.append(port)
    return {**spec, "ports": ports} if ports else spec


def _kept_spec(new: Object, old: Object) -> Object:
    return {**new, "spec": old.get("spec") or {}}


_UPDATE = {
    ("", "Namespace"): _kept_finalizers,
    ("", "Service"): _kept_cluster_ip,
    ("certificates.k8s.io", "CertificateSigningRequest"): _kept_spec,
}


def graceful_deletion_s(kind: Kind, obj: Object, asked_s: int | None) -> int:
    """Return how long deletion waits for the kubelet: 0 removes the object at once."""
    if kind.group or kind.kind != "Pod":
        return 0
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in {"Failed", "Succeeded"}:
        return 0
    default = int(spec.get("terminationGracePeriodSeconds") or 0)
    period = default if asked_s is None else asked_s
    return 1 if period < 0 else period

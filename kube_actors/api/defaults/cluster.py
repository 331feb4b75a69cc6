"""What Kubernetes fills into the kinds that run no pods and carry no traffic.

Storage, configuration, access control, extension points, flow control: the rules are those of
each group's defaults.
"""

import base64
from typing import Any

from kube_actors.api.copy_on_write import (
    Edit,
    Tree,
    dropped,
    edited,
    edited_at,
    edited_each,
    filled,
    replaced,
)
from kube_actors.api.defaults.pods import claim_spec, volume_source

RBAC_GROUP = "rbac.authorization.k8s.io"


def _filling(**defaults: Any) -> Edit:
    return lambda tree: filled(tree, defaults)


def _with_phase(tree: Tree, phase: str) -> Tree:
    return replaced(tree, "status", filled(tree.get("status") or {}, {"phase": phase}))


def secret(tree: Tree) -> Tree:
    """Fill a Secret; ``stringData`` is only a way to write ``data`` and moves into it."""
    texts = tree.get("stringData")
    if texts is not None:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        tree = dropped(tree, "stringData")
        tree = {**tree, "data": {**(tree.get("data") or {}), **encoded}} if encoded else tree
    return filled(tree, {"type": "Opaque"})


def namespace(tree: Tree) -> Tree:
    """Label a Namespace with its own name, and begin it Active."""
    metadata = tree.get("metadata") or {}
    name = metadata.get("name")
    labels = metadata.get("labels") or {}
    if name and labels.get("kubernetes.io/metadata.name") != name:
        labels = {**labels, "kubernetes.io/metadata.name": name}
        tree = {**tree, "metadata": {**metadata, "labels": labels}}
    return _with_phase(replaced(tree, "spec", tree.get("spec", _EMPTY)), "Active")


_EMPTY: Tree = {}


def node(tree: Tree) -> Tree:
    """Let all of a Node's capacity be allocatable, where the status does not say."""

    def status(each: Tree) -> Tree:
        capacity = each.get("capacity")
        return filled(each, {"allocatable": capacity}) if capacity else each

    return edited(tree, "status", status)


def _volume_spec(spec: Tree) -> Tree:
    spec = filled(spec, {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
    return volume_source(spec)


def persistent_volume(tree: Tree) -> Tree:
    """Fill a PersistentVolume: retained, a file system, Pending."""
    return _with_phase(edited(tree, "spec", _volume_spec), "Pending")


def persistent_volume_claim(tree: Tree) -> Tree:
    """Fill a claim: a file system, Pending; its class is admission's affair."""
    return _with_phase(edited(tree, "spec", claim_spec), "Pending")


def storage_class(tree: Tree) -> Tree:
    """Fill a StorageClass: volumes are deleted with their claims, and bound at once."""
    return filled(tree, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def csi_driver(tree: Tree) -> Tree:
    """Fill a CSIDriver, so that validation can ask for every field."""
    fill = _filling(
        attachRequired=True,
        podInfoOnMount=False,
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        volumeLifecycleModes=["Persistent"],
        requiresRepublish=False,
        seLinuxMount=False,
    )
    return edited(tree, "spec", fill)


def priority_class(tree: Tree) -> Tree:
    """Fill a PriorityClass: it preempts."""
    return filled(tree, {"preemptionPolicy": "PreemptLowerPriority"})


def _limit(tree: Tree) -> Tree:
    if tree.get("type") != "Container":
        return tree
    default = {**tree.get("max", {}), **tree.get("default", {})}
    request = {**tree.get("min", {}), **default, **tree.get("defaultRequest", {})}
    new = {"default": default, "defaultRequest": request}
    wanted = {key: value for key, value in new.items() if value and tree.get(key) != value}
    return {**tree, **wanted} if wanted else tree


def limit_range(tree: Tree) -> Tree:
    """Fill a container's limits: ``max`` is the default limit, and the default the request."""
    return edited(tree, "spec", lambda spec: edited_each(spec, "limits", _limit))


def _subject(tree: Tree) -> Tree:
    if tree.get("kind") in {"User", "Group"}:
        return filled(tree, {"apiGroup": RBAC_GROUP})
    return tree


def role_binding(tree: Tree) -> Tree:
    """Fill the RBAC group into the role and into users and groups."""
    tree = edited(tree, "roleRef", lambda ref: filled(ref, {"apiGroup": RBAC_GROUP}))
    return edited_each(tree, "subjects", _subject)


def _webhook(tree: Tree) -> Tree:
    tree = filled(
        tree,
        {
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "timeoutSeconds": 10,
        },
    )
    tree = edited_at(tree, ("clientConfig", "service"), _filling(port=443))
    return edited_each(tree, "rules", _filling(scope="*"))


def _mutating_webhook(tree: Tree) -> Tree:
    return filled(_webhook(tree), {"reinvocationPolicy": "Never"})


def mutating_webhooks(tree: Tree) -> Tree:
    """Fill each webhook; one that changes objects is not called again by default."""
    return edited_each(tree, "webhooks", _mutating_webhook)


def validating_webhooks(tree: Tree) -> Tree:
    """Fill each webhook: it fails closed, after ten seconds."""
    return edited_each(tree, "webhooks", _webhook)


def _constraints(tree: Tree) -> Tree:
    tree = filled(
        tree, {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
    )
    for rules in ("resourceRules", "excludeResourceRules"):
        tree = edited_each(tree, rules, _filling(scope="*"))
    return tree


def admission_policy(tree: Tree) -> Tree:
    """Fill a policy: it fails closed, and matches equivalent versions."""
    tree = edited(tree, "spec", _filling(failurePolicy="Fail"))
    return edited_at(tree, ("spec", "matchConstraints"), _constraints)


def admission_policy_binding(tree: Tree) -> Tree:
    """Fill what a binding matches, where it restricts that at all."""
    return edited_at(tree, ("spec", "matchResources"), _constraints)


def _definition_spec(spec: Tree) -> Tree:
    names = spec.get("names") or {}
    kind = names.get("kind", "")
    if kind:
        full = filled(names, {"singular": kind.lower(), "listKind": f"{kind}List"})
        spec = replaced(spec, "names", full)
    spec = replaced(spec, "conversion", filled(spec.get("conversion") or {}, {"strategy": "None"}))
    return edited_at(spec, ("conversion", "webhook", "clientConfig", "service"), _filling(port=443))


def custom_resource_definition(tree: Tree) -> Tree:
    """Fill the names that follow from the kind, and no conversion."""
    return edited(tree, "spec", _definition_spec)


def api_service(tree: Tree) -> Tree:
    """Fill the port of the service behind an APIService, where there is one."""
    return edited_at(tree, ("spec", "service"), _filling(port=443))


def flow_schema(tree: Tree) -> Tree:
    """Fill a FlowSchema's precedence, in the middle of what is allowed."""
    return edited(tree, "spec", _filling(matchingPrecedence=1000))


def _priority_level_spec(spec: Tree) -> Tree:
    spec = edited(spec, "limited", _filling(nominalConcurrencyShares=30, lendablePercent=0))
    spec = edited(spec, "exempt", _filling(nominalConcurrencyShares=0, lendablePercent=0))
    return edited_at(
        spec,
        ("limited", "limitResponse", "queuing"),
        _filling(queues=64, handSize=8, queueLengthLimit=50),
    )


def priority_level(tree: Tree) -> Tree:
    """Fill a level's shares and, where it queues, the queues."""
    return edited(tree, "spec", _priority_level_spec)


def _device_request(tree: Tree) -> Tree:
    def exactly(each: Tree) -> Tree:
        each = filled(each, {"allocationMode": "ExactCount"})
        return filled(each, {"count": 1}) if each["allocationMode"] == "ExactCount" else each

    tree = edited(tree, "exactly", exactly)
    return edited_each(tree, "firstAvailable", exactly)


def _claim_devices(spec: Tree) -> Tree:
    return edited(spec, "devices", lambda each: edited_each(each, "requests", _device_request))


def resource_claim(tree: Tree) -> Tree:
    """Fill a ResourceClaim: each request asks for exactly one device."""
    return edited(tree, "spec", _claim_devices)


def resource_claim_template(tree: Tree) -> Tree:
    """Fill the claim that is made from the template."""
    return edited_at(tree, ("spec", "spec"), _claim_devices)

"""What Kubernetes fills into pods and pod templates.

The rules are those of ``pkg/apis/core/v1`` (defaults). A pod gets a few that its template does
not, so that a new default never changes the templates that are already stored.
"""

from collections.abc import Mapping
from typing import Any

from kube_actors.api.copy_on_write import (
    Tree,
    dropped,
    edited,
    edited_at,
    edited_each,
    filled,
    replaced,
)

_POD_SPEC = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_HTTP_GET = {"path": "/", "scheme": "HTTP"}
_CONTAINER = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_MODE = {"defaultMode": 420}
_VOLUME_FIELDS: dict[str, Mapping[str, Any]] = {
    "secret": _MODE,
    "configMap": _MODE,
    "downwardAPI": _MODE,
    "projected": _MODE,
    "hostPath": {},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}
_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def pull_policy(image: str) -> str:
    """Return Always for ``:latest`` or no tag, IfNotPresent otherwise."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return "Always" if tag in {"", "latest"} else "IfNotPresent"


def _handler(tree: Tree) -> Tree:
    tree = edited(tree, "httpGet", lambda action: filled(action, _HTTP_GET))
    if isinstance(tree.get("grpc"), dict) and "service" not in tree["grpc"]:
        tree = replaced(tree, "grpc", {**tree["grpc"], "service": ""})
    return tree


def _probe(tree: Tree) -> Tree:
    unset = {key: value for key, value in _PROBE.items() if not tree.get(key)}
    return _handler({**tree, **unset} if unset else tree)


def _field_ref(tree: Tree) -> Tree:
    return edited(tree, "fieldRef", lambda ref: filled(ref, {"apiVersion": "v1"}))


def _resource_ref(tree: Tree) -> Tree:
    # A quantity without omitempty: the real server always writes it.
    return edited(tree, "resourceFieldRef", lambda ref: filled(ref, {"divisor": "0"}))


def _source(tree: Tree) -> Tree:
    return _resource_ref(_field_ref(tree))


def _port(tree: Tree) -> Tree:
    return filled(tree, {"protocol": "TCP"})


def container(tree: Tree) -> Tree:
    """Fill a container of any sort, its ports, probes, hooks and pull policy."""
    tree = filled(tree, _CONTAINER)
    if not tree.get("imagePullPolicy"):
        tree = {**tree, "imagePullPolicy": pull_policy(tree.get("image", ""))}
    tree = edited_each(tree, "ports", _port)
    tree = edited_each(tree, "env", lambda env: edited(env, "valueFrom", _source))
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        tree = edited(tree, probe, _probe)
    if "lifecycle" in tree:
        for hook in ("postStart", "preStop"):
            tree = edited_at(tree, ("lifecycle", hook), _handler)
    return tree


def _projection(tree: Tree) -> Tree:
    tree = edited(
        tree, "serviceAccountToken", lambda token: filled(token, {"expirationSeconds": 3600})
    )
    return edited(tree, "downwardAPI", lambda items: edited_each(items, "items", _source))


def volume_source(tree: Tree) -> Tree:
    """Fill the sources that volumes of pods and persistent volumes have in common."""
    for name, defaults in _VOLUME_FIELDS.items():
        if name in tree and isinstance(tree[name], dict):
            tree = replaced(tree, name, filled(tree[name], defaults))
    if isinstance(tree.get("hostPath"), dict) and "type" not in tree["hostPath"]:
        tree = replaced(tree, "hostPath", {**tree["hostPath"], "type": ""})
    if isinstance(tree.get("azureDisk"), dict) and "readOnly" not in tree["azureDisk"]:
        tree = replaced(tree, "azureDisk", {**tree["azureDisk"], "readOnly": False})
    return tree


def claim_spec(tree: Tree) -> Tree:
    """Fill the spec of a claim or of a template for one."""
    return filled(tree, {"volumeMode": "Filesystem"})


def volume(tree: Tree) -> Tree:
    """Fill a pod's volume; one without any source is an emptyDir."""
    if len(tree) == 1 and "name" in tree:
        return {**tree, "emptyDir": {}}
    tree = volume_source(tree)
    tree = edited(tree, "downwardAPI", lambda source: edited_each(source, "items", _source))
    tree = edited(tree, "projected", lambda source: edited_each(source, "sources", _projection))
    tree = edited_at(tree, ("ephemeral", "volumeClaimTemplate", "spec"), claim_spec)
    image = tree.get("image")
    if isinstance(image, dict) and not image.get("pullPolicy"):
        policy = pull_policy(image.get("reference", ""))
        tree = replaced(tree, "image", {**image, "pullPolicy": policy})
    return tree


def _same_service_account(tree: Tree) -> Tree:
    # Two spellings of one field: the old one is always written beside the new one.
    name = tree.get("serviceAccountName") or tree.get("serviceAccount")
    if not name:
        return dropped(tree, "serviceAccountName", "serviceAccount")
    if tree.get("serviceAccountName") == name and tree.get("serviceAccount") == name:
        return tree
    return {**tree, "serviceAccountName": name, "serviceAccount": name}


def pod_spec(tree: Tree) -> Tree:
    """Fill a pod's or a template's spec."""
    tree = _same_service_account(filled(tree, _POD_SPEC))
    for name in _CONTAINER_LISTS:
        if name in tree:
            tree = edited_each(tree, name, container)
    return edited_each(tree, "volumes", volume)


def template(tree: Tree) -> Tree:
    """Fill a PodTemplateSpec."""
    return edited(tree, "spec", pod_spec)


def _requests_from_limits(tree: Tree) -> Tree:
    resources = tree.get("resources") or {}
    limits = resources.get("limits")
    if not limits:
        return tree
    requests = resources.get("requests") or {}
    missing = {name: amount for name, amount in limits.items() if name not in requests}
    if not missing:
        return tree
    return {**tree, "resources": {**resources, "requests": {**requests, **missing}}}


def _host_port(tree: Tree) -> Tree:
    if tree.get("hostPort") or not tree.get("containerPort"):
        return tree
    return {**tree, "hostPort": tree["containerPort"]}


def _host_ports(tree: Tree) -> Tree:
    return edited_each(tree, "ports", _host_port)


def addresses(tree: Tree) -> Tree:
    """Keep the two spellings of a pod's addresses alike; ``tree`` is the status."""
    for one, many in (("podIP", "podIPs"), ("hostIP", "hostIPs")):
        if tree.get(one) and not tree.get(many):
            tree = {**tree, many: [{"ip": tree[one]}]}
        elif tree.get(many) and not tree.get(one):
            tree = {**tree, one: tree[many][0].get("ip", "")}
    return tree


def pod(tree: Tree) -> Tree:
    """Fill a Pod."""
    spec = tree.get("spec")
    if isinstance(spec, dict):
        new = pod_spec(spec)
        for name in ("containers", "initContainers"):
            new = edited_each(new, name, _requests_from_limits)
        if "enableServiceLinks" not in new:
            new = {**new, "enableServiceLinks": True}
        if new.get("hostNetwork"):
            for name in ("containers", "initContainers"):
                new = edited_each(new, name, _host_ports)
        tree = replaced(tree, "spec", new)
    return edited(tree, "status", addresses)

"""Makes pods from pod templates, controlled by the workload that asked for them."""

from collections.abc import Mapping
from typing import Any

from kube_actors.api import Object
from kube_actors.controllers.claims import controlled_by
from kube_actors.controllers.effects import Reference


def pod_from(
    template: Mapping[str, Any],
    owner: Reference,
    name: str,
    *,
    generate_name: str = "",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
) -> Object:
    """Make a pod; ``labels``, ``annotations`` and members of ``spec`` come on top."""
    theirs = template.get("metadata") or {}
    meta: dict[str, Any] = {
        "name": name,
        "namespace": owner.namespace,
        "labels": {**(theirs.get("labels") or {}), **(labels or {})},
        "ownerReferences": [controlled_by(owner)],
    }
    if generate_name:
        meta["generateName"] = generate_name
    notes = {**(theirs.get("annotations") or {}), **(annotations or {})}
    if notes:
        meta["annotations"] = notes
    if theirs.get("finalizers"):
        meta["finalizers"] = theirs["finalizers"]
    whole_spec = {**(template.get("spec") or {}), **(spec or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": whole_spec}

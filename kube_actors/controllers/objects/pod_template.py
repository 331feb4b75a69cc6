"""Pod templates: which are the same, and the pods they become.

Two templates are the same when their digests are. Nulls and empty members do not count, because
defaulting may add or drop them; nor does the ``pod-template-hash`` label, which says the digest.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from kube_actors.api import Object
from kube_actors.controllers.loop import Reference
from kube_actors.controllers.objects.claims import controlled_by
from kube_actors.controllers.objects.naming import safe_suffix

POD_TEMPLATE_HASH = "pod-template-hash"


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        pairs = ((key, _bare(member)) for key, member in value.items())
        return {key: member for key, member in pairs if member not in (None, {}, [], "")}
    if isinstance(value, list):
        return [_bare(member) for member in value]
    return value


def template_digest(template: Mapping[str, Any]) -> str:
    """Digest a pod template."""
    bare = _bare(template)
    meta = bare.get("metadata", {})
    labels = {key: text for key, text in meta.get("labels", {}).items() if key != POD_TEMPLATE_HASH}
    bare["metadata"] = {**meta, "labels": labels}
    return safe_suffix(orjson.dumps(bare, option=orjson.OPT_SORT_KEYS).decode(), 20)


def template_hash(digest: str, collisions: int = 0) -> str:
    """Give the ten characters that name a template; collisions make others."""
    return safe_suffix(f"{digest}/{collisions}" if collisions else digest, 10)


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

"""The recorded templates of a workload that is not made of ReplicaSets.

A ControllerRevision holds one pod template as a patch of its owner, so ``kubectl rollout history``
and ``undo`` can show and restore it, and a controller can make pods of an older template while an
update is held back. The template's hash names it; an old template asked for again gets the next
number.
"""

from collections.abc import Sequence
from typing import Any

import orjson
from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Create,
    Delete,
    Effect,
    Patch,
    Record,
    Reference,
    controller_uid,
    identity,
)
from kube_actors.controllers.objects import controlled_by, template_digest, template_hash

HASH_LABEL = "controller-revision-hash"


@frozen
class TemplateRevision(Record):
    """``template`` is the pod template as JSON, ``digest`` its digest."""

    owner_uid: str
    revision: int
    digest: str
    template: bytes

    def object(self) -> Object:
        """Decode the pod template; a new tree each time."""
        return orjson.loads(self.template)  # type: ignore[no-any-return]


def template_revision(obj: Object) -> TemplateRevision:
    """Keep the template in a ControllerRevision."""
    data = obj.get("data")
    spec = (data.get("spec") if isinstance(data, dict) else None) or {}
    template = {key: value for key, value in (spec.get("template") or {}).items() if key[0] != "$"}
    return TemplateRevision(
        *identity(obj),
        owner_uid=controller_uid(obj),
        revision=int(obj.get("revision") or 0),
        digest=template_digest(template),
        template=orjson.dumps(template),
    )


def revision_name(owner: str, digest: str) -> str:
    """Name the revision of a template, which is also the value of the pods' hash label."""
    return f"{owner}-{template_hash(digest)}"


def record_template(
    owner: Reference, template: Any, known: Sequence[TemplateRevision]
) -> tuple[Effect, ...]:
    """Make sure the present template is recorded under the highest number."""
    digest = template_digest(template)
    highest = max((one.revision for one in known), default=0)
    mine = next((one for one in known if one.digest == digest), None)
    if mine is not None:
        if mine.revision == highest:
            return ()
        body = {"metadata": mine.guard, "revision": highest + 1}
        return (Patch("ControllerRevision", mine.namespace, mine.name, body, gone_ok=True),)
    labels = (template.get("metadata") or {}).get("labels") or {}
    revision = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": revision_name(owner.name, digest),
            "namespace": owner.namespace,
            "labels": {**labels, HASH_LABEL: template_hash(digest)},
            "ownerReferences": [controlled_by(owner)],
        },
        "data": {"spec": {"template": {**template, "$patch": "replace"}}},
        "revision": highest + 1,
    }
    return (Create(revision),)


def forget_old(
    known: Sequence[TemplateRevision], in_use: frozenset[str], limit: int
) -> tuple[Effect, ...]:
    """Delete the oldest revisions beyond ``limit`` that no pod and no status names."""
    idle = [one for one in known if one.name not in in_use]
    surplus = sorted(idle, key=lambda one: (one.revision, one.name))[: max(0, len(idle) - limit)]
    return tuple(Delete("ControllerRevision", one.namespace, one.name, one.uid) for one in surplus)

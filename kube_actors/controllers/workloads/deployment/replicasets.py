"""The ReplicaSets of a Deployment: which template, revision and history each of them has.

A template's hash names its ReplicaSet, so the same template always finds the same set and rolling
back is nothing but asking for an old template again: that set then gets the next number and
remembers its old ones.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Record,
    controller_uid,
    identity,
    labels_of,
    reference_to,
    seconds,
)
from kube_actors.controllers.objects import (
    POD_TEMPLATE_HASH,
    controlled_by,
    template_digest,
    template_hash,
)
from kube_actors.controllers.workloads.deployment.rollout import Size, Strategy

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
HISTORY_CHARACTERS_MAX = 2000
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        "deprecated.deployment.rollback.to",
    }
)


@frozen
class RevisionRecord(Record):
    """A ReplicaSet as its Deployment sees it; ``template`` is the digest of its pod template."""

    owner_uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    generation: int
    created_s: float
    replicas: int
    min_ready_s: int
    template: str
    status: Mapping[str, Any]
    deleting: bool

    @property
    def revision(self) -> int:
        """The number in its annotation; 0 while it has none that can be read."""
        return _number(self.annotations.get(REVISION))

    @property
    def available(self) -> int:
        """How many available pods its status tells of."""
        return int(self.status.get("availableReplicas", 0))

    @property
    def actual(self) -> int:
        """How many pods its status tells of, whatever it is asked for."""
        return int(self.status.get("replicas", 0))

    @property
    def observed(self) -> bool:
        """Whether its status speaks of its present spec."""
        return int(self.status.get("observedGeneration", 0)) >= self.generation

    @property
    def size(self) -> Size:
        """The set as the arithmetic of a rollout takes it."""
        # A status may still count pods that this set was already told to give up; counting them
        # as spare would let the rollout give up others in their place.
        return Size(
            self.name,
            self.replicas,
            min(self.available, self.replicas),
            (self.created_s, self.name),
            _number(self.annotations.get(MAX_REPLICAS)),
        )


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0


def revision_record(obj: Object) -> RevisionRecord:
    """Keep what a Deployment needs of a ReplicaSet."""
    meta, spec = obj["metadata"], obj.get("spec") or {}
    return RevisionRecord(
        *identity(obj),
        owner_uid=controller_uid(obj),
        labels=labels_of(obj),
        annotations=meta.get("annotations") or {},
        generation=meta.get("generation", 0),
        created_s=seconds(meta.get("creationTimestamp")) or 0.0,
        replicas=spec.get("replicas", 1),
        min_ready_s=spec.get("minReadySeconds", 0),
        template=template_digest(spec.get("template") or {}),
        status=obj.get("status") or {},
        deleting=bool(meta.get("deletionTimestamp")),
    )


def next_revision(old: Iterable[RevisionRecord]) -> int:
    """Give one more than the highest revision among old ReplicaSets."""
    return max((replicaset.revision for replicaset in old), default=0) + 1


def wanted_annotations(
    deployment: Object, current: Mapping[str, str], revision: int
) -> dict[str, str]:
    """Give a new ReplicaSet's annotations: the Deployment's, the revision and its history."""
    theirs = deployment["metadata"].get("annotations") or {}
    wanted = dict(current)
    wanted |= {key: text for key, text in theirs.items() if key not in _NOT_COPIED}
    before = _number(current.get(REVISION))
    if before < revision:
        wanted[REVISION] = str(revision)
        if REVISION in current:
            past = [text for text in current.get(REVISION_HISTORY, "").split(",") if text]
            history = ",".join([*past, current[REVISION]])
            while len(history) > HISTORY_CHARACTERS_MAX and "," in history:
                history = history.split(",", 1)[1]
            wanted[REVISION_HISTORY] = history
    return wanted


def scale_annotations(strategy: Strategy) -> dict[str, str]:
    """Give the annotations that remember for what scale a ReplicaSet was sized."""
    return {
        DESIRED_REPLICAS: str(strategy.replicas),
        MAX_REPLICAS: str(strategy.total_max),
    }


def new_replicaset(
    deployment: Object, digest: str, collisions: int, revision: int, replicas: int, plan: Strategy
) -> Object:
    """Make the ReplicaSet of the Deployment's present template."""
    meta, spec = deployment["metadata"], deployment["spec"]
    hash_ = template_hash(digest, collisions)
    template = spec["template"]
    template_meta = template.get("metadata") or {}
    labels = {**(template_meta.get("labels") or {}), POD_TEMPLATE_HASH: hash_}
    selector = spec["selector"]
    match_labels = {**(selector.get("matchLabels") or {}), POD_TEMPLATE_HASH: hash_}
    new_spec = {
        "replicas": replicas,
        "selector": {**selector, "matchLabels": match_labels},
        "template": {**template, "metadata": {**template_meta, "labels": labels}},
    }
    if spec.get("minReadySeconds"):
        new_spec["minReadySeconds"] = spec["minReadySeconds"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{hash_}",
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": wanted_annotations(deployment, scale_annotations(plan), revision),
            "ownerReferences": [controlled_by(reference_to(deployment))],
        },
        "spec": new_spec,
    }

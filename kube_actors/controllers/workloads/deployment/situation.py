"""Where a Deployment stands: its ReplicaSets sorted into the present template's and older ones."""

from collections.abc import Sequence

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.objects import template_digest
from kube_actors.controllers.workloads.deployment import rollout
from kube_actors.controllers.workloads.deployment.replicasets import RevisionRecord
from kube_actors.controllers.workloads.deployment.rollout import Strategy


@frozen
class Situation:
    """The ReplicaSets sorted by what they are: the present template's, and older ones."""

    deployment: Object
    plan: Strategy
    digest: str
    new: RevisionRecord | None
    old: tuple[RevisionRecord, ...]

    @property
    def everything(self) -> tuple[RevisionRecord, ...]:
        """All ReplicaSets by age, oldest first, the present template's last."""
        return self.old if self.new is None else (*self.old, self.new)

    @property
    def collisions(self) -> int:
        """How often the present template's name was found taken (``collisionCount``)."""
        return int((self.deployment.get("status") or {}).get("collisionCount", 0))


def survey(deployment: Object, owned: Sequence[RevisionRecord]) -> Situation:
    """Find the ReplicaSet of the present template (the oldest of several) among those owned."""
    digest = template_digest(deployment["spec"]["template"])
    ordered = sorted(owned, key=lambda replicaset: (replicaset.created_s, replicaset.name))
    new = next((replicaset for replicaset in ordered if replicaset.template == digest), None)
    old = tuple(replicaset for replicaset in ordered if replicaset is not new)
    return Situation(deployment, rollout.strategy_of(deployment["spec"]), digest, new, old)

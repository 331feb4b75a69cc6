"""What the server decides about pods: their quality of service, and partial updates.

The class follows https://kubernetes.io/docs/concepts/workloads/pods/pod-qos: Guaranteed when
every container limits cpu and memory to what it requests, BestEffort when none asks for
anything, Burstable otherwise.
"""

from collections.abc import Iterator

from kube_actors.api.copy_on_write import Tree, replaced
from kube_actors.api.kinds import Object
from kube_actors.api.quantities import Quantity
from kube_actors.api.validation import amount_of

_COMPUTE = ("cpu", "memory")


def _amounts(resources: Tree, side: str) -> dict[str, int]:
    found = resources.get(side) or {}
    amounts = ((name, amount_of(found[name])) for name in _COMPUTE if name in found)
    return {name: each.nano for name, each in amounts if isinstance(each, Quantity) and each.nano}


def _asking(spec: Tree) -> Iterator[Tree]:
    if spec.get("resources"):
        yield spec["resources"]
        return
    for name in ("initContainers", "containers"):
        for container in spec.get(name) or ():
            yield container.get("resources") or {}


def quality_of_service(pod: Object) -> str:
    """Return Guaranteed, Burstable or BestEffort; the pod must be defaulted and valid."""
    spec = pod.get("spec") or {}
    asked, guaranteed = False, True
    for resources in _asking(spec):
        requests, limits = _amounts(resources, "requests"), _amounts(resources, "limits")
        asked = asked or bool(requests or limits)
        whole = len(limits) == len(_COMPUTE)
        guaranteed = guaranteed and whole and (requests == limits or not requests)
    if not asked:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def with_gated_condition(pod: Object) -> Object:
    """Say in the status that scheduling gates hold the pod back, if any do."""
    if not (pod.get("spec") or {}).get("schedulingGates"):
        return pod
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }
    return {**pod, "status": {**pod["status"], "conditions": [condition]}}


def only_ephemeral_containers(new: Object, old: Object) -> Object:
    """Take the ephemeral containers of ``new`` and the rest of ``old``."""
    containers = (new.get("spec") or {}).get("ephemeralContainers") or []
    spec = {**(old.get("spec") or {}), "ephemeralContainers": containers}
    return {**old, "metadata": new["metadata"], "spec": spec}


def only_resources(new: Object, old: Object) -> Object:
    """Take the containers' resources of ``new``, in place, and the rest of ``old``."""
    spec, asked = old.get("spec") or {}, new.get("spec") or {}
    for name in ("containers", "initContainers"):
        before, after = spec.get(name) or [], asked.get(name) or []
        if [each.get("name") for each in before] != [each.get("name") for each in after]:
            # Adding, removing or renaming is for validation to refuse.
            return new
        merged = [_resized(one, other) for one, other in zip(before, after, strict=True)]
        spec = replaced(spec, name, merged) if merged else spec
    return {**old, "metadata": new["metadata"], "spec": spec}


def _resized(before: Tree, after: Tree) -> Tree:
    kept = {key: value for key, value in before.items() if key not in _RESIZED}
    return kept | {key: after[key] for key in _RESIZED if key in after}


_RESIZED = ("resources", "resizePolicy")

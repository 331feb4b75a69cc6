"""Creates and deletes the pods of a workload, and tells of each in the workload's events.

Reasons and messages are Kubernetes' (RealPodControl in pkg/controller/controller_utils.go). Creates
start slowly, so that a quota or a bad template is met by one request, not by hundreds.
"""

from collections.abc import Iterable

from kube_actors.api import Object
from kube_actors.controllers.loop import Announce, Create, Delete, Record, Reference, Together


def create_pods(owner: Reference, pods: Iterable[Object]) -> tuple[Together, ...]:
    """Create all of them; no effect for no pods."""
    announce = Announce(
        owner, "SuccessfulCreate", "Created pod: {name}", "FailedCreate", "Error creating: {error}"
    )
    creates = tuple(Create(pod, announce) for pod in pods)
    return (Together(creates, slow_start=True),) if creates else ()


def delete_pods(owner: Reference, pods: Iterable[Record]) -> tuple[Together, ...]:
    """Delete all of them by uid; no effect for no pods."""
    announce = Announce(
        owner, "SuccessfulDelete", "Deleted pod: {name}", "FailedDelete", "Error deleting: {error}"
    )
    deletes = tuple(
        Delete("Pod", pod.namespace, pod.name, pod.uid, announce=announce) for pod in pods
    )
    return (Together(deletes),) if deletes else ()

"""What a kubelet keeps in memory for one pod: little, because there are thousands.

The pod itself stays as the bytes that the view shares with everyone; parts that only a pod in
trouble needs (back-offs, problems) are made when first used.
"""

import orjson
from attrs import define, field, frozen

from kube_actors.api import Object
from kube_actors.client import Record
from kube_actors.node.backoff import Backoff
from kube_actors.node.env import Reference
from kube_actors.node.lifecycle import Problem, Rejection, Requests
from kube_actors.node.probes import ProbeSpec, ProbeTrack, ProbeView, view
from kube_actors.node.runtimes import ProbeKind


@frozen
class Reported:
    """The newest pod that the API answered with, in case the view has not seen it yet."""

    resource_version: int
    pod: bytes


@define(slots=True, eq=False)
class Probe:
    """One probe of one run; ``flying`` while it is asked."""

    container_id: str
    spec: ProbeSpec
    track: ProbeTrack
    flying: bool = False


@define(slots=True, eq=False)
class PodEntry:
    """``wanted`` is the status still to be written, decided on version ``wanted_on`` of the pod.

    ``acknowledged`` is the hash of the one last accepted (the API may store it in other words), as
    version ``acknowledged_on`` of the pod: whoever changes the pod after that may have changed it;
    ``timer_at`` is the earliest wake-up set. ``over``: it has ended, and holds nothing any more.
    """

    uid: str
    namespace: str
    name: str
    record: Record
    accepted_at: float
    requests: Requests = field(factory=Requests)
    ip: str = ""
    rejection: Rejection | None = None
    over: bool = False
    gone: bool = False
    busy: bool = False
    again: bool = False
    timer_at: float = float("inf")
    finish_at: float = 0.0
    wanted: bytes | None = None
    wanted_on: int = 0
    acknowledged: int = 0
    acknowledged_on: int = 0
    reported: Reported | None = None
    sandbox_problem: Problem | None = None
    probes: dict[tuple[str, ProbeKind], Probe] = field(factory=dict)
    problems: dict[str, Problem] | None = None
    backoffs: dict[str, Backoff] | None = None
    stopping: dict[str, float] | None = None
    hooking: dict[str, None] | None = None
    resolved: dict[Reference, Object] | None = None

    def seen(self, record: Record) -> None:
        """The view has a newer pod."""
        self.record = record
        reported = self.reported
        if reported is not None and reported.resource_version <= record.resource_version:
            self.reported = None

    def object(self) -> Object:
        """Decode the newest pod that is known."""
        reported = self.reported
        if reported is not None:
            if reported.resource_version > self.record.resource_version:
                pod: Object = orjson.loads(reported.pod)
                return pod
            self.reported = None
        return self.record.object()

    def probe_views(self, pod: Object, running: dict[str, str]) -> dict[str, ProbeView]:
        """Return the view of every container; ``running`` maps names to container ids."""
        views: dict[str, ProbeView] = {}
        spec = pod["spec"]
        for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
            name = container["name"]
            tracks = {
                kind: self.probes[name, kind].track
                for kind in ProbeKind
                if (name, kind) in self.probes
                and self.probes[name, kind].container_id == running.get(name)
            }
            views[name] = view(container, tracks, name in running)
        return views

    def reference(self, container: str = "") -> dict[str, str]:
        """The ``involvedObject`` of an event about this pod."""
        reference = {
            "kind": "Pod",
            "apiVersion": "v1",
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
        }
        if container:
            reference["fieldPath"] = f"spec.containers{{{container}}}"
        return reference

"""Writes what the scheduler has decided: bindings, evictions, and why a pod cannot run.

A binding whose outcome is unknown is looked up until it is known: its room must not be given to
another pod before. What else fails is left to the next try of the pod, which writes it anew.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import anyio

from kube_actors.actor import Actor, ActorError
from kube_actors.api import StatusError
from kube_actors.client import Client, EventRecorder
from kube_actors.scheduler.pod import PodInfo

UNKNOWN_RETRY_S = 0.5


class Binding(Enum):
    """What came of a binding; ``GONE``: there is no such pod, so it need not be tried again."""

    DONE = "done"
    REFUSED = "refused"
    GONE = "gone"


class PodWriter:
    """The API's end of one term of leading; ``name`` is the scheduler's, for conditions."""

    def __init__(self, actor: Actor, client: Client, events: EventRecorder, name: str) -> None:
        self._actor = actor
        self._client = client
        self._events = events
        self._name = name

    def tell(self, pod: PodInfo, type: str, reason: str, message: str) -> None:
        """Record an event about a pod; never waits."""
        reference = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": pod.namespace,
            "name": pod.name,
            "uid": pod.uid,
        }
        self._events.record(reference, type, reason, message)

    async def bind(self, pod: PodInfo, node_name: str) -> Binding:
        """Bind, and say whether the pod is on the node for sure."""
        try:
            await self._client.bind(pod.namespace, pod.name, node_name, uid=pod.uid)
        except StatusError as error:
            if error.code == 404:
                return Binding.GONE
            if error.code < 500:
                return Binding.REFUSED
        except ActorError:
            pass
        else:
            return Binding.DONE
        return Binding.DONE if await self._is_on(pod, node_name) else Binding.REFUSED

    async def _is_on(self, pod: PodInfo, node_name: str) -> bool:
        """Ask until it is known whether a binding that was not answered has happened."""
        while True:
            try:
                found = await self._client.get("pods", pod.name, pod.namespace)
            except StatusError as error:
                if error.code == 404:
                    return False
            except ActorError:
                pass
            else:
                same = bool(found["metadata"]["uid"] == pod.uid)
                return same and bool(found["spec"].get("nodeName") == node_name)
            await anyio.sleep(UNKNOWN_RETRY_S * (0.5 + self._actor.random.random()))

    async def evict(self, pod: PodInfo, victims: Sequence[PodInfo]) -> None:
        """Delete the victims that ``pod`` needs gone, each marked as disrupted first."""
        for victim in victims:
            condition = {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "PreemptionByScheduler",
                "message": f"{self._name}: preempting to accommodate a higher priority pod",
                "lastTransitionTime": self._actor.clock.timestamp(),
            }
            try:
                await self._patch_status(victim, {"conditions": [condition]})
                await self._client.delete("pods", victim.name, victim.namespace, uid=victim.uid)
            except (StatusError, ActorError):
                # It went away, or the API is busy: the next try sees what is left.
                continue
            text = f"Preempted by pod {pod.uid} on node {victim.node_name}"
            self.tell(victim, "Normal", "Preempted", text)

    async def mark_unschedulable(
        self, pod: PodInfo, message: str, nominated: str, *, first: bool
    ) -> bool:
        """Write the PodScheduled condition; False if the pod went away or the API is busy.

        ``nominated`` is the node where room is being made, "" for none. The ``first`` time in this
        term the transition is stamped.
        """
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
        }
        if first:
            condition["lastTransitionTime"] = self._actor.clock.timestamp()
        status: dict[str, Any] = {"conditions": [condition]}
        if nominated or pod.nominated_node:
            status["nominatedNodeName"] = nominated or None
        try:
            await self._patch_status(pod, status)
        except (StatusError, ActorError):
            # The event and the next try say the same.
            return False
        return True

    async def _patch_status(self, pod: PodInfo, status: dict[str, Any]) -> None:
        await self._client.patch(
            "pods",
            pod.name,
            {"metadata": {"uid": pod.uid}, "status": status},
            pod.namespace,
            type="strategic",
            subresource="status",
        )

"""Answers ``ReadLog`` streams: what ``kubectl logs`` shows of a container on this node."""

from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup

from kube_actors.actor import Actor, Blob, Delivery
from kube_actors.client import KubeletRefused, LogChunk, ReadLog
from kube_actors.node.pods import PodEntry
from kube_actors.node.runtimes import ContainerRuntime, LogQuery

STREAMS_MAX = 256


class LogServer:
    """The kubelet's mailbox; at most ``STREAMS_MAX`` logs are read at a time."""

    def __init__(
        self,
        actor: Actor,
        runtime: ContainerRuntime,
        pods: Mapping[str, PodEntry],
        tasks: TaskGroup,
    ) -> None:
        self._actor = actor
        self._runtime = runtime
        self._pods = pods
        self._tasks = tasks
        self._streams = 0

    async def run(self) -> None:
        """Answer until cancelled; anything but a ``ReadLog`` is refused as BadRequest."""
        while True:
            delivery = await self._actor.receive()
            if not isinstance(delivery.message, ReadLog):
                name = type(delivery.message).__name__
                delivery.fail(KubeletRefused("BadRequest", f"a kubelet does not take {name}"))
            elif self._streams >= STREAMS_MAX:
                delivery.fail(KubeletRefused("Internal", "too many logs are being read"))
            else:
                self._streams += 1
                self._tasks.start_soon(self._serve, delivery, delivery.message)

    async def _serve(self, delivery: Delivery, request: ReadLog) -> None:
        writer = delivery.open()
        try:
            container_id = self._find(request)
            query = LogQuery(
                follow=request.follow,
                timestamps=request.timestamps,
                tail_lines=request.tail_lines,
                limit_bytes=request.limit_bytes,
                since=self._actor.clock.now() - request.since_s if request.since_s >= 0 else -1,
            )
            async with (
                anyio.create_task_group() as tasks,
                aclosing(self._runtime.read_log(container_id, query)) as chunks,
            ):
                tasks.start_soon(self._stop_when_unread, delivery, tasks.cancel_scope)
                with suppress(anyio.BrokenResourceError):
                    async for chunk in chunks:
                        await writer.send(LogChunk(Blob(chunk)))
                tasks.cancel_scope.cancel()
            writer.close()
        except KubeletRefused as refusal:
            writer.close(refusal)
        finally:
            self._streams -= 1

    async def _stop_when_unread(self, delivery: Delivery, scope: anyio.CancelScope) -> None:
        """A reader that left must not keep a follower waiting for output that never comes."""
        await delivery.wait_cancelled()
        scope.cancel()

    def _find(self, request: ReadLog) -> str:
        """Return the id of the run whose log is asked for. Raises KubeletRefused."""
        entry = next(
            (
                entry
                for entry in self._pods.values()
                if entry.name == request.pod and entry.namespace == request.namespace
            ),
            None,
        )
        if entry is None:
            raise KubeletRefused("NotFound", f'pod "{request.pod}" not found on this node')
        name = self._container(entry, request)
        runs = [r for r in self._runtime.containers(entry.uid) if r.name == name]
        if request.previous:
            if len(runs) < 2:
                text = f'previous terminated container "{name}" in pod "{request.pod}" not found'
                raise KubeletRefused("BadRequest", text)
            return runs[-2].id
        if not runs:
            reason = _waiting_reason(entry.object(), name)
            text = f'container "{name}" in pod "{request.pod}" is waiting to start: {reason}'
            raise KubeletRefused("BadRequest", text)
        return runs[-1].id

    def _container(self, entry: PodEntry, request: ReadLog) -> str:
        spec = entry.object()["spec"]
        apps = [container["name"] for container in spec["containers"]]
        names = [*apps, *(container["name"] for container in spec.get("initContainers") or ())]
        if request.container:
            if request.container not in names:
                text = f"container {request.container} is not valid for pod {request.pod}"
                raise KubeletRefused("BadRequest", text)
            return request.container
        if len(apps) > 1:
            text = (
                f"a container name must be specified for pod {request.pod}, "
                f"choose one of: [{' '.join(apps)}]"
            )
            raise KubeletRefused("BadRequest", text)
        return str(apps[0])


def _waiting_reason(pod: dict[str, Any], name: str) -> str:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses"):
        for reported in status.get(field) or ():
            if reported["name"] == name:
                waiting = (reported.get("state") or {}).get("waiting") or {}
                return str(waiting.get("reason") or "ContainerCreating")
    return "ContainerCreating"

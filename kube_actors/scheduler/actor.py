"""The scheduler's actor: while it leads, it watches pods and nodes, decides and binds.

Decisions are made one at a time on a picture that already counts earlier decisions (assumed pods),
while a bounded number of binders tell the API server. A scheduler that does not lead keeps no view.
"""

import math

import anyio
import attrs
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from kube_actors.actor import Actor, ActorError, Address
from kube_actors.api.errors import StatusError
from kube_actors.client import Client, EventRecorder, Informer, LeaderElector
from kube_actors.scheduler.cycle import Placement, Unschedulable, schedule
from kube_actors.scheduler.node import NodeInfo, project_node
from kube_actors.scheduler.pod import PodInfo, project_pod
from kube_actors.scheduler.preemption import preempt
from kube_actors.scheduler.queue import QueueTimes, SchedulingQueue
from kube_actors.scheduler.snapshot import Snapshot

USER = "system:kube-scheduler"
DECISIONS_PER_TURN = 16


@attrs.frozen
class SchedulerConfig:
    """``identity`` names this scheduler in the Lease; lease times are in seconds."""

    identity: str
    apiservers: tuple[Address, ...]
    name: str = "default-scheduler"
    binders: int = 32
    queue_times: QueueTimes = attrs.field(factory=QueueTimes)
    lease_duration_s: float = 15.0
    renew_deadline_s: float = 10.0
    retry_period_s: float = 2.0


async def run_scheduler(actor: Actor, config: SchedulerConfig) -> None:
    """Stand for election and schedule while elected; never returns."""
    client = Client(actor, config.apiservers, user=USER, groups=("system:masters",))
    elector = LeaderElector(
        client,
        "kube-system",
        "kube-scheduler",
        config.identity,
        actor.clock,
        lease_duration_s=config.lease_duration_s,
        renew_deadline_s=config.renew_deadline_s,
        retry_period_s=config.retry_period_s,
    )

    async def lead() -> None:
        await _Scheduling(actor, client, config).run()

    await elector.run(lead)


class _Scheduling:
    """One term of leading: its picture starts empty and dies with the term."""

    def __init__(self, actor: Actor, client: Client, config: SchedulerConfig) -> None:
        self._actor = actor
        self._client = client
        self._config = config
        self._snapshot = Snapshot()
        self._queue = SchedulingQueue(config.queue_times)
        self._events = EventRecorder(client, config.name, actor.clock)
        self._pods = Informer(
            client,
            "pods",
            project=project_pod,
            field_selector="status.phase!=Succeeded,status.phase!=Failed",
        )
        self._nodes = Informer(client, "nodes", project=project_node)
        self._wake = anyio.Event()
        self._start = 0

    async def run(self) -> None:
        self._pods.subscribe(self._on_pod)
        self._nodes.subscribe(self._on_node)
        send, receive = anyio.create_memory_object_stream[tuple[PodInfo, str]](self._config.binders)
        async with anyio.create_task_group() as tasks, send, receive:
            tasks.start_soon(self._events.run)
            tasks.start_soon(self._pods.run)
            tasks.start_soon(self._nodes.run)
            await self._nodes.wait_synced()
            await self._pods.wait_synced()
            for _ in range(self._config.binders):
                tasks.start_soon(self._bind_all, receive)
            await self._decide_all(send)

    def _on_node(self, old: NodeInfo | None, new: NodeInfo | None) -> None:
        if new is None:
            assert old is not None
            self._snapshot.remove_node(old.name)
            return
        self._snapshot.set_node(new)
        if old is None or attrs.astuple(old, recurse=False) != attrs.astuple(new, recurse=False):
            self._news()

    def _on_pod(self, old: PodInfo | None, new: PodInfo | None) -> None:
        now_s = self._actor.clock.monotonic()
        if old is not None and (new is None or new.uid != old.uid):
            self._gone(old)
        if new is None:
            return
        if new.node_name or new.terminal:
            self._queue.remove(new.uid)
            freed = new.terminal and self._snapshot.node_of(new.uid) != ""
            self._snapshot.set_pod(new)
            if freed or (old is not None and old.labels != new.labels):
                self._news()
        elif new.deleting:
            self._queue.remove(new.uid)
        elif new.scheduler_name == self._config.name and not self._snapshot.is_assumed(new.uid):
            self._queue.add(new, now_s)
            self._wake.set()

    def _gone(self, pod: PodInfo) -> None:
        self._queue.remove(pod.uid)
        if self._snapshot.node_of(pod.uid):
            self._snapshot.remove_pod(pod.uid)
            self._news()

    def _news(self) -> None:
        self._queue.move_all(self._actor.clock.monotonic())
        self._wake.set()

    async def _decide_all(self, bindings: MemoryObjectSendStream[tuple[PodInfo, str]]) -> None:
        while True:
            self._wake = anyio.Event()
            for _ in range(DECISIONS_PER_TURN):
                pod = self._queue.pop(self._actor.clock.monotonic())
                if pod is None:
                    await self._rest()
                    break
                await self._decide(pod, bindings)
            # Decisions are pure computing: without this, watches and heartbeats would wait.
            await anyio.lowlevel.checkpoint()

    async def _rest(self) -> None:
        next_s = self._queue.next_s()
        left_s = math.inf if next_s is None else next_s - self._actor.clock.monotonic()
        with anyio.move_on_after(max(0.0, left_s)):
            await self._wake.wait()

    async def _decide(
        self, pod: PodInfo, bindings: MemoryObjectSendStream[tuple[PodInfo, str]]
    ) -> None:
        decision = schedule(pod, self._snapshot, start=self._start, random=self._actor.random)
        if isinstance(decision, Placement):
            self._start = (self._start + decision.evaluated) % max(1, len(self._snapshot.nodes))
            self._snapshot.assume(pod, decision.node_name)
            await bindings.send((pod, decision.node_name))
            return
        message = decision.message
        preemption = preempt(pod, self._snapshot, decision.misfits)
        if preemption is not None:
            await self._evict(pod, preemption.victims)
        elif pod.priority > 0:
            message += " preemption: no victims found for incoming pod."
        self._queue.failed(pod.uid, self._actor.clock.monotonic())
        await self._report(pod, attrs.evolve(decision, message=message))

    async def _evict(self, pod: PodInfo, victims: tuple[PodInfo, ...]) -> None:
        for victim in victims:
            try:
                await self._client.delete("pods", victim.name, victim.namespace, uid=victim.uid)
            except (StatusError, ActorError):
                continue
            self._events.record(
                _reference(victim),
                "Normal",
                "Preempted",
                f"Preempted by pod {pod.uid} on node {victim.node_name}",
            )

    async def _report(self, pod: PodInfo, decision: Unschedulable) -> None:
        self._events.record(_reference(pod), "Warning", "FailedScheduling", decision.message)
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": decision.message,
            "lastTransitionTime": self._actor.clock.timestamp(),
        }
        try:
            await self._client.patch(
                "pods",
                pod.name,
                {"metadata": {"uid": pod.uid}, "status": {"conditions": [condition]}},
                pod.namespace,
                type="strategic",
                subresource="status",
            )
        except (StatusError, ActorError):
            # The pod went away or the API is busy: the event and the next try say the same.
            return

    async def _bind_all(self, bindings: MemoryObjectReceiveStream[tuple[PodInfo, str]]) -> None:
        async for pod, node_name in bindings:
            try:
                await self._client.bind(pod.namespace, pod.name, node_name, uid=pod.uid)
            except (StatusError, ActorError) as error:
                self._snapshot.forget(pod.uid)
                self._queue.failed(pod.uid, self._actor.clock.monotonic(), error=True)
                self._wake.set()
                if isinstance(error, StatusError) and error.code == 404:
                    self._queue.remove(pod.uid)
                continue
            self._queue.remove(pod.uid)
            self._events.record(
                _reference(pod),
                "Normal",
                "Scheduled",
                f"Successfully assigned {pod.key} to {node_name}",
            )


def _reference(pod: PodInfo) -> dict[str, str]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": pod.namespace,
        "name": pod.name,
        "uid": pod.uid,
    }

"""The scheduler's actor: while it leads, it watches pods and nodes, decides and binds.

Decisions are made one at a time on a picture that already counts earlier decisions (assumed pods),
while a bounded number of binders tell the API server. A scheduler that does not lead keeps no view.
"""

import math

import anyio
import attrs
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from kube_actors.actor import Actor, Address
from kube_actors.api import Object
from kube_actors.client import Client, ElectionTimes, EventRecorder, Informer, LeaderElector
from kube_actors.scheduler.cycle import Placement, Unschedulable, schedule
from kube_actors.scheduler.node import NodeInfo, project_node
from kube_actors.scheduler.pod import PodInfo, project_pod
from kube_actors.scheduler.pod_writer import Binding, PodWriter
from kube_actors.scheduler.preemption import Preemption, preempt
from kube_actors.scheduler.queue import QueueTimes, SchedulingQueue
from kube_actors.scheduler.snapshot import Snapshot

USER = "system:kube-scheduler"
DECISIONS_PER_TURN = 16

Labels = dict[str, str]


@attrs.frozen
class SchedulerConfig:
    """``identity`` names this scheduler in the Lease."""

    identity: str
    apiservers: tuple[Address, ...]
    name: str = "default-scheduler"
    binders: int = 32
    queue_times: QueueTimes = attrs.field(factory=QueueTimes)
    election: ElectionTimes = attrs.field(factory=ElectionTimes)

    @property
    def lease_name(self) -> str:
        """Schedulers of different names lead side by side, each over its own pods."""
        return "kube-scheduler" if self.name == "default-scheduler" else self.name


async def run_scheduler(actor: Actor, config: SchedulerConfig) -> None:
    """Stand for election and schedule while elected; never returns."""
    client = Client(actor, config.apiservers, user=USER, groups=("system:masters",))
    elector = LeaderElector(
        client,
        "kube-system",
        config.lease_name,
        config.identity,
        actor.clock,
        times=config.election,
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
        self._writer = PodWriter(actor, client, self._events, config.name)
        self._pods = Informer(
            client,
            "pods",
            project=project_pod,
            field_selector="status.phase!=Succeeded,status.phase!=Failed",
        )
        self._nodes = Informer(client, "nodes", project=project_node)
        self._namespaces = Informer(client, "namespaces", project=_named_labels)
        self._reported: dict[str, tuple[str, str]] = {}
        self._wake = anyio.Event()
        self._start = 0

    async def run(self) -> None:
        self._pods.subscribe(self._on_pod)
        self._nodes.subscribe(self._on_node)
        self._namespaces.subscribe(self._on_namespace)
        send, receive = anyio.create_memory_object_stream[tuple[PodInfo, str]](self._config.binders)
        async with anyio.create_task_group() as tasks, send, receive:
            tasks.start_soon(self._events.run)
            tasks.start_soon(self._pods.run)
            tasks.start_soon(self._nodes.run)
            tasks.start_soon(self._namespaces.run)
            await self._namespaces.wait_synced()
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

    def _on_namespace(self, old: tuple[str, Labels] | None, new: tuple[str, Labels] | None) -> None:
        if new is None:
            assert old is not None
            self._snapshot.namespaces.pop(old[0], None)
        elif old != new:
            self._snapshot.namespaces[new[0]] = new[1]
            if old is not None:
                self._news()

    def _on_pod(self, old: PodInfo | None, new: PodInfo | None) -> None:
        now_s = self._actor.clock.monotonic()
        if old is not None and (new is None or new.uid != old.uid):
            self._gone(old)
        if new is None:
            return
        if new.node_name or new.terminal:
            self._dismiss(new.uid)
            freed = new.terminal and self._snapshot.node_of(new.uid) != ""
            self._snapshot.set_pod(new)
            if freed or (old is not None and old.labels != new.labels):
                self._news()
        elif new.deleting:
            self._dismiss(new.uid)
            self._snapshot.nominate(new, "")
        elif new.scheduler_name == self._config.name and not self._snapshot.is_assumed(new.uid):
            self._queue.add(new, now_s)
            if new.nominated_node and not self._snapshot.nomination(new.uid) and old is None:
                # A scheduler before this one has made room for it.
                self._snapshot.nominate(new, new.nominated_node)
            self._wake.set()

    def _dismiss(self, uid: str) -> None:
        self._queue.remove(uid)
        self._reported.pop(uid, None)

    def _gone(self, pod: PodInfo) -> None:
        self._dismiss(pod.uid)
        counted = self._snapshot.node_of(pod.uid) or self._snapshot.nomination(pod.uid)
        self._snapshot.remove_pod(pod.uid)
        if counted:
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
        await self._refuse(pod, decision)

    async def _refuse(self, pod: PodInfo, decision: Unschedulable) -> None:
        message = decision.message
        if decision.misfits:
            preemption = preempt(pod, self._snapshot, decision.misfits)
            if isinstance(preemption, Preemption):
                # Before anyone leaves: from here on the room is kept.
                self._snapshot.nominate(pod, preemption.node_name)
                await self._writer.evict(pod, preemption.victims)
            else:
                message += f" preemption: {preemption.message}"
                if not preemption.keep:
                    self._snapshot.nominate(pod, "")
        self._queue.failed(pod.uid, self._actor.clock.monotonic())
        await self._report(pod, message)

    async def _report(self, pod: PodInfo, message: str) -> None:
        self._writer.tell(pod, "Warning", "FailedScheduling", message)
        nominated = self._snapshot.nomination(pod.uid)
        known = self._reported.get(pod.uid)
        if known == (message, nominated):
            return
        written = await self._writer.mark_unschedulable(
            pod, message, nominated, first=known is None
        )
        if written and pod.uid in self._queue:
            self._reported[pod.uid] = (message, nominated)

    async def _bind_all(self, bindings: MemoryObjectReceiveStream[tuple[PodInfo, str]]) -> None:
        async for pod, node_name in bindings:
            binding = await self._writer.bind(pod, node_name)
            if binding is Binding.DONE:
                self._queue.remove(pod.uid)
                text = f"Successfully assigned {pod.key} to {node_name}"
                self._writer.tell(pod, "Normal", "Scheduled", text)
                continue
            if binding is Binding.GONE:
                self._dismiss(pod.uid)
            self._snapshot.forget(pod.uid)
            self._queue.failed(pod.uid, self._actor.clock.monotonic(), error=True)
            self._news()


def _named_labels(namespace: Object) -> tuple[str, Labels]:
    metadata = namespace["metadata"]
    return metadata["name"], metadata.get("labels") or {}

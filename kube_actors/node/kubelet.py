"""The actor ``kubelet/<node>``: makes the pods bound to its node happen, and reports on them.

It owns the node's pods in memory and nothing else: the runtime outlives it, so an actor that
crashes and starts again finds its containers running and goes on. One loop waits for everything
(the view of its pods, the runtime, timers); a pod costs a task only while something is being done
for it. Its mailbox answers ``ReadLog``.
"""

import anyio
from anyio.abc import TaskGroup

from kube_actors.actor import Actor
from kube_actors.api import Object
from kube_actors.client import Client, EventRecorder, Informer, Record
from kube_actors.node.addresses import Addresses
from kube_actors.node.config import KubeletConfig
from kube_actors.node.lifecycle import TERMINAL, admit, requests_of
from kube_actors.node.log_server import LogServer
from kube_actors.node.node_reporter import NodeReporter
from kube_actors.node.pods import Events, NodeContext, PodEntry, PodQueue, PodWorker
from kube_actors.node.registration import node_labels


async def run_kubelet(actor: Actor, config: KubeletConfig) -> None:
    """Run one node until cancelled. Crashes only by a programmer's error, never by the world."""
    async with anyio.create_task_group() as tasks:
        kubelet = Kubelet(actor, config, tasks)
        try:
            await kubelet.run()
        finally:
            kubelet.close()


class Kubelet:
    """The node's pods in memory, and the loop that has each decided on in its turn."""

    def __init__(self, actor: Actor, config: KubeletConfig, tasks: TaskGroup) -> None:
        self._actor = actor
        self._config = config
        self._runtime = config.runtime
        self._tasks = tasks
        self._clock = actor.clock
        self._client = Client(
            actor,
            config.apiservers,
            user=f"system:node:{config.node_name}",
            groups=("system:nodes", "system:authenticated"),
        )
        recorder = EventRecorder(self._client, "kubelet", actor.clock, host=config.node_name)
        self._events = Events(recorder, tasks, normal=config.record_normal_events)
        self._pods: dict[str, PodEntry] = {}
        self._queue = PodQueue(self._pods, config.runtime, actor.clock)
        self._addresses = Addresses(actor, config.proxy, config.pod_cidr)
        context = NodeContext(
            config, actor.clock, self._client, tasks, self._pods, self._queue, self._events
        )
        self._worker = PodWorker(context, self._addresses)
        self._reporter = NodeReporter(config, self._client, actor.clock)
        self._labels = node_labels(config)

    async def run(self) -> None:
        """Register, see which pods are ours, then make them happen."""
        self._runtime.attach(self._queue.look, self._clock.now)
        self._tasks.start_soon(self._runtime.run)
        self._tasks.start_soon(LogServer(self._actor, self._runtime, self._pods, self._tasks).run)
        await self._reporter.register()
        name = self._config.node_name
        about = {"kind": "Node", "apiVersion": "v1", "name": name, "uid": name}
        self._events.tell(about, "Normal", "Starting", "Starting kubelet.")
        self._plan_report()
        view: Informer[Record] = Informer(
            self._client, "pods", field_selector=f"spec.nodeName={self._config.node_name}"
        )
        view.subscribe(self._seen)
        self._tasks.start_soon(view.run)
        await view.wait_synced()
        await self._clear_orphans()
        while True:
            await self._turn()

    def close(self) -> None:
        """Hear no more of a runtime that goes on without this kubelet."""
        self._queue.close()

    async def _turn(self) -> None:
        """Do all that is due, then wait for news or for the next timer."""
        now = self._clock.now()
        self._runtime.advance(now)
        self._queue.timers.fire(now)
        while (entry := self._queue.next()) is not None:
            if entry.busy:
                entry.again = True
            else:
                entry.busy = True
                self._tasks.start_soon(self._worker.step, entry)
        await self._queue.wait()

    def _plan_report(self) -> None:
        self._queue.timers.at(self._reporter.due_at, self._start_report)

    def _start_report(self) -> None:
        self._tasks.start_soon(self._report)

    async def _report(self) -> None:
        await self._reporter.report()
        self._plan_report()
        self._queue.nudge()

    def _seen(self, old: Record | None, new: Record | None) -> None:
        """The view of the node's pods changed."""
        if new is None or (old is not None and old.uid != new.uid):
            gone = self._pods.get(old.uid) if old is not None else None
            if gone is not None:
                gone.gone = True
                self._queue.look(gone.uid)
        if new is None:
            return
        entry = self._pods.get(new.uid)
        if entry is None:
            self._accept(new)
        else:
            entry.seen(new)
        self._queue.look(new.uid)

    def _accept(self, record: Record) -> None:
        pod = record.object()
        entry = PodEntry(
            record.uid, record.namespace, record.name, record, accepted_at=self._clock.now()
        )
        self._place(entry, pod)
        self._pods[record.uid] = entry

    def _place(self, entry: PodEntry, pod: Object) -> None:
        """Adopt what runs already, admit or reject what is new."""
        status = pod.get("status") or {}
        sandbox = self._runtime.sandbox(entry.uid)
        entry.requests = requests_of(pod)
        if sandbox is not None:
            entry.ip = sandbox.ip
            if sandbox.ip != self._config.node_ip:
                self._addresses.adopt(entry.uid, sandbox.ip)
            if self._runtime.uses_files:
                self._worker.remount(entry, pod)
            return
        if status.get("phase") in TERMINAL or pod["metadata"].get("deletionTimestamp"):
            entry.ip = status.get("podIP") or ""
            entry.over = status.get("phase") in TERMINAL
            return
        if status.get("containerStatuses"):
            return
        # As the scheduler counts: what has ended holds no room, whatever is still shown of it.
        others = [e.requests for e in self._pods.values() if e.rejection is None and not e.over]
        entry.rejection = admit(pod, others, self._config.capacity, self._labels)
        if entry.rejection is not None:
            reason, message = entry.rejection.reason, entry.rejection.message
            self._events.record(entry, "Warning", reason, message)

    async def _clear_orphans(self) -> None:
        """What runs for a pod that the API no longer knows ends."""
        for sandbox in list(self._runtime.sandboxes()):
            if sandbox.pod_uid not in self._pods:
                await self._runtime.remove_sandbox(sandbox.pod_uid)
                self._addresses.release(sandbox.pod_uid)

"""The actor ``kubelet/<node>``: makes the pods bound to its node happen, and reports on them.

It owns the node's pods in memory and nothing else: the runtime outlives it, so an actor that
crashes and starts again finds its containers running and goes on. One loop waits for everything
(the view of its pods, the runtime, timers); a pod costs a task only while something is being done
for it. Its mailbox answers ``ReadLog``.
"""

from collections.abc import Mapping
from functools import partial

import anyio
from anyio.abc import TaskGroup

from kube_actors.actor import Actor
from kube_actors.actor.loop import running_library
from kube_actors.api import Object
from kube_actors.client import Client, EventRecorder, Informer, Record
from kube_actors.node.addresses import Addresses
from kube_actors.node.backoff import BackoffPolicy
from kube_actors.node.config import KubeletConfig
from kube_actors.node.log_server import LogServer
from kube_actors.node.node_reporter import NodeReporter
from kube_actors.node.pods import (
    TERMINAL,
    Patience,
    PodEntry,
    PodSources,
    PodWorker,
    admit,
    requests_of,
)
from kube_actors.node.prober import Prober
from kube_actors.node.registration import node_labels
from kube_actors.node.status_writer import StatusWriter
from kube_actors.node.timers import Timers


async def run_kubelet(actor: Actor, config: KubeletConfig) -> None:
    """Run one node until cancelled. Crashes only by a programmer's error, never by the world."""
    async with anyio.create_task_group() as tasks:
        kubelet = Kubelet(actor, config, tasks)
        try:
            await kubelet.run()
        finally:
            kubelet.closed = True


class Kubelet:
    """Everything of one node; the parts that await are spawned into ``tasks``."""

    def __init__(self, actor: Actor, config: KubeletConfig, tasks: TaskGroup) -> None:
        self.actor = actor
        self.config = config
        self.runtime = config.runtime
        self.tasks = tasks
        self.clock = actor.clock
        self.patience = Patience(
            BackoffPolicy(config.restart_backoff_s, config.restart_backoff_max_s),
            BackoffPolicy(config.image_backoff_s, config.image_backoff_max_s),
        )
        self.client = Client(
            actor,
            config.apiservers,
            user=f"system:node:{config.node_name}",
            groups=("system:nodes", "system:authenticated"),
        )
        self.recorder = EventRecorder(self.client, "kubelet", actor.clock, host=config.node_name)
        self.pods: dict[str, PodEntry] = {}
        self.timers = Timers()
        self.addresses = Addresses(actor, config.proxy, config.pod_cidr)
        self.statuses = StatusWriter(self.client, tasks, self.look)
        self.sources = PodSources(self.client, tasks, self._files_changed)
        self.prober = Prober(self)
        self.worker = PodWorker(self)
        self.reporter = NodeReporter(config, self.client, self.clock)
        self.closed = False
        self._recording = False
        self._labels = node_labels(config)
        self._dirty: dict[str, None] = {}
        self._sleeper = running_library().parking()
        self._sleeps_until = 0.0

    async def run(self) -> None:
        """Register, see which pods are ours, then make them happen."""
        self.runtime.attach(self.look, self.clock.now)
        self.tasks.start_soon(self.runtime.run)
        self.tasks.start_soon(LogServer(self).run)
        await self.reporter.register()
        name = self.config.node_name
        about = {"kind": "Node", "apiVersion": "v1", "name": name, "uid": name}
        self.tell(about, "Normal", "Starting", "Starting kubelet.")
        self._plan_report()
        view: Informer[Record] = Informer(
            self.client, "pods", field_selector=f"spec.nodeName={self.config.node_name}"
        )
        view.subscribe(self._seen)
        self.tasks.start_soon(view.run)
        await view.wait_synced()
        await self._clear_orphans()
        while True:
            await self._turn()

    def look(self, uid: str) -> None:
        """Something about the pod may have changed: decide again soon."""
        if uid in self.pods and not self.closed:
            self._dirty[uid] = None
            self._sleeper.wake_all()

    def nudge(self) -> None:
        """Something was planned: wake the loop if it would sleep beyond that."""
        if min(self.timers.due_at, self.runtime.next_due()) < self._sleeps_until:
            self._sleeper.wake_all()

    def look_at(self, entry: PodEntry, when: float) -> None:
        """Decide again at ``when`` (unix seconds) though nothing happens."""
        now = self.clock.now()
        if when < entry.timer_at or entry.timer_at <= now:
            entry.timer_at = when
            self.timers.at(when, partial(self._timer, entry.uid, when))

    def record(
        self, entry: PodEntry, kind: str, reason: str, message: str, container: str = ""
    ) -> None:
        """Record an event about the pod; ``kind`` is Normal or Warning."""
        self.tell(entry.reference(container), kind, reason, message)

    def tell(self, about: Mapping[str, str], kind: str, reason: str, message: str) -> None:
        """Record an event about anything; the recorder's task begins with the first."""
        if kind != "Warning" and not self.config.record_normal_events:
            return
        self.recorder.record(about, kind, reason, message)
        if not self._recording:
            self._recording = True
            self.tasks.start_soon(self.recorder.run)

    def forget(self, entry: PodEntry) -> None:
        """The pod is over here: nothing of it remains."""
        self.statuses.withdraw(entry)
        self.sources.unmount(entry)
        if self.pods.get(entry.uid) is entry:
            del self.pods[entry.uid]

    def _timer(self, uid: str, when: float) -> None:
        entry = self.pods.get(uid)
        if entry is not None and entry.timer_at == when:
            entry.timer_at = float("inf")
            self.look(uid)

    async def _turn(self) -> None:
        """Do all that is due, then wait for news or for the next timer."""
        now = self.clock.now()
        self.runtime.advance(now)
        self.timers.fire(now)
        while self._dirty:
            uid = next(iter(self._dirty))
            del self._dirty[uid]
            entry = self.pods.get(uid)
            if entry is None:
                continue
            if entry.busy:
                entry.again = True
            else:
                entry.busy = True
                self.tasks.start_soon(self.worker.step, entry)
        due = min(self.timers.due_at, self.runtime.next_due())
        self._sleeps_until = due
        with anyio.move_on_after(max(0.0, due - self.clock.now())):
            await self._sleeper.wait()

    def _plan_report(self) -> None:
        self.timers.at(self.reporter.due_at, self._start_report)

    def _start_report(self) -> None:
        self.tasks.start_soon(self._report)

    async def _report(self) -> None:
        await self.reporter.report()
        self._plan_report()
        self.nudge()

    def _seen(self, old: Record | None, new: Record | None) -> None:
        """The view of the node's pods changed."""
        if new is None or (old is not None and old.uid != new.uid):
            gone = self.pods.get(old.uid) if old is not None else None
            if gone is not None:
                gone.gone = True
                self.look(gone.uid)
        if new is None:
            return
        entry = self.pods.get(new.uid)
        if entry is None:
            self._accept(new)
        else:
            entry.seen(new)
        self.look(new.uid)

    def _accept(self, record: Record) -> None:
        pod = record.object()
        entry = PodEntry(
            record.uid, record.namespace, record.name, record, accepted_at=self.clock.now()
        )
        self._place(entry, pod)
        self.pods[record.uid] = entry

    def _place(self, entry: PodEntry, pod: Object) -> None:
        """Adopt what runs already, admit or reject what is new."""
        status = pod.get("status") or {}
        sandbox = self.runtime.sandbox(entry.uid)
        entry.requests = requests_of(pod)
        if sandbox is not None:
            entry.ip = sandbox.ip
            if sandbox.ip != self.config.node_ip:
                self.addresses.adopt(entry.uid, sandbox.ip)
            if self.runtime.uses_files:
                self.worker.remount(entry, pod)
            return
        if status.get("phase") in TERMINAL or pod["metadata"].get("deletionTimestamp"):
            entry.ip = status.get("podIP") or ""
            entry.over = status.get("phase") in TERMINAL
            return
        if status.get("containerStatuses"):
            return
        # As the scheduler counts: what has ended holds no room, whatever is still shown of it.
        others = [e.requests for e in self.pods.values() if e.rejection is None and not e.over]
        entry.rejection = admit(pod, others, self.config.capacity, self._labels)
        if entry.rejection is not None:
            reason, message = entry.rejection.reason, entry.rejection.message
            self.record(entry, "Warning", reason, message)

    async def _clear_orphans(self) -> None:
        """What runs for a pod that the API no longer knows ends."""
        for sandbox in list(self.runtime.sandboxes()):
            if sandbox.pod_uid not in self.pods:
                await self.runtime.remove_sandbox(sandbox.pod_uid)
                self.addresses.release(sandbox.pod_uid)

    def _files_changed(self, uid: str) -> None:
        entry = self.pods.get(uid)
        if entry is not None and not self.closed:
            self.tasks.start_soon(self.worker.refresh_volumes, entry)

"""Which of the node's pods are decided on again: at once, or at a moment.

A pod waits here at most once, however much happened to it. The kubelet's loop takes pods out in
the order in which they came in, and sleeps in ``wait`` until there is news or the first timer of
the node or its runtime is due.
"""

from collections.abc import Mapping
from functools import partial

import anyio

from kube_actors.actor import Clock
from kube_actors.actor.loop import running_library
from kube_actors.node.pods.entry import PodEntry
from kube_actors.node.runtimes import ContainerRuntime
from kube_actors.node.timers import Timers


class PodQueue:
    """Made inside the event loop; ``pods`` are the node's by uid, and ``timers`` the node's."""

    def __init__(
        self, pods: Mapping[str, PodEntry], runtime: ContainerRuntime, clock: Clock
    ) -> None:
        self.timers = Timers()
        self.closed = False
        self._pods = pods
        self._runtime = runtime
        self._clock = clock
        self._waiting: dict[str, None] = {}
        self._sleeper = running_library().parking()
        self._sleeps_until = 0.0

    def look(self, uid: str) -> None:
        """Decide on the pod again soon; one that is not the node's (any more) is ignored."""
        if uid in self._pods and not self.closed:
            self._waiting[uid] = None
            self._sleeper.wake_all()

    def look_at(self, entry: PodEntry, when: float) -> None:
        """Decide again at ``when`` (unix seconds) though nothing happens; the earliest counts."""
        now = self._clock.now()
        if when < entry.timer_at or entry.timer_at <= now:
            entry.timer_at = when
            self.timers.at(when, partial(self._ring, entry.uid, when))

    def nudge(self) -> None:
        """Wake the loop if it would sleep beyond what was just planned."""
        if self._due_at() < self._sleeps_until:
            self._sleeper.wake_all()

    def next(self) -> PodEntry | None:
        """Hand out the pod that waited longest, or None when none waits."""
        while self._waiting:
            uid = next(iter(self._waiting))
            del self._waiting[uid]
            entry = self._pods.get(uid)
            if entry is not None:
                return entry
        return None

    async def wait(self) -> None:
        """Sleep until a pod comes in, until ``nudge``, or until the first timer is due."""
        self._sleeps_until = due = self._due_at()
        with anyio.move_on_after(max(0.0, due - self._clock.now())):
            await self._sleeper.wait()

    def close(self) -> None:
        """Take in nothing more: a runtime outlives its kubelet and goes on calling."""
        self.closed = True

    def _due_at(self) -> float:
        return min(self.timers.due_at, self._runtime.next_due())

    def _ring(self, uid: str, when: float) -> None:
        entry = self._pods.get(uid)
        if entry is not None and entry.timer_at == when:
            entry.timer_at = float("inf")
            self.look(uid)

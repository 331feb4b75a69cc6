"""The scheduling queue: who is tried next, who waits for a second try, who waits for news.

Three places, as in kube-scheduler: active (by priority, then arrival), backoff (1 s doubling to
10 s), unschedulable (until something changes that may help, or five minutes pass). Time is an
argument. A pod is in one place only; the whole is bounded by the number of pending pods.
"""

import heapq

import attrs

from kube_actors.scheduler.pod import PodInfo


@attrs.frozen
class QueueTimes:
    """In seconds; kube-scheduler's podInitialBackoffSeconds, podMaxBackoffSeconds and flush."""

    initial_backoff_s: float = 1.0
    max_backoff_s: float = 10.0
    unschedulable_flush_s: float = 300.0


@attrs.define
class _Waiting:
    pod: PodInfo
    added_s: float
    attempts: int = 0
    ready_s: float = 0.0
    place: str = "active"
    ticket: int = 0


class SchedulingQueue:
    """Pure but stateful; owned by one scheduler."""

    def __init__(self, times: QueueTimes | None = None) -> None:
        self._times = times or QueueTimes()
        self._waiting: dict[str, _Waiting] = {}
        self._active: list[tuple[int, float, int, str]] = []
        self._backoff: list[tuple[float, int, str]] = []
        self._tickets = 0
        self._moves = 0
        self._popped_at_move: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, uid: object) -> bool:
        return uid in self._waiting

    def add(self, pod: PodInfo, now_s: float) -> None:
        """Take a new or changed pending pod; a pod that waits for its gates is not queued."""
        if pod.gates:
            self.remove(pod.uid)
            return
        known = self._waiting.get(pod.uid)
        if known is None:
            self._waiting[pod.uid] = known = _Waiting(pod, now_s)
            self._activate(known)
            return
        changed = _shape(known.pod) != _shape(pod)
        known.pod = pod
        # Only a change of what scheduling reads may help; our own status writes must not.
        if changed and known.place == "unschedulable":
            self._release(known, now_s)
        elif changed and known.place == "trying":
            # It is being tried as it was before: that answer says nothing of what it is now.
            self._popped_at_move[pod.uid] = -1

    def remove(self, uid: str) -> None:
        """Forget a pod wherever it is; nothing happens if it is not here."""
        self._waiting.pop(uid, None)
        self._popped_at_move.pop(uid, None)

    def pop(self, now_s: float) -> PodInfo | None:
        """Give the next pod to try, or None; the caller answers with ``failed`` or ``remove``."""
        self._promote(now_s)
        while self._active:
            _, _, ticket, uid = heapq.heappop(self._active)
            waiting = self._waiting.get(uid)
            if waiting is None or waiting.ticket != ticket or waiting.place != "active":
                continue
            waiting.place = "trying"
            waiting.attempts += 1
            self._popped_at_move[uid] = self._moves
            return waiting.pod
        return None

    def failed(self, uid: str, now_s: float, *, error: bool = False) -> None:
        """Put a pod back; ``error`` (not a misfit) retries after backoff without waiting for news.

        Something may have changed while the pod was being tried: then it goes to backoff too,
        or the news would be lost and the pod would wait for the flush.
        """
        waiting = self._waiting.get(uid)
        if waiting is None:
            return
        missed_news = self._popped_at_move.pop(uid, self._moves) != self._moves
        waiting.ready_s = now_s + self._backoff_s(waiting.attempts)
        if error or missed_news:
            self._to_backoff(waiting)
        else:
            waiting.place = "unschedulable"
            waiting.added_s = now_s

    def move_all(self, now_s: float) -> None:
        """Something changed that may help (a node, a freed pod): wake the unschedulable."""
        self._moves += 1
        for waiting in list(self._waiting.values()):
            if waiting.place == "unschedulable":
                self._release(waiting, now_s)

    def next_s(self) -> float | None:
        """When ``pop`` may next have something, if it has nothing now."""
        if self._active:
            return 0.0
        times = [entry[0] for entry in self._backoff[:1]]
        times.extend(
            w.added_s + self._times.unschedulable_flush_s
            for w in self._waiting.values()
            if w.place == "unschedulable"
        )
        return min(times, default=None)

    def _backoff_s(self, attempts: int) -> float:
        doublings = min(max(0, attempts - 1), 30)
        return min(self._times.initial_backoff_s * 2.0**doublings, self._times.max_backoff_s)

    def _activate(self, waiting: _Waiting) -> None:
        self._tickets += 1
        waiting.ticket = self._tickets
        waiting.place = "active"
        entry = (-waiting.pod.priority, waiting.added_s, waiting.ticket, waiting.pod.uid)
        heapq.heappush(self._active, entry)

    def _to_backoff(self, waiting: _Waiting) -> None:
        self._tickets += 1
        waiting.ticket = self._tickets
        waiting.place = "backoff"
        heapq.heappush(self._backoff, (waiting.ready_s, waiting.ticket, waiting.pod.uid))

    def _release(self, waiting: _Waiting, now_s: float) -> None:
        if waiting.ready_s > now_s:
            self._to_backoff(waiting)
        else:
            self._activate(waiting)

    def _promote(self, now_s: float) -> None:
        while self._backoff and self._backoff[0][0] <= now_s:
            _, ticket, uid = heapq.heappop(self._backoff)
            waiting = self._waiting.get(uid)
            if waiting is not None and waiting.ticket == ticket and waiting.place == "backoff":
                self._activate(waiting)
        flush_s = self._times.unschedulable_flush_s
        for waiting in list(self._waiting.values()):
            if waiting.place == "unschedulable" and waiting.added_s + flush_s <= now_s:
                self._release(waiting, now_s)


def _shape(pod: PodInfo) -> PodInfo:
    return attrs.evolve(pod, resource_version="", phase="", nominated_node="")

"""The one loop that serves every controller: events → keys → queue → decide → effects.

It promises that a key is decided by one worker at a time, that it is not decided again before the
view shows what it wrote, that a failed key is tried again with growing delay, and that a burst of
events becomes one decision per ``interval_s``. It is level-triggered: a decision sees the state,
never the event. Anything a controller raises crashes the actor; its supervisor starts it anew.
"""

from typing import Any

import anyio
from attrs import evolve

from kube_actors.actor import Actor, Clock
from kube_actors.api import BUILTIN
from kube_actors.client import Client, EventRecorder, Informer, WorkQueue
from kube_actors.controllers.config import GROUPS, USER, ControllersConfig
from kube_actors.controllers.loop.controller import Controller, Failure, Key, Round
from kube_actors.controllers.loop.effects import Look, Question, Reference, Survey
from kube_actors.controllers.loop.execution import Executor, Outcome
from kube_actors.controllers.loop.fences import Fences
from kube_actors.controllers.loop.informer_view import InformerView

QUESTION_ROUNDS_MAX = 8


class Loop:
    """The state of one running controller."""

    def __init__(
        self,
        controller: Controller[Any],
        view: InformerView,
        queue: WorkQueue,
        executor: Executor,
        clock: Clock,
        patience_s: float,
    ) -> None:
        self._controller = controller
        self._view = view
        self._queue = queue
        self._executor = executor
        self._clock = clock
        self._fences = Fences(view.by_resource, patience_s)
        self._failures: dict[Key, Failure] = {}
        self._served_s: dict[Key, float] = {}
        self._deferred: dict[Key, None] = {}

    def on_event(self, kind: str, watch_index: int, old: Any, new: Any) -> None:
        """Take in one event of a view (``kind`` is its group resource)."""
        watch = self._controller.watches[watch_index]
        record = new if new is not None else old
        now_s = self._clock.now()
        if new is None:
            self._view.note_deleted(record.uid)
        if watch.timed and (old is None or new is None or old.heartbeat != new.heartbeat):
            self._view.note_changed(watch.kind, record.namespace, record.name, now_s)
        for key in self._fences.saw(kind, record.resource_version, now_s):
            self.enqueue(key)
        for key in watch.keys(self._view, old, new):
            self.enqueue(key)

    def enqueue(self, key: Key) -> None:
        """Queue a key now, or at the end of its interval if it was served a moment ago."""
        served_s = self._served_s.get(key)
        if served_s is not None:
            due_s = served_s + self._controller.interval_s - self._clock.monotonic()
            if due_s > 0:
                if key not in self._deferred:
                    self._deferred[key] = None
                    self._queue.add_after(key, due_s)
                return
        self._queue.add(key)

    async def work(self) -> None:
        """Serve keys for ever."""
        while True:
            key = await self._queue.get()
            try:
                await self._serve(key)
            finally:
                self._queue.done(key)

    async def _serve(self, key: Key) -> None:
        self._deferred.pop(key, None)
        held_s = self._fences.holds(key, self._clock.now())
        if held_s > 0:
            self._queue.add_after(key, held_s)
            return
        if self._controller.interval_s > 0:
            self._served_s[key] = self._clock.monotonic()
        outcome = await self._decide(key)
        if outcome is None:
            self._failures.pop(key, None)
            self._served_s.pop(key, None)
            self._fences.forget(key)
            self._queue.forget(key)
            return
        self._settle(key, outcome)

    async def _decide(self, key: Key) -> Outcome | None:
        """Decide and execute until no question is open; None when there is nothing to decide."""
        total = Outcome()
        for _ in range(QUESTION_ROUNDS_MAX):
            state = self._controller.gather(self._view, key)
            if state is None:
                return None if not total.written else total
            round_ = Round(
                self._clock.now(),
                self._clock.timestamp(),
                self._failures.get(key),
                dict(total.answers),
            )
            effects = self._controller.reconcile(state, round_)
            open_questions: list[Question] = [
                effect
                for effect in effects
                if isinstance(effect, Look | Survey) and effect not in total.answers
            ]
            outcome = await self._executor.execute(effects)
            self._note(key, outcome, total)
            if not open_questions or total.failure is not None:
                break
        return total

    def _note(self, key: Key, outcome: Outcome, total: Outcome) -> None:
        known = [write for write in outcome.written if self._view.watches(write.kind)]
        self._fences.lay(key, known, self._clock.now())
        total.written += known
        total.answers |= outcome.answers
        total.failure = outcome.failure
        if outcome.requeue_after_s is not None:
            total.wake_after(outcome.requeue_after_s)

    def _settle(self, key: Key, outcome: Outcome) -> None:
        before = self._failures.get(key)
        if outcome.failure is not None:
            attempts = 1 if before is None else before.attempts + 1
            self._failures[key] = evolve(outcome.failure, attempts=attempts)
            self._queue.add_rate_limited(key)
            return
        self._queue.forget(key)
        if before is not None:
            # What the failure made the controller write into a status has to go again.
            del self._failures[key]
            self.enqueue(key)
        if outcome.requeue_after_s is not None:
            self._queue.add_after(key, outcome.requeue_after_s)


async def run_controller(
    actor: Actor, controller: Controller[Any], config: ControllersConfig
) -> None:
    """Serve one controller until cancelled."""
    client = Client(actor, config.apiservers, user=USER, groups=GROUPS)
    recorder = EventRecorder(client, f"{controller.name}-controller", actor.clock)

    def record(about: Reference, type_: str, reason: str, message: str) -> None:
        involved = {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
        }
        recorder.record(involved, type_, reason, message)

    informers = {
        watch.kind: Informer(
            client,
            watch.kind,
            project=watch.project,
            namespace=watch.namespace,
            field_selector=watch.field_selector,
            indexes=dict(watch.indexes),
        )
        for watch in controller.watches
    }
    view = InformerView(informers)
    queue = WorkQueue(actor.clock)
    executor = Executor(client, record)
    loop = Loop(controller, view, queue, executor, actor.clock, config.patience_s)
    for index, watch in enumerate(controller.watches):
        _subscribe(loop, index, informers[watch.kind], BUILTIN.find(watch.kind).group_resource)
    async with anyio.create_task_group() as group:
        group.start_soon(recorder.run)
        group.start_soon(queue.run)
        first = controller.idle_without
        if first:
            group.start_soon(informers[first].run)
            await _first_object(informers[first])
        for kind, informer in informers.items():
            if kind != first:
                group.start_soon(informer.run)
        for informer in informers.values():
            await informer.wait_synced()
        for _ in range(controller.workers):
            group.start_soon(loop.work)


async def _first_object(informer: Informer[Any]) -> None:
    """Wait until the view is complete and not empty."""
    appeared = anyio.Event()

    def handle(_old: Any, new: Any) -> None:
        if new is not None:
            appeared.set()

    informer.subscribe(handle)
    await informer.wait_synced()
    await appeared.wait()


def _subscribe(loop: Loop, index: int, informer: Informer[Any], resource: str) -> None:
    def handle(old: Any, new: Any) -> None:
        loop.on_event(resource, index, old, new)

    informer.subscribe(handle)

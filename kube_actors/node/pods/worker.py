"""Carries out the lifecycle's decisions for one pod at a time, and reports what became of it.

``step`` decides, acts and decides again until nothing is left to do; at most one step per pod is
under way, and news that come meanwhile make it go round once more. Nothing here remembers a plan:
after a crash the next decision is made from what the runtime says is so.
"""

from typing import Any

import anyio
import orjson

from kube_actors.actor import ActorError
from kube_actors.api import Object, StatusError
from kube_actors.client import NoAddress
from kube_actors.node.addresses import Addresses
from kube_actors.node.backoff import BackoffPolicy
from kube_actors.node.env import MissingReference
from kube_actors.node.lifecycle import (
    TERMINAL,
    Action,
    Finish,
    Observed,
    Patience,
    Plan,
    Problem,
    Pull,
    RunSandbox,
    Start,
    Stop,
    StopSandbox,
    compute_status,
    decide,
    image_of,
    recover_runs,
)
from kube_actors.node.pods.container_starter import ContainerStarter
from kube_actors.node.pods.context import NodeContext
from kube_actors.node.pods.entry import PodEntry
from kube_actors.node.pods.mounter import VolumeMounter, VolumeProblem
from kube_actors.node.pods.prober import Prober
from kube_actors.node.pods.referenced_objects import ReferencedObjects, ReferencesUnavailable
from kube_actors.node.pods.status_writer import StatusWriter
from kube_actors.node.runtimes import (
    ContainerState,
    ContainerStatus,
    ProbeKind,
    SandboxConfig,
    SandboxState,
)

RUNS_KEPT = 2
HELD_S = 60.0
_GONE = (404, 409)


class PodWorker:
    """One per kubelet; ``entry`` is the pod in every method."""

    def __init__(self, context: NodeContext, addresses: Addresses) -> None:
        config = context.config
        self._config = config
        self._client = context.client
        self._runtime = context.runtime
        self._clock = context.clock
        self._tasks = context.tasks
        self._pods = context.pods
        self._queue = context.queue
        self._events = context.events
        self._addresses = addresses
        self._patience = Patience(
            BackoffPolicy(config.restart_backoff_s, config.restart_backoff_max_s),
            BackoffPolicy(config.image_backoff_s, config.image_backoff_max_s),
        )
        self._statuses = StatusWriter(context.client, context.tasks, context.queue.look)
        self._referenced = ReferencedObjects(context.client, context.tasks, self._files_changed)
        self._prober = Prober(context)
        self._volumes = VolumeMounter(config, self._referenced)
        self._starter = ContainerStarter(context, self._patience, self._volumes, self._referenced)

    async def step(self, entry: PodEntry) -> None:
        """Decide and act until nothing is left to do for now."""
        try:
            going = True
            while going and self._pods.get(entry.uid) is entry:
                entry.again = False
                going = await self._advance(entry) or entry.again
        finally:
            entry.busy = False
        self._queue.nudge()

    def remount(self, entry: PodEntry, pod: Object) -> None:
        """Watch again what a pod mounts that was running before this kubelet."""
        self._volumes.watch(entry, pod)

    def _files_changed(self, uid: str) -> None:
        entry = self._pods.get(uid)
        if entry is not None and not self._queue.closed:
            self._tasks.start_soon(self._refresh_volumes, entry)

    async def _refresh_volumes(self, entry: PodEntry) -> None:
        """Something the pod mounts has changed: bring its files up to date."""
        if self._runtime.sandbox(entry.uid) is not None and not entry.gone:
            try:
                await self._volumes.write(entry, entry.object())
            except (VolumeProblem, MissingReference, ReferencesUnavailable, OSError) as error:
                self._events.record(entry, "Warning", "FailedMount", str(error))
        else:
            self._queue.look(entry.uid)

    async def _advance(self, entry: PodEntry) -> bool:
        """Decide once and act; whether anything was done."""
        now = self._clock.now()
        pod = entry.object()
        observed = self._observe(entry, pod, now)
        plan = decide(pod, observed, self._patience, now)
        if not plan.actions or isinstance(plan.actions[0], Finish):
            self._report(entry, pod, observed, now)
        self._queue.look_at(entry, plan.wake_at)
        return await self._act(entry, pod, observed, plan)

    def _observe(self, entry: PodEntry, pod: Object, now: float) -> Observed:
        known: dict[str, list[ContainerStatus]] = {}
        for run in self._runtime.containers(entry.uid):
            known.setdefault(run.name, []).append(run)
        runs, stale = recover_runs(pod, known, now)
        running = {
            name: several[-1]
            for name, several in known.items()
            if several[-1].state is ContainerState.RUNNING
            and several[-1].id not in (entry.hooking or ())
        }
        self._prober.follow(entry, pod, running, now)
        spec = pod["spec"]
        return Observed(
            accepted_at=entry.accepted_at,
            host_ip=self._config.node_ip,
            ip=entry.ip,
            sandbox=self._runtime.sandbox(entry.uid),
            runs=runs,
            stale=stale,
            images={
                container["name"]: self._runtime.image(entry.uid, image_of(container))
                for container in (*(spec.get("initContainers") or ()), *spec["containers"])
            },
            probes=entry.probe_views(pod, {name: run.id for name, run in running.items()}),
            problems=entry.problems or {},
            backoffs=entry.backoffs or {},
            stopping=entry.stopping or {},
            hooking=frozenset(entry.hooking or ()),
            rejection=entry.rejection,
            sandbox_problem=entry.sandbox_problem,
            gone=entry.gone,
        )

    def _report(self, entry: PodEntry, pod: Object, observed: Observed, now: float) -> None:
        """Have the status written if the API has another one."""
        if entry.gone:
            return
        old = pod.get("status") or {}
        if old.get("phase") in TERMINAL and observed.sandbox is None:
            entry.over = True
            return
        status = compute_status(pod, observed, self._patience, now)
        entry.over = status["phase"] in TERMINAL
        wanted = orjson.dumps(status)
        version = int(pod["metadata"]["resourceVersion"])
        accepted = hash(wanted) == entry.acknowledged and version == entry.acknowledged_on
        if status == old or accepted:
            self._statuses.withdraw(entry)
        elif wanted != entry.wanted:
            self._announce(entry, pod, status)
            self._statuses.submit(entry, wanted, version)

    def _announce(self, entry: PodEntry, pod: Object, status: dict[str, Any]) -> None:
        """Record events for containers that have begun to back off."""
        old = {
            reported["name"]: (reported.get("state") or {}).get("waiting") or {}
            for field in ("initContainerStatuses", "containerStatuses")
            for reported in (pod.get("status") or {}).get(field) or ()
        }
        for field in ("initContainerStatuses", "containerStatuses"):
            for reported in status.get(field) or ():
                waiting = (reported.get("state") or {}).get("waiting") or {}
                name, reason = reported["name"], waiting.get("reason")
                if reason == (old.get(name) or {}).get("reason"):
                    continue
                if reason == "CrashLoopBackOff":
                    who = f"{entry.name}_{entry.namespace}({entry.uid})"
                    text = f"Back-off restarting failed container {name} in pod {who}"
                    self._events.record(entry, "Warning", "BackOff", text, name)
                elif reason == "ImagePullBackOff":
                    text = f'Back-off pulling image "{reported.get("image", "")}"'
                    self._events.record(entry, "Normal", "BackOff", text, name)
                    self._events.record(entry, "Warning", "Failed", f"Error: {reason}", name)
                elif reason == "ErrImagePull":
                    image = reported.get("image", "")
                    text = f'Failed to pull image "{image}": {waiting.get("message", "")}'
                    self._events.record(entry, "Warning", "Failed", text, name)
                    self._events.record(entry, "Warning", "Failed", f"Error: {reason}", name)

    async def _act(self, entry: PodEntry, pod: Object, observed: Observed, plan: Plan) -> bool:
        done = False
        for action in plan.actions:
            done = await self._do(entry, pod, observed, action) or done
        return done

    async def _do(self, entry: PodEntry, pod: Object, observed: Observed, action: Action) -> bool:
        now = self._clock.now()
        match action:
            case RunSandbox():
                await self._run_sandbox(entry, pod)
            case Pull():
                await self._starter.pull(entry, action)
            case Start():
                await self._starter.start(entry, pod, action, observed.ip)
                await self._forget_old_runs(entry, action.name)
            case Stop():
                await self._stop(entry, pod, action, now)
            case StopSandbox():
                await self._runtime.stop_sandbox(entry.uid, now)
                self._addresses.release(entry.uid)
            case Finish():
                return await self._finish(entry)
        return True

    async def _run_sandbox(self, entry: PodEntry, pod: Object) -> None:
        """Address, volumes, sandbox; what is missing is tried again later."""
        reason = "FailedCreatePodSandBox"
        try:
            if pod["spec"].get("hostNetwork"):
                entry.ip = self._config.node_ip
            else:
                entry.ip = await self._addresses.assign(entry.uid, entry.namespace, entry.name)
            reason = "FailedMount"
            if self._runtime.uses_files:
                await self._volumes.write(entry, pod)
                self._volumes.watch(entry, pod)
            entry.sandbox_problem = None
        except NoAddress as error:
            self._sandbox_failed(
                entry, "FailedCreatePodSandBox", f"no address free in {error.cidr}"
            )
        except (ActorError, VolumeProblem, MissingReference, ReferencesUnavailable) as error:
            self._sandbox_failed(entry, reason, str(error) or type(error).__name__)
        except (OSError, ValueError) as error:
            self._sandbox_failed(entry, reason, str(error))
        if entry.sandbox_problem is not None:
            return
        annotations = (pod["metadata"].get("annotations") or {}).items()
        config = SandboxConfig(
            entry.uid,
            entry.namespace,
            entry.name,
            entry.ip,
            self._config.node_name,
            self._volumes.pod_directory(entry),
            tuple(annotations),
        )
        await self._runtime.run_sandbox(config, self._clock.now())

    def _sandbox_failed(self, entry: PodEntry, reason: str, message: str) -> None:
        retry_at = self._clock.now() + self._config.retry_s
        entry.sandbox_problem = Problem(reason, message, retry_at)
        self._events.record(entry, "Warning", reason, message)
        if self._runtime.uses_files:
            self._volumes.watch(entry, entry.object())

    async def _forget_old_runs(self, entry: PodEntry, name: str) -> None:
        runs = [run for run in self._runtime.containers(entry.uid) if run.name == name]
        for run in runs[:-RUNS_KEPT]:
            await self._runtime.remove_container(run.id)
            if entry.stopping is not None:
                entry.stopping.pop(run.id, None)

    async def _stop(self, entry: PodEntry, pod: Object, action: Stop, now: float) -> None:
        """Begin to end a run; a preStop hook goes first and uses up the grace."""
        entry.stopping = entry.stopping or {}
        again = action.container_id in entry.stopping
        entry.stopping[action.container_id] = now + action.grace_s
        name = action.name
        if action.probe is not None:
            kind = "liveness" if action.probe is ProbeKind.LIVENESS else "startup"
            text = f"Container {name} failed {kind} probe, will be restarted"
        else:
            text = f"Stopping container {name}"
        if not again:
            self._events.record(entry, "Normal", "Killing", text, name)
        hook = self._starter.hook(pod, name, "preStop")
        if hook is not None and action.grace_s > 0 and not again:
            self._tasks.start_soon(self._stop_after_hook, entry, pod, action, hook)
        else:
            await self._runtime.stop_container(action.container_id, action.grace_s, now)

    async def _stop_after_hook(
        self, entry: PodEntry, pod: Object, action: Stop, hook: dict[str, Any]
    ) -> None:
        clock = self._clock
        began = clock.now()
        with anyio.move_on_after(action.grace_s):
            await self._starter.run_hook(entry, pod, action.name, action.container_id, hook,
                                         "preStop")  # fmt: skip
        # Kubernetes leaves a container two seconds, however long its hook took.
        left = max(action.grace_s - (clock.now() - began), 2.0)
        await self._runtime.stop_container(action.container_id, left, clock.now())
        self._queue.nudge()

    async def _finish(self, entry: PodEntry) -> bool:
        """Report the end, clean up, delete the pod. False: waiting for the API."""
        now = self._clock.now()
        if entry.gone:
            await self._clean_up(entry)
            self._forget(entry)
            return True
        if entry.wanted is not None:
            return False
        if entry.finish_at > now:
            self._queue.look_at(entry, entry.finish_at)
            return False
        await self._clean_up(entry)
        entry.finish_at = now + self._config.retry_s
        try:
            await self._client.delete(
                "pods", entry.name, entry.namespace, grace_period_s=0, uid=entry.uid
            )
        except StatusError as error:
            if error.code in _GONE:
                entry.gone = True
                return True
        except ActorError:
            self._queue.look_at(entry, entry.finish_at)
            return False
        else:
            # Finalizers may hold it for as long as they like; the view tells when it is gone.
            entry.finish_at = now + HELD_S
        self._queue.look_at(entry, entry.finish_at)
        return False

    async def _clean_up(self, entry: PodEntry) -> None:
        sandbox = self._runtime.sandbox(entry.uid)
        if sandbox is not None:
            await self._runtime.remove_sandbox(entry.uid)
            if sandbox.state is not SandboxState.STOPPED:
                self._addresses.release(entry.uid)
        self._volumes.remove(entry)

    def _forget(self, entry: PodEntry) -> None:
        """The pod is over here: nothing of it remains."""
        self._statuses.withdraw(entry)
        self._referenced.unmount(entry)
        if self._pods.get(entry.uid) is entry:
            del self._pods[entry.uid]

"""Starts one container: image, environment, mounts, the run itself and its postStart hook.

What stands in the way becomes the container's ``Problem`` with the reason its status shows, and is
tried again after ``retry_s``.
"""

from typing import Any

from kube_actors.api import Object
from kube_actors.node.backoff import BackoffPolicy, grow
from kube_actors.node.env import MissingReference, Sources, environment, references
from kube_actors.node.lifecycle import Observed, Patience, Problem, Pull, Start, grace_period_s
from kube_actors.node.pods.context import NodeContext
from kube_actors.node.pods.entry import PodEntry
from kube_actors.node.pods.mounter import VolumeMounter, VolumeProblem
from kube_actors.node.pods.referenced_objects import ReferencedObjects, ReferencesUnavailable
from kube_actors.node.probes import ProbeFailed, perform
from kube_actors.node.runtimes import ContainerConfig, RuntimeRefused

HOOK_S_MAX = 600.0


class ContainerStarter:
    """One per kubelet."""

    def __init__(
        self,
        context: NodeContext,
        patience: Patience,
        volumes: VolumeMounter,
        referenced: ReferencedObjects,
    ) -> None:
        self._config = context.config
        self._runtime = context.runtime
        self._clock = context.clock
        self._tasks = context.tasks
        self._queue = context.queue
        self._events = context.events
        self._patience = patience
        self._volumes = volumes
        self._referenced = referenced

    async def pull(self, entry: PodEntry, action: Pull) -> None:
        """Begin to pull; the outcome shows in the runtime's image status."""
        now = self._clock.now()
        self._grow(entry, f"image/{action.name}", self._patience.image)
        text = f'Pulling image "{action.image.image}"'
        self._events.record(entry, "Normal", "Pulling", text, action.name)
        await self._runtime.pull_image(entry.uid, action.image, now)

    async def start(self, entry: PodEntry, pod: Object, action: Start, ip: str) -> None:
        """Create and start a run of the container."""
        container = container_of(pod, action.name)
        try:
            config = await self._container_config(entry, pod, container, action, ip)
        except (MissingReference, VolumeProblem, ReferencesUnavailable) as error:
            self._failed(entry, action.name, "CreateContainerConfigError", str(error))
            return
        image = container.get("image", "")
        present = f'Container image "{image}" already present on machine'
        if f"image/{action.name}" not in (entry.backoffs or {}):
            self._events.record(entry, "Normal", "Pulled", present, action.name)
        else:
            pulled = f'Successfully pulled image "{image}"'
            self._events.record(entry, "Normal", "Pulled", pulled, action.name)
            (entry.backoffs or {}).pop(f"image/{action.name}", None)
        if action.attempt > 0:
            self._grow(entry, f"restart/{action.name}", self._patience.restart)
        try:
            container_id = await self._runtime.create_container(config, self._clock.now())
            text = f"Created container: {action.name}"
            self._events.record(entry, "Normal", "Created", text, action.name)
            hook = self.hook(pod, action.name, "postStart")
            if hook is not None:
                entry.hooking = entry.hooking or {}
                entry.hooking[container_id] = None
            await self._runtime.start_container(container_id, self._clock.now())
        except RuntimeRefused as error:
            self._failed(entry, action.name, error.reason, error.message)
            return
        if entry.problems is not None:
            entry.problems.pop(action.name, None)
        text = f"Started container {action.name}"
        self._events.record(entry, "Normal", "Started", text, action.name)
        if hook is not None:
            self._tasks.start_soon(self._post_start, entry, pod, action, container_id, hook)

    async def _container_config(
        self, entry: PodEntry, pod: Object, container: dict[str, Any], action: Start, ip: str
    ) -> ContainerConfig:
        env: dict[str, str] = {}
        if self._runtime.uses_files:
            sources = Sources(
                await self._referenced.objects(entry, references(container)),
                await self._referenced.services(),
                self._config.capacity,
                self._config.node_ip,
                ip,
            )
            env = environment(pod, container, sources)
        return ContainerConfig(
            pod_uid=entry.uid,
            name=action.name,
            attempt=action.attempt,
            image=container.get("image", ""),
            command=tuple(container.get("command") or ()),
            args=tuple(container.get("args") or ()),
            env=tuple(env.items()),
            working_dir=container.get("workingDir") or "",
            mounts=self._volumes.mounts(entry, pod, container, env),
            termination_message_path=container.get("terminationMessagePath")
            or "/dev/termination-log",
        )

    def hook(self, pod: Object, name: str, which: str) -> dict[str, Any] | None:
        """Return the container's ``postStart`` or ``preStop`` where there is a real process."""
        if not self._runtime.uses_files:
            return None
        lifecycle = container_of(pod, name).get("lifecycle") or {}
        hook: dict[str, Any] | None = lifecycle.get(which) or None
        return hook

    async def run_hook(
        self,
        entry: PodEntry,
        pod: Object,
        name: str,
        container_id: str,
        hook: dict[str, Any],
        which: str,
    ) -> bool:
        """Run it; a failure is an event."""
        container = container_of(pod, name)
        try:
            await perform(hook, container, container_id, entry.ip, self._runtime, HOOK_S_MAX)
        except ProbeFailed as failure:
            reason = "FailedPostStartHook" if which == "postStart" else "FailedPreStopHook"
            self._events.record(entry, "Warning", reason, f"{which} hook failed: {failure}", name)
            return False
        return True

    async def _post_start(
        self, entry: PodEntry, pod: Object, action: Start, container_id: str, hook: dict[str, Any]
    ) -> None:
        well = await self.run_hook(entry, pod, action.name, container_id, hook, "postStart")
        if entry.hooking is not None:
            entry.hooking.pop(container_id, None)
        if not well:
            grace = grace_period_s(pod, Observed(entry.accepted_at, ""))
            now = self._clock.now()
            await self._runtime.stop_container(container_id, grace, now)
        self._queue.look(entry.uid)

    def _grow(self, entry: PodEntry, key: str, policy: BackoffPolicy) -> None:
        entry.backoffs = entry.backoffs or {}
        entry.backoffs[key] = grow(entry.backoffs.get(key), policy, self._clock.now())

    def _failed(self, entry: PodEntry, name: str, reason: str, message: str) -> None:
        retry_at = self._clock.now() + self._config.retry_s
        entry.problems = entry.problems or {}
        entry.problems[name] = Problem(reason, message, retry_at)
        self._events.record(entry, "Warning", "Failed", f"Error: {message}", name)


def container_of(pod: Object, name: str) -> dict[str, Any]:
    """Return the pod's container or init container of that name."""
    spec = pod["spec"]
    every = (*spec["containers"], *(spec.get("initContainers") or ()))
    return next(container for container in every if container["name"] == name)

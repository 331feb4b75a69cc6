"""Containers that are only told about: any image, no process, times and failures by script.

Everything that takes time is an entry in one heap per node, so an idle pod costs no task and no
timer; the kubelet calls ``advance`` when the first is due. All randomness comes from the generator
it is given: same seed, same history.
"""

import hashlib
import heapq
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path

import anyio
from attrs import define, evolve

from kube_actors.node.images import split_name
from kube_actors.node.runtimes.protocol import (
    ContainerConfig,
    ContainerState,
    ContainerStats,
    ContainerStatus,
    ExecResult,
    ImageSpec,
    ImageState,
    ImageStatus,
    Listener,
    LogQuery,
    ProbeKind,
    RuntimeRefused,
    SandboxConfig,
    SandboxState,
    SandboxStatus,
    ScriptedProbe,
)
from kube_actors.node.runtimes.simulated.script import Script, Stage, annotated
from kube_actors.node.timestamps import format_log_timestamp

_INF = float("inf")
KILLED = 137


@define(slots=True)
class _Container:
    status: ContainerStatus
    script: Script
    ready_at: float = _INF
    overrides: dict[ProbeKind, bool] | None = None


@define(slots=True)
class _Pod:
    status: SandboxStatus
    annotations: tuple[tuple[str, str], ...]
    containers: list[_Container]


class SimulatedRuntime:
    """A ``ContainerRuntime``; ``by_image`` maps image names (with or without tag) to scripts.

    ``rng`` may be a way to get it: most scripts leave nothing to chance.
    """

    name = "simulated"
    version = "0.1.0"
    uses_files = False
    root_dir: Path | None = None

    def __init__(
        self,
        rng: random.Random | Callable[[], random.Random],
        script: Script | None = None,
        by_image: Mapping[str, Script] | None = None,
    ) -> None:
        self._rng = rng
        self._script = script or Script()
        self._by_image = by_image or {}
        self._listener: Listener | None = None
        self._pods: dict[str, _Pod] = {}
        self._containers: dict[str, _Container] = {}
        self._images: dict[str, ImageStatus] = {}
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._sequence = 0
        self._followers: dict[str, anyio.Event] = {}

    @property
    def _random(self) -> random.Random:
        return self._rng() if callable(self._rng) else self._rng

    def _duration_s(self, stage: Stage) -> float:
        return stage.duration_s(self._random) if stage.jitter_s else stage.delay_s

    def _fails(self, stage: Stage) -> bool:
        return stage.failure_rate > 0.0 and stage.fails(self._random)

    def attach(self, listener: Listener, now: Callable[[], float]) -> None:
        """Tell ``listener`` of changes; the time comes with every command and ``advance``."""
        self._listener = listener

    async def run(self) -> None:
        """Nothing to drive: ``advance`` is all it needs."""

    async def aclose(self) -> None:
        """Forget everything, as a machine does that loses its power."""
        self._pods.clear()
        self._containers.clear()
        self._heap.clear()

    def next_due(self) -> float:
        """When the first of all scripted changes happens (unix seconds, inf: none)."""
        return self._heap[0][0] if self._heap else _INF

    def advance(self, now: float) -> None:
        """Let scripted changes happen in the order of their times, then of their planning."""
        while self._heap and self._heap[0][0] <= now:
            _, _, happen = heapq.heappop(self._heap)
            happen(now)

    # Facts

    def sandboxes(self) -> Sequence[SandboxStatus]:
        """Return all pods in the order in which they were run."""
        return [pod.status for pod in self._pods.values()]

    def sandbox(self, pod_uid: str) -> SandboxStatus | None:
        """Return the pod's sandbox: STARTING for as long as its script says."""
        pod = self._pods.get(pod_uid)
        return pod.status if pod is not None else None

    def containers(self, pod_uid: str) -> Sequence[ContainerStatus]:
        """Return the pod's runs that were not removed, oldest first."""
        pod = self._pods.get(pod_uid)
        return [container.status for container in pod.containers] if pod is not None else ()

    def image(self, pod_uid: str, image: ImageSpec) -> ImageStatus:
        """Images are shared by the node's pods: pulled once, present for all."""
        return self._images.get(image.image, ImageStatus(ImageState.ABSENT))

    def scripted_probe(
        self, container_id: str, kind: ProbeKind, now: float
    ) -> ScriptedProbe | None:
        """Answer by ``set_probe`` first, then by the script, with how long that holds."""
        container = self._containers.get(container_id)
        if container is None or container.status.state is not ContainerState.RUNNING:
            return ScriptedProbe(False, _INF, "container is not running")
        if container.overrides is not None and kind in container.overrides:
            return ScriptedProbe(container.overrides[kind], _INF, "simulated failure")
        if kind is ProbeKind.LIVENESS:
            fails_at = container.status.started_at + container.script.unhealthy_after_s
            healthy = now < fails_at
            return ScriptedProbe(healthy, fails_at if healthy else _INF, "simulated failure")
        ready = now >= container.ready_at
        return ScriptedProbe(ready, _INF if ready else container.ready_at, "simulated: not yet")

    def stats(self, container_id: str) -> ContainerStats:
        """Nothing is used: there is no process."""
        return ContainerStats()

    async def read_log(self, container_id: str, query: LogQuery) -> AsyncGenerator[bytes, None]:
        """A line for the start and one for the end."""
        written = 0
        while container_id in self._containers:
            status = self._containers[container_id].status
            lines = [(status.started_at, f"simulated {status.image} started")]
            if status.state is ContainerState.EXITED:
                lines.append((status.finished_at, f"exited with {status.exit_code}"))
            lines = lines[-query.tail_lines or len(lines) :] if query.tail_lines > 0 else lines
            for at, text in lines[written:]:
                if status.started_at and at >= query.since and query.tail_lines != 0:
                    stamp = f"{format_log_timestamp(at)} " if query.timestamps else ""
                    yield f"{stamp}{text}\n".encode()
            written = len(lines)
            if not query.follow or status.state is ContainerState.EXITED:
                return
            await self._followers.setdefault(container_id, anyio.Event()).wait()

    # Commands

    async def run_sandbox(self, config: SandboxConfig, now: float) -> None:
        """Keep the pod's annotations, which script it, and make it ready after its delay."""
        status = SandboxStatus(
            config.pod_uid, config.namespace, config.name, config.ip, SandboxState.STARTING, now
        )
        annotations = tuple(a for a in config.annotations if "simulate." in a[0])
        pod = self._pods[config.pod_uid] = _Pod(status, annotations, [])

        def ready(_: float) -> None:
            if pod.status.state is SandboxState.STARTING:
                pod.status = evolve(pod.status, state=SandboxState.READY)
                self._changed(config.pod_uid)

        stage = annotated(self._script, annotations).sandbox
        self._after(self._duration_s(stage), now, ready)

    async def stop_sandbox(self, pod_uid: str, now: float) -> None:
        """End every run that has not exited with 137, at once."""
        pod = self._pods.get(pod_uid)
        if pod is not None:
            for container in pod.containers:
                self._exit(container, KILLED, now)
            pod.status = evolve(pod.status, state=SandboxState.STOPPED)
            self._changed(pod_uid)

    async def remove_sandbox(self, pod_uid: str) -> None:
        """Forget the pod and its runs without a call of the listener."""
        pod = self._pods.pop(pod_uid, None)
        if pod is not None:
            for container in pod.containers:
                self._forget(container)

    async def pull_image(self, pod_uid: str, image: ImageSpec, now: float) -> None:
        """Pull by the script of image and pod; the outcome is news to every pod of the node."""
        pod = self._pods.get(pod_uid)
        script = annotated(self._for_image(image.image), pod.annotations if pod else ())
        self._images[image.image] = ImageStatus(ImageState.PULLING)

        def pulled(at: float) -> None:
            if self._fails(script.pull):
                text = f'failed to pull and unpack image "{image.image}": simulated failure'
                status = ImageStatus(
                    ImageState.FAILED, reason="ErrImagePull", message=text, failed_at=at
                )
            else:
                status = ImageStatus(ImageState.PRESENT, ref=f"simulated://{image.image}")
            self._images[image.image] = status
            for uid in list(self._pods):
                self._changed(uid)

        self._after(self._duration_s(script.pull), now, pulled)

    async def create_container(self, config: ContainerConfig, now: float) -> str:
        """Fix the run's script: default, image and annotations, the last win."""
        pod = self._pods.get(config.pod_uid)
        if pod is None or pod.status.state is not SandboxState.READY:
            raise RuntimeRefused("CreateContainerError", "the pod's sandbox is not ready")
        key = f"{config.pod_uid}/{config.name}/{config.attempt}/{pod.status.created_at}"
        container_id = f"simulated://{hashlib.sha256(key.encode()).hexdigest()}"
        status = ContainerStatus(
            container_id,
            config.pod_uid,
            config.name,
            config.attempt,
            ContainerState.CREATED,
            config.image,
            f"simulated://{config.image}",
            created_at=now,
        )
        container = _Container(status, annotated(self._for_image(config.image), pod.annotations))
        pod.containers.append(container)
        self._containers[container_id] = container
        return container_id

    async def start_container(self, container_id: str, now: float) -> None:
        """Plan the run: its start, when it is ready, and its end if it has one.

        Nothing is raised; a start that fails by the script is a run that EXITED with 128.
        """
        container = self._containers[container_id]
        script = container.script

        def started(at: float) -> None:
            if container.status.state is not ContainerState.CREATED:
                return
            if self._fails(script.start):
                self._exit(container, 128, at, "StartError", "simulated failure")
                return
            container.status = evolve(container.status, state=ContainerState.RUNNING, started_at=at)
            never = self._fails(script.ready)
            container.ready_at = _INF if never else at + self._duration_s(script.ready)
            run_s = self._duration_s(script.run)
            if run_s != _INF:
                code = 1 if self._fails(script.run) else script.exit_code
                self._after(run_s, at, lambda end: self._exit(container, code, end))
            self._changed(container.status.pod_uid)

        self._after(self._duration_s(script.start), now, started)

    async def stop_container(self, container_id: str, grace_s: float, now: float) -> None:
        """End it when the script says, with 137 if that is beyond ``grace_s``."""
        container = self._containers.get(container_id)
        if container is None:
            return
        wanted_s = self._duration_s(container.script.stop)
        code = container.script.stop_exit_code if wanted_s <= grace_s else KILLED
        self._after(min(wanted_s, grace_s), now, lambda at: self._exit(container, code, at))

    async def remove_container(self, container_id: str) -> None:
        """Forget a run that has exited; its followers' logs end."""
        container = self._containers.get(container_id)
        if container is not None and container.status.state is ContainerState.EXITED:
            self._forget(container)
            pod = self._pods.get(container.status.pod_uid)
            if pod is not None:
                pod.containers = [c for c in pod.containers if c is not container]

    async def exec(self, container_id: str, argv: Sequence[str], timeout_s: float) -> ExecResult:
        """Succeed at once, whatever the command."""
        return ExecResult(0)

    # Fault verbs

    def crash_container(
        self, container_id: str, now: float, exit_code: int = 1, reason: str = ""
    ) -> None:
        """End a running container as by its own fault (137 with OOMKilled, 139, 1 …)."""
        self._exit(self._containers[container_id], exit_code, now, reason)

    def set_probe(self, container_id: str, kind: ProbeKind, success: bool | None) -> None:
        """Decide a probe's answer from now on; None gives it back to the script."""
        container = self._containers[container_id]
        container.overrides = container.overrides or {}
        if success is None:
            container.overrides.pop(kind, None)
        else:
            container.overrides[kind] = success
        self._changed(container.status.pod_uid)

    def _for_image(self, image: str) -> Script:
        if not self._by_image:
            return self._script
        return self._by_image.get(image) or self._by_image.get(split_name(image)[0], self._script)

    def _after(self, delay_s: float, now: float, happen: Callable[[float], None]) -> None:
        if delay_s <= 0:
            happen(now)
        else:
            self._sequence += 1
            heapq.heappush(self._heap, (now + delay_s, self._sequence, happen))

    def _exit(
        self, container: _Container, code: int, now: float, reason: str = "", message: str = ""
    ) -> None:
        status = container.status
        if status.state is ContainerState.EXITED or status.id not in self._containers:
            return
        container.status = evolve(
            status,
            state=ContainerState.EXITED,
            started_at=status.started_at or now,
            finished_at=now,
            exit_code=code,
            reason=reason or ("Completed" if code == 0 else "Error"),
            message=message,
        )
        self._wake_follower(status.id)
        self._changed(status.pod_uid)

    def _forget(self, container: _Container) -> None:
        self._containers.pop(container.status.id, None)
        self._wake_follower(container.status.id)

    def _wake_follower(self, container_id: str) -> None:
        follower = self._followers.pop(container_id, None)
        if follower is not None:
            follower.set()

    def _changed(self, pod_uid: str) -> None:
        if self._listener is not None:
            self._listener(pod_uid)

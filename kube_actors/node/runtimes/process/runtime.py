"""Containers as real processes: no root, no images, no daemon.

Each container is a process group of its own (``group``) with a directory as its root (``root``),
the pod's loopback address in ``POD_IP`` and its output in CRI-format files (``log_files``). One
task watches all of them through one epoll descriptor, so a container costs no task and no thread.
Closing the runtime, also when cancelled, kills and reaps every group; if this process is killed
itself, the ``keeper`` does, and the next start clears what a pid file still names.
"""

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
from attrs import evolve

from kube_actors.node.images import Catalogue, Image
from kube_actors.node.runtimes.process.container import START_FAILED, ProcessContainer
from kube_actors.node.runtimes.process.exec import ProcessExec
from kube_actors.node.runtimes.process.group import group_members, kill_marked, start_ticks
from kube_actors.node.runtimes.process.keeper import kill_group
from kube_actors.node.runtimes.process.log_files import read_log
from kube_actors.node.runtimes.process.stats import group_stats
from kube_actors.node.runtimes.process.watch import REAP_S_MAX, GroupWatch
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

_INF = float("inf")
Images = Mapping[str, Image | tuple[str, ...]]


class ProcessRuntime:
    """A ``ContainerRuntime`` below ``root_dir``, which must be one node's own.

    Whoever makes it closes it: ``aclose`` (or leaving ``async with``) leaves no process. ``images``
    are added to the built-in ones. Raises OSError when the directory cannot be made.
    """

    name = "process"
    version = "0.1.0"
    uses_files = True

    def __init__(self, root_dir: Path, *, images: Images | None = None) -> None:
        self.root_dir: Path | None = root_dir
        self.catalogue = Catalogue().with_images(images or {})
        self._now: Callable[[], float] = float
        self._listener: Listener | None = None
        self._sandboxes: dict[str, tuple[SandboxConfig, SandboxStatus]] = {}
        self._containers: dict[str, ProcessContainer] = {}
        self._failed_pulls: dict[tuple[str, ImageSpec], ImageStatus] = {}
        self._watch = GroupWatch()
        self._closed = False
        clear_leftovers(root_dir)

    @classmethod
    async def open(cls, root_dir: Path, *, images: Images | None = None) -> "ProcessRuntime":
        """Make one; a cancellation never loses a half-made runtime."""
        return cls(root_dir, images=images)

    async def __aenter__(self) -> "ProcessRuntime":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def aclose(self) -> None:
        """Kill and reap everything."""
        self.close()

    # Facts

    def attach(self, listener: Listener, now: Callable[[], float]) -> None:
        """Tell ``listener`` of changes from now on; ``now`` also stamps ends and log lines."""
        self._listener = listener
        self._now = now

    def next_due(self) -> float:
        """Never: the ends of processes are not known in advance."""
        return _INF

    def advance(self, now: float) -> None:
        """Nothing: a task of its own watches the processes."""

    def sandboxes(self) -> Sequence[SandboxStatus]:
        """Return the pods that have a directory here, also stopped ones."""
        return [status for _, status in self._sandboxes.values()]

    def sandbox(self, pod_uid: str) -> SandboxStatus | None:
        """Return the pod's sandbox or None; one that is STOPPED stays until it is removed."""
        found = self._sandboxes.get(pod_uid)
        return found[1] if found else None

    def containers(self, pod_uid: str) -> Sequence[ContainerStatus]:
        """Return the pod's runs in the order in which they were created."""
        return [c.status for c in self._containers.values() if c.config.pod_uid == pod_uid]

    def image(self, pod_uid: str, image: ImageSpec) -> ImageStatus:
        """What the catalogue has is always present, and so is any where the pod has a command."""
        if image.has_command or self.catalogue.find(image.image) is not None:
            return ImageStatus(ImageState.PRESENT, ref=f"process://{image.image}")
        return self._failed_pulls.get((pod_uid, image), ImageStatus(ImageState.ABSENT))

    def scripted_probe(
        self, container_id: str, kind: ProbeKind, now: float
    ) -> ScriptedProbe | None:
        """None, always: there is a real process to ask."""
        return None

    def stats(self, container_id: str) -> ContainerStats:
        """Sum over the processes that are in the group now; those that fled it are not counted."""
        container = self._containers.get(container_id)
        if container is None or container.group is None:
            return ContainerStats()
        return group_stats(group_members(container.group.pid))

    def pid(self, container_id: str) -> int | None:
        """The leader of a running container's process group."""
        container = self._containers.get(container_id)
        return container.group.pid if container is not None and container.group else None

    def read_log(self, container_id: str, query: LogQuery) -> AsyncGenerator[bytes, None]:
        """Read the log files; raises KeyError for a container that was removed."""
        return read_log(self._containers[container_id].log, query)

    # Commands

    async def run_sandbox(self, config: SandboxConfig, now: float) -> None:
        """Make the pod's directory; the sandbox is ready at once. Raises OSError."""
        assert config.directory is not None
        config.directory.mkdir(parents=True, exist_ok=True)
        status = SandboxStatus(
            config.pod_uid, config.namespace, config.name, config.ip, SandboxState.READY, now
        )
        self._sandboxes[config.pod_uid] = (config, status)
        self._changed(config.pod_uid)

    async def stop_sandbox(self, pod_uid: str, now: float) -> None:
        """Kill the pod's groups without grace; their ends are noted when they are reaped."""
        self._kill_pod(pod_uid)
        found = self._sandboxes.get(pod_uid)
        if found is not None:
            stopped = evolve(found[1], state=SandboxState.STOPPED)
            self._sandboxes[pod_uid] = (found[0], stopped)
            self._changed(pod_uid)

    async def remove_sandbox(self, pod_uid: str) -> None:
        """Kill, wait up to ``REAP_S_MAX`` for the ends, then remove directory and logs.

        Processes that left their group are found by their environment and killed as well.
        """
        await self.stop_sandbox(pod_uid, self._now())
        with anyio.move_on_after(REAP_S_MAX):
            while any(c.group is not None for c in self._of_pod(pod_uid)):
                await self._watch.wait_end()
        found = self._sandboxes.get(pod_uid)
        if found is not None and self._of_pod(pod_uid):
            # By directory, not by uid: clusters with the same seed have the same uids.
            marker = f"KUBE_ACTORS_POD_DIR={found[0].directory}"
            await anyio.to_thread.run_sync(kill_marked, marker)
        for container in self._of_pod(pod_uid):
            container.remove()
            del self._containers[container.status.id]
        for key in [key for key in self._failed_pulls if key[0] == pod_uid]:
            del self._failed_pulls[key]
        found = self._sandboxes.pop(pod_uid, None)
        if found is not None and found[0].directory is not None:
            shutil.rmtree(found[0].directory, ignore_errors=True)

    async def pull_image(self, pod_uid: str, image: ImageSpec, now: float) -> None:
        """Nothing is pulled: what the catalogue lacks has FAILED, and the message says why."""
        if self.image(pod_uid, image).state is not ImageState.PRESENT:
            text = (
                f'"{image.image}" is not in the image catalogue of this process node: give the '
                "container a command, or add the image to the catalogue, or run the pod on a "
                "node of another runtime"
            )
            self._failed_pulls[pod_uid, image] = ImageStatus(
                ImageState.FAILED, reason="ErrImagePull", message=text, failed_at=now
            )
        self._changed(pod_uid)

    async def create_container(self, config: ContainerConfig, now: float) -> str:
        """Build the container's root with its mounts; nothing runs yet."""
        found = self._sandboxes.get(config.pod_uid)
        if found is None or found[1].state is not SandboxState.READY:
            raise RuntimeRefused("CreateContainerError", "the pod's sandbox is not ready")
        sandbox = found[0]
        key = f"{config.pod_uid}/{config.name}/{config.attempt}/{found[1].created_at}"
        container_id = f"process://{hashlib.sha256(key.encode()).hexdigest()}"
        ref = f"process://{config.image}"
        status = ContainerStatus(
            container_id, config.pod_uid, config.name, config.attempt,
            ContainerState.CREATED, config.image, ref, created_at=now,
        )  # fmt: skip
        image = self.catalogue.find(config.image) or Image()
        try:
            container = ProcessContainer(
                config, sandbox, image, self._base_env(sandbox), status, self._now
            )
        except OSError as error:
            raise RuntimeRefused("CreateContainerError", str(error)) from error
        self._containers[container_id] = container
        return container_id

    async def start_container(self, container_id: str, now: float) -> None:
        """Spawn the group, put it on record with the keeper, then let it begin."""
        container = self._containers[container_id]
        try:
            group = container.spawn()
        except (RuntimeRefused, OSError) as error:
            text = error.message if isinstance(error, RuntimeRefused) else str(error)
            container.ended(START_FAILED, now, "StartError", text)
            self._changed(container.config.pod_uid)
            raise RuntimeRefused("RunContainerError", text) from error
        container.begun(now)
        self._watch.admit(group, container.log.write, partial(self._ended, container))
        self._changed(container.config.pod_uid)

    async def stop_container(self, container_id: str, grace_s: float, now: float) -> None:
        """Send SIGTERM to its first process and, after ``grace_s``, SIGKILL to all."""
        container = self._containers.get(container_id)
        if container is None or container.group is None:
            return
        self._watch.kill_after(container.group, grace_s)

    async def remove_container(self, container_id: str) -> None:
        """Forget an ended run with its files; one that still runs is left alone."""
        container = self._containers.get(container_id)
        if container is not None and container.group is None:
            container.remove()
            del self._containers[container_id]

    async def exec(self, container_id: str, argv: Sequence[str], timeout_s: float) -> ExecResult:
        """Run a command beside the program, in its directory and environment.

        126 with the reason when it cannot be started; a command that is late or whose caller is
        cancelled is killed.
        """
        container = self._containers.get(container_id)
        if container is None or container.group is None:
            return ExecResult(-1, "container is not running")
        execution = ProcessExec(container)
        try:
            group = execution.spawn(argv)
        except (RuntimeRefused, OSError) as error:
            return ExecResult(126, str(error))
        self._watch.admit(group, execution.write, execution.ended)
        try:
            with anyio.move_on_after(timeout_s):
                await execution.done.wait()
        finally:
            if not execution.done.is_set():
                group.signal(signal.SIGKILL)
        return execution.result()

    def signal_container(self, container_id: str, number: int) -> None:
        """Fault verb: SIGKILL, SIGSTOP, SIGCONT … to a container's whole process group."""
        container = self._containers.get(container_id)
        if container is not None and container.group is not None:
            container.group.signal(number)

    # Ends

    async def run(self) -> None:
        """Move the containers' output and note their ends until cancelled."""
        await self._watch.run()

    def close(self) -> None:
        """Kill and reap everything; synchronous, so that no cancellation can interrupt it."""
        if self._closed:
            return
        self._closed = True
        self._listener = None
        self._watch.kill_all()
        if self._containers:
            kill_marked(f"KUBE_ACTORS_NODE_DIR={self.root_dir}")
        self._watch.close()
        for container in self._containers.values():
            container.log.end()

    def _ended(self, container: ProcessContainer, code: int) -> None:
        container.group = None
        container.ended(code, self._now())
        self._changed(container.config.pod_uid)

    def _kill_pod(self, pod_uid: str) -> None:
        for container in self._of_pod(pod_uid):
            if container.group is not None:
                container.group.signal(signal.SIGKILL)

    def _of_pod(self, pod_uid: str) -> list[ProcessContainer]:
        return [c for c in self._containers.values() if c.config.pod_uid == pod_uid]

    def _base_env(self, sandbox: SandboxConfig) -> Mapping[str, str]:
        path = os.environ.get("PATH", os.defpath)
        return {
            "PATH": f"{Path(sys.executable).parent}:{path}",
            "HOSTNAME": sandbox.name,
            "KUBE_ACTORS_NODE_DIR": str(self.root_dir),
            "KUBE_ACTORS_POD_DIR": str(sandbox.directory),
            "POD_IP": sandbox.ip,
            "POD_NAME": sandbox.name,
            "POD_NAMESPACE": sandbox.namespace,
            "NODE_NAME": sandbox.node_name,
        }

    def _changed(self, pod_uid: str) -> None:
        if self._listener is not None:
            self._listener(pod_uid)


def clear_leftovers(root_dir: Path) -> None:
    """Kill what a former owner of the directory left running, then empty its pods.

    A pid file counts only while the process started when the file says: numbers are reused.
    """
    pods = root_dir / "pods"
    for pid_file in sorted(pods.glob("*/containers/*/*.pid")):
        words = pid_file.read_text().split()
        if len(words) == 2 and words[1] == str(start_ticks(int(words[0]))):
            kill_group(int(words[0]))
    shutil.rmtree(pods, ignore_errors=True)
    pods.mkdir(parents=True, exist_ok=True)

"""What a kubelet asks of whatever runs its containers, shaped like CRI.

A runtime is told to make something so (run this sandbox, pull this image, stop that container)
and is asked what is so; how long it takes is its own affair. No command waits for its outcome:
when a state changes the runtime calls its listener with the pod's uid, and the kubelet looks again.
So a runtime may outlive the kubelet, and a restarted kubelet adopts what it finds running.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from attrs import field, frozen

Listener = Callable[[str], None]


class SandboxState(StrEnum):
    """STOPPED: its containers are dead and its address may be given away."""

    STARTING = "starting"
    READY = "ready"
    STOPPED = "stopped"


class ContainerState(StrEnum):
    """CREATED: it has its place but no process yet; EXITED is final, a restart is a new run."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


class ImageState(StrEnum):
    """FAILED stays until the next pull; how long to wait for that is the kubelet's affair."""

    ABSENT = "absent"
    PULLING = "pulling"
    PRESENT = "present"
    FAILED = "failed"


class ProbeKind(StrEnum):
    """The probes of a container; ``<kind>Probe`` is the field of its spec."""

    STARTUP = "startup"
    LIVENESS = "liveness"
    READINESS = "readiness"


class RuntimeRefused(Exception):
    """The runtime cannot do it; ``reason`` is what a container's waiting state shows."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


@frozen
class SandboxConfig:
    """One pod's place: its address, its directory and what scripts may look at."""

    pod_uid: str
    namespace: str
    name: str
    ip: str
    node_name: str = ""
    directory: Path | None = None
    annotations: tuple[tuple[str, str], ...] = ()


@frozen
class SandboxStatus:
    """A pod's place as the runtime knows it; ``created_at`` is in unix seconds."""

    pod_uid: str
    namespace: str
    name: str
    ip: str
    state: SandboxState
    created_at: float


@frozen
class ImageSpec:
    """``has_command``: the pod says what to run, so the image need not bring an entry point."""

    image: str
    has_command: bool = False


@frozen
class ImageStatus:
    """``reason`` (ErrImagePull, InvalidImageName …) and ``message`` are set when it FAILED."""

    state: ImageState
    ref: str = ""
    reason: str = ""
    message: str = ""
    failed_at: float = 0.0


@frozen
class Mount:
    """``host_path`` appears at ``container_path`` inside the container."""

    container_path: str
    host_path: Path
    read_only: bool = False


@frozen
class ContainerConfig:
    """``attempt`` counts from 0 and is the restart count; ``env`` is ordered, later wins."""

    pod_uid: str
    name: str
    attempt: int
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    termination_message_path: str = "/dev/termination-log"


@frozen
class ContainerStatus:
    """Times are unix seconds, 0.0 when it has not happened; ``id`` has the runtime's scheme."""

    id: str
    pod_uid: str
    name: str
    attempt: int
    state: ContainerState
    image: str
    image_ref: str
    created_at: float
    started_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    reason: str = ""
    message: str = ""


@frozen
class ExecResult:
    """``exit_code`` is -1 when ``timed_out``; ``output`` is stdout and stderr, at most 10 kB."""

    exit_code: int
    output: str = ""
    timed_out: bool = False


@frozen
class ScriptedProbe:
    """What a runtime without processes answers to a probe: it holds until ``valid_until``."""

    success: bool
    valid_until: float
    message: str = ""


@frozen
class ContainerStats:
    """CPU seconds used since the start and resident bytes, summed over its processes."""

    cpu_s: float = 0.0
    memory_bytes: int = 0


@frozen
class LogQuery:
    """Which part of a container's log; -1 means no limit; ``since`` is unix seconds."""

    follow: bool = False
    timestamps: bool = False
    tail_lines: int = -1
    limit_bytes: int = -1
    since: float = field(default=-1.0)


class ContainerRuntime(Protocol):
    """Everything a kubelet needs; see the module for what commands promise.

    ``uses_files`` says whether volumes, environment and logs are real: a runtime without them
    is never asked to resolve a ConfigMap. ``root_dir`` is then the node's directory.
    """

    @property
    def name(self) -> str:
        """The scheme of its container ids and images: ``process``, ``simulated``."""

    @property
    def version(self) -> str:
        """What the Node's ``nodeInfo`` shows as the version of the runtime."""

    @property
    def uses_files(self) -> bool:
        """Whether there are real files and processes; see the class."""

    @property
    def root_dir(self) -> Path | None:
        """The directory that is this node's own, None without files."""

    def attach(self, listener: Listener, now: Callable[[], float]) -> None:
        """Call ``listener`` with a pod's uid after each change; ``now`` gives unix seconds.

        The newest listener replaces any before it.
        """

    async def run(self) -> None:
        """Drive the runtime until cancelled; returns at once if ``advance`` is all it needs.

        What runs goes on when nobody drives it: only the news of it waits.
        """

    async def aclose(self) -> None:
        """End everything that still runs and release it; done by whoever made the runtime."""

    def next_due(self) -> float:
        """When ``advance`` must be called next (unix seconds, inf if it drives itself)."""

    def advance(self, now: float) -> None:
        """Let everything happen that is due; listeners are called for what changed."""

    async def run_sandbox(self, config: SandboxConfig, now: float) -> None:
        """Begin to make the pod's place; it may be STARTING for a while."""

    async def stop_sandbox(self, pod_uid: str, now: float) -> None:
        """Kill what runs in the pod at once; its status stays until it is removed."""

    async def remove_sandbox(self, pod_uid: str) -> None:
        """Kill what is left of the pod at once and forget it, its containers and its logs."""

    def sandboxes(self) -> Sequence[SandboxStatus]:
        """Return all pods that the runtime knows, also those of a former kubelet."""

    def sandbox(self, pod_uid: str) -> SandboxStatus | None:
        """Return the pod's sandbox, None before it is run and once it is removed."""

    async def pull_image(self, pod_uid: str, image: ImageSpec, now: float) -> None:
        """Begin to pull for a pod; a failure shows in ``image``, nothing is raised."""

    def image(self, pod_uid: str, image: ImageSpec) -> ImageStatus:
        """Return whether the pod could use the image now, and why not when its pull FAILED."""

    async def create_container(self, config: ContainerConfig, now: float) -> str:
        """Return the container's id. Raises RuntimeRefused (CreateContainerError …)."""

    async def start_container(self, container_id: str, now: float) -> None:
        """Raises RuntimeRefused (RunContainerError …); the container is then EXITED with 128."""

    async def stop_container(self, container_id: str, grace_s: float, now: float) -> None:
        """Ask it to end, make it end after ``grace_s``. Asking again can only shorten."""

    async def remove_container(self, container_id: str) -> None:
        """Forget a run that has EXITED, with its log; otherwise do nothing."""

    def containers(self, pod_uid: str) -> Sequence[ContainerStatus]:
        """The pod's containers with all kept attempts, oldest first."""

    async def exec(self, container_id: str, argv: Sequence[str], timeout_s: float) -> ExecResult:
        """Run a command beside the container's program for at most ``timeout_s``.

        Nothing is raised: what cannot be run fails, with the reason as its output.
        """

    def scripted_probe(
        self, container_id: str, kind: ProbeKind, now: float
    ) -> ScriptedProbe | None:
        """None: there is something real to probe."""

    def read_log(self, container_id: str, query: LogQuery) -> AsyncGenerator[bytes, None]:
        """Chunks of whole lines until the end, or while it runs if ``follow``."""

    def stats(self, container_id: str) -> ContainerStats:
        """Return what the container uses now; zeros for one that does not run."""

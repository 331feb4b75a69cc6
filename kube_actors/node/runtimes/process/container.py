"""One container run as a process group: what it is started with and how it ended."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve

from kube_actors.node.env import expand_all
from kube_actors.node.images import Image
from kube_actors.node.runtimes.process.group import ProcessGroup
from kube_actors.node.runtimes.process.log_files import LogFile
from kube_actors.node.runtimes.process.root import build_root, find_program
from kube_actors.node.runtimes.protocol import (
    ContainerConfig,
    ContainerState,
    ContainerStatus,
    RuntimeRefused,
    SandboxConfig,
)

START_FAILED = 128
MESSAGE_BYTES_MAX = 4096


class ProcessContainer:
    """Owned by the runtime, which spawns ``group`` and feeds ``log``."""

    def __init__(
        self,
        config: ContainerConfig,
        sandbox: SandboxConfig,
        image: Image,
        base_env: Mapping[str, str],
        status: ContainerStatus,
        clock: Callable[[], float],
    ) -> None:
        assert sandbox.directory is not None
        place = sandbox.directory / "containers" / config.name
        self.config = config
        self.image = image
        self.status = status
        self.group: ProcessGroup | None = None
        self.root = place / str(config.attempt)
        self.pid_file = place / f"{config.attempt}.pid"
        self.directory = build_root(
            self.root, config.mounts, config.working_dir or image.working_dir
        )
        self.env = {
            **base_env,
            "HOME": str(self.root),
            "TMPDIR": str(self.root / "tmp"),
            "KUBE_ACTORS_ROOT": str(self.root),
            "KUBE_ACTORS_CONTAINER": status.id,
            **image.env,
            **dict(config.env),
        }
        logs = sandbox.directory / "logs" / config.name
        self.log = LogFile(logs / f"{config.attempt}.log", clock)

    def argv(self) -> list[str]:
        """The program and its arguments. Raises RuntimeRefused when there is none to run."""
        config, image = self.config, self.image
        command = config.command or image.entrypoint
        arguments = config.args or (() if config.command else image.arguments)
        argv = list(expand_all((*command, *arguments), self.env))
        if not argv:
            raise RuntimeRefused("RunContainerError", "no command specified")
        program = find_program(argv[0], self.root, self.directory, self.env)
        if program is None:
            where = "no such file or directory" if "/" in argv[0] else (
                "executable file not found in $PATH"
            )  # fmt: skip
            raise RuntimeRefused("RunContainerError", f'exec: "{argv[0]}": {where}')
        return [program, *argv[1:]]

    def spawn(self) -> ProcessGroup:
        """Start the group behind its gate and put it on record."""
        self.group = group = ProcessGroup(self.argv(), self.directory, self.env)
        self.pid_file.write_text(f"{group.pid} {group.started_ticks}\n")
        return group

    def begun(self, now: float) -> None:
        """Note that the program has begun, ``now`` (unix seconds)."""
        self.status = evolve(self.status, state=ContainerState.RUNNING, started_at=now)

    def ended(self, exit_code: int, now: float, reason: str = "", message: str = "") -> None:
        """Note the end; the message is what the program left in its termination log."""
        self.status = evolve(
            self.status,
            state=ContainerState.EXITED,
            started_at=self.status.started_at or now,
            finished_at=now,
            exit_code=exit_code,
            reason=reason or ("Completed" if exit_code == 0 else "Error"),
            message=message or self._termination_message(),
        )
        self.pid_file.unlink(missing_ok=True)
        self.log.end()

    def remove(self) -> None:
        """End the log and take the container's root and log files off the disk."""
        self.log.end()
        shutil.rmtree(self.root, ignore_errors=True)
        self.log.path.unlink(missing_ok=True)
        self.log.path.with_suffix(".log.1").unlink(missing_ok=True)

    def _termination_message(self) -> str:
        path: Path = self.root / self.config.termination_message_path.lstrip("/")
        try:
            with path.open("rb") as file:
                return file.read(MESSAGE_BYTES_MAX).decode("utf-8", "replace")
        except OSError:
            return ""

"""A command run beside a container's program: probes and hooks of kind ``exec``."""

from collections.abc import Sequence

import anyio

from kube_actors.node.runtimes.process.container import ProcessContainer
from kube_actors.node.runtimes.process.group import ProcessGroup
from kube_actors.node.runtimes.process.root import find_program
from kube_actors.node.runtimes.protocol import ExecResult, RuntimeRefused

OUTPUT_BYTES_MAX = 10240


class ProcessExec:
    """``done`` is set when the command has ended."""

    def __init__(self, container: ProcessContainer) -> None:
        self._output = b""
        self.done = anyio.Event()
        self._container = container
        self._code = -1

    def spawn(self, argv: Sequence[str]) -> ProcessGroup:
        """Start it in the container's directory and environment, behind a gate."""
        inside = self._container
        program = find_program(argv[0], inside.root, inside.directory, inside.env)
        if program is None:
            raise RuntimeRefused("ExecError", f'exec: "{argv[0]}": no such program')
        return ProcessGroup([program, *argv[1:]], inside.directory, inside.env)

    def write(self, stream: str, data: bytes) -> None:
        """Keep the first bytes of what it wrote and throw the rest away."""
        self._output += data[: OUTPUT_BYTES_MAX - len(self._output)]

    def ended(self, code: int) -> None:
        """Keep the exit code and let go who waits for ``done``."""
        self._code = code
        self.done.set()

    def result(self) -> ExecResult:
        """Return what is known by now; before its end, that it timed out."""
        text = self._output.decode("utf-8", "replace")
        return ExecResult(self._code, text, timed_out=not self.done.is_set())

"""A program in a session and process group of its own, that can be killed whole.

It starts behind a gate: a shell waits for one line on its standard input before it becomes the
program. Until the group is on record with the keeper the gate is shut, and if this process dies in
between, the shell reads the end of the file and leaves. So there is no moment at which a program
runs that nobody would kill. Everything here is synchronous: no cancellation can fall in between.
"""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_GATE = 'read -r _ && exec "$@" </dev/null'
_PIPE_READ_BYTES = 65536
_KILL_ROUNDS = 8
_DEATH_MS_MAX = 1000


class ProcessGroup:
    """``outputs`` maps the read ends of its pipes to ``stdout`` and ``stderr``."""

    def __init__(self, argv: Sequence[str], directory: Path, env: Mapping[str, str]) -> None:
        """Spawn the gate. Raises OSError when not even a shell can be started."""
        gate_read, self._gate = os.pipe2(os.O_CLOEXEC)
        out_read, out_write = os.pipe2(os.O_CLOEXEC)
        err_read, err_write = os.pipe2(os.O_CLOEXEC)
        try:
            self._popen = subprocess.Popen(
                ["/bin/sh", "-c", _GATE, "sh", *argv],
                stdin=gate_read,
                stdout=out_write,
                stderr=err_write,
                cwd=directory,
                env=dict(env),
                start_new_session=True,
            )
            self.pidfd = os.pidfd_open(self._popen.pid)
        except BaseException:
            for end in (self._gate, out_read, err_read):
                os.close(end)
            raise
        finally:
            for end in (gate_read, out_write, err_write):
                os.close(end)
        for end in (out_read, err_read):
            os.set_blocking(end, False)
        self.outputs = {out_read: "stdout", err_read: "stderr"}
        self.pid = self._popen.pid
        self.started_ticks = start_ticks(self.pid)

    def open_gate(self) -> None:
        """Let the program begin."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._gate, b"\n")
        os.close(self._gate)
        self._gate = -1

    def signal(self, number: int) -> None:
        """Send a signal to the whole group; no-op when it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def terminate(self) -> None:
        """Ask the leader, and only the leader, to end: as a container's first process is asked."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)

    def poll(self) -> int | None:
        """Reap the leader; its exit code (128 + signal when killed) or None while it runs."""
        code = self._popen.poll()
        if code is None:
            return None
        return 128 - code if code < 0 else code

    def read(self, end: int) -> bytes | None:
        """Read what is there; b"" at the end of the stream, None when nothing is there yet."""
        try:
            return os.read(end, _PIPE_READ_BYTES)
        except BlockingIOError:
            return None

    def close_output(self, end: int) -> None:
        """Close one of its pipes; who still writes into it gets SIGPIPE."""
        del self.outputs[end]
        os.close(end)

    def kill_and_reap(self, timeout_s: float) -> int | None:
        """End it all, waiting for the leader; None when the kernel would not let it go."""
        self.signal(signal.SIGKILL)
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        return self.poll()

    def close(self) -> None:
        """Release what this process holds of it; the leader has been reaped."""
        for end in list(self.outputs):
            self.close_output(end)
        for end in (self.pidfd, self._gate):
            if end >= 0:
                os.close(end)
        self.pidfd = self._gate = -1


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot: with the pid it names it for good."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def group_members(pgid: int) -> list[int]:
    """Return the living processes of a group (zombies are not living)."""
    members = []
    for pid in _pids():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == str(pgid) and fields[0] not in "ZX":
            members.append(pid)
    return members


def marked_processes(marker: str) -> list[int]:
    """Return the processes whose environment holds ``NAME=value``, wherever they fled to."""
    wanted = marker.encode()
    found = []
    for pid in _pids():
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if wanted in environ.split(b"\0"):
            found.append(pid)
    return found


def kill_marked(marker: str) -> bool:
    """Kill all ``marked_processes`` and see them dead; False when some would not die.

    Blocks for as long as dying takes, about a millisecond. What is killed may have forked in
    between, and a process in the midst of an exec shows no environment, so it looks until two
    looks in a row find nothing.
    """
    clean = 0
    for _ in range(_KILL_ROUNDS):
        pids = [pid for pid in marked_processes(marker) if pid != os.getpid()]
        clean = 0 if pids else clean + 1
        if clean == 2:
            return True
        _kill_and_wait(pids)
    return False


def _kill_and_wait(pids: Sequence[int]) -> None:
    handles: list[int] = []
    try:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                handles.append(os.pidfd_open(pid))
                signal.pidfd_send_signal(handles[-1], signal.SIGKILL)
        for handle in handles:
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            ended.poll(_DEATH_MS_MAX)
    finally:
        for handle in handles:
            os.close(handle)


def _pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())

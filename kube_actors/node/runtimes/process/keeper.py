"""Kills every container when the process that owns them dies, however it dies.

A kubelet's process can be killed with SIGKILL, and then no handler of its own runs. The keeper is
one tiny shell per runtime in a session of its own that reads process groups from a pipe; when the
pipe ends, because its only writer is gone, it kills the groups it was told of. (PR_SET_PDEATHSIG
would not do: it fires when the forking *thread* ends, and worker threads come and go.)
"""

import contextlib
import os
import signal
import subprocess

_SCRIPT = """
trap '' INT TERM HUP
groups=' '
while read -r op pid; do
  case $op in
    +) groups="$groups$pid " ;;
    -) groups="${groups%% $pid *} ${groups#* $pid }" ;;
  esac
done
for pid in $groups; do kill -s KILL -- "-$pid"; done
"""


class Keeper:
    """Started with the first group; started again if somebody killed it."""

    def __init__(self) -> None:
        self._popen: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._groups: dict[int, None] = {}

    @property
    def pid(self) -> int | None:
        """The shell that stands by to kill; None before the first group and after ``close``."""
        return self._popen.pid if self._popen is not None else None

    def add(self, pgid: int) -> None:
        """From here on the group dies with this process."""
        self._groups[pgid] = None
        if self._popen is None:
            self._start()
        else:
            self._tell(f"+ {pgid}\n")

    def discard(self, pgid: int) -> None:
        """The group is gone; its number may be given to another."""
        if pgid in self._groups:
            del self._groups[pgid]
            self._tell(f"- {pgid}\n")

    def close(self) -> None:
        """End the keeper first and its pipe after, so that it kills nothing."""
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()
            os.close(self._pipe)
            self._popen = None

    def _start(self) -> None:
        read, self._pipe = os.pipe2(os.O_CLOEXEC)
        try:
            self._popen = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "kube-actors-keeper"],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(read)
        for pgid in self._groups:
            os.write(self._pipe, f"+ {pgid}\n".encode())

    def _tell(self, line: str) -> None:
        try:
            os.write(self._pipe, line.encode())
        except BrokenPipeError:
            self.close()
            self._start()


def kill_group(pgid: int) -> None:
    """Send SIGKILL to a whole process group; nothing happens when it is gone or not ours."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, signal.SIGKILL)

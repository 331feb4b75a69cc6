"""Watches any number of process groups through one epoll descriptor and in one task.

It moves their output, notes their ends, kills what outstays its grace, and keeps them on record
with the keeper from before they begin until they are reaped. ``close`` is synchronous, so that no
cancellation can come between it and the last process.
"""

import os
import select
import signal
from collections.abc import Callable

import anyio
from attrs import frozen

from kube_actors.node.runtimes.process.group import ProcessGroup
from kube_actors.node.runtimes.process.keeper import Keeper

REAP_S_MAX = 5.0
_INF = float("inf")


@frozen(eq=False)
class _Watched:
    group: ProcessGroup
    write: Callable[[str, bytes], None]
    ended: Callable[[int], None]


class GroupWatch:
    """``ended`` is called with the exit code once the group is dead and its output is moved."""

    def __init__(self) -> None:
        self._ends: dict[int, _Watched] = {}
        self._kill_at: dict[ProcessGroup, float] = {}
        self._keeper = Keeper()
        self._poller = select.epoll()
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poller.register(self._waker, select.EPOLLIN)
        self._changed = anyio.Event()

    @property
    def keeper_pid(self) -> int | None:
        """The process id of the keeper's shell, None while it is not needed."""
        return self._keeper.pid

    def admit(
        self,
        group: ProcessGroup,
        write: Callable[[str, bytes], None],
        ended: Callable[[int], None],
    ) -> None:
        """Put the group on record, then let it begin."""
        self._keeper.add(group.pid)
        watched = _Watched(group, write, ended)
        for end in (group.pidfd, *group.outputs):
            self._ends[end] = watched
            self._poller.register(end, select.EPOLLIN)
        group.open_gate()

    def kill_after(self, group: ProcessGroup, grace_s: float) -> None:
        """Ask the group to end, and kill it after ``grace_s``; later calls only shorten."""
        deadline = anyio.current_time() + grace_s
        if group not in self._kill_at and grace_s > 0:
            group.terminate()
        self._kill_at[group] = min(deadline, self._kill_at.get(group, deadline))
        os.eventfd_write(self._waker, 1)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            due = min(self._kill_at.values(), default=_INF)
            with anyio.CancelScope(deadline=due):
                await anyio.wait_readable(self._poller.fileno())
            now = anyio.current_time()
            for group, at in list(self._kill_at.items()):
                if at <= now:
                    del self._kill_at[group]
                    group.signal(signal.SIGKILL)
            self._collect()

    async def wait_end(self) -> None:
        """Wait until some group has ended."""
        await self._changed.wait()

    def kill_all(self) -> None:
        """Kill and reap every group now, noting the ends as usual."""
        every = [w for end, w in list(self._ends.items()) if end == w.group.pidfd]
        for watched in every:
            watched.group.signal(signal.SIGKILL)
        for watched in every:
            code = watched.group.kill_and_reap(REAP_S_MAX)
            if code is not None:
                self._finish(watched, code)

    def close(self) -> None:
        """Kill and reap every group, then let go of the keeper and the descriptors."""
        self.kill_all()
        self._keeper.close()
        self._poller.close()
        os.close(self._waker)

    def _collect(self) -> None:
        for end, _ in self._poller.poll(0):
            if end == self._waker:
                os.eventfd_read(end)
                continue
            watched = self._ends.get(end)
            if watched is None:
                continue
            if end != watched.group.pidfd:
                self._pump(watched, end)
                continue
            code = watched.group.poll()
            if code is not None:
                self._finish(watched, code)

    def _pump(self, watched: _Watched, end: int) -> bool:
        """Move one read's worth of output; False when there is no more for now."""
        data = watched.group.read(end)
        if data:
            watched.write(watched.group.outputs[end], data)
            return True
        if data == b"":
            self._forget_output(watched.group, end)
        return False

    def _forget_output(self, group: ProcessGroup, end: int) -> None:
        self._poller.unregister(end)
        del self._ends[end]
        group.close_output(end)

    def _finish(self, watched: _Watched, code: int) -> None:
        """The leader ended: its group goes with it, and what it wrote is kept."""
        group = watched.group
        group.signal(signal.SIGKILL)
        self._keeper.discard(group.pid)
        for end in list(group.outputs):
            while self._pump(watched, end):
                pass
            if end in group.outputs:
                self._forget_output(group, end)
        self._poller.unregister(group.pidfd)
        del self._ends[group.pidfd]
        self._kill_at.pop(group, None)
        group.close()
        watched.ended(code)
        self._changed.set()
        self._changed = anyio.Event()

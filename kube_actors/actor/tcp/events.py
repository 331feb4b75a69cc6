"""Waiting for sockets with callbacks, on asyncio and trio: no task and no hop per message.

On asyncio a callback runs straight out of the event loop. Trio has no callbacks: there a task per
watched socket waits for it, and one task runs what shall happen soon.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

import sniffio
from anyio.abc import TaskGroup

Callback = Callable[[], None]


class Events(Protocol):
    """What connections need of the event loop; what a callback raises ends its tasks."""

    def time(self) -> float: ...

    def soon(self, callback: Callback) -> None:
        """Run it once, after what is running now."""

    def watch(self, sock: socket.socket, readable: Callback) -> None:
        """Run ``readable`` whenever there is something to read, until ``unwatch``."""

    def when_writable(self, sock: socket.socket, writable: Callback) -> None:
        """Run ``writable`` once there is room to write."""

    def unwatch(self, sock: socket.socket) -> None:
        """Forget the socket, before it is closed."""


class Due:
    """What shall run soon, together; who waits for an answer comes before everybody else."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._callbacks: deque[Callback] = deque()

    def add(self, callback: Callback, *, first: bool = False) -> None:
        if not self._callbacks:
            self._events.soon(self.run)
        if first:
            self._callbacks.appendleft(callback)
        else:
            self._callbacks.append(callback)

    def run(self) -> None:
        """Do it now."""
        # What is added meanwhile has its own turn.
        for _ in range(len(self._callbacks)):
            self._callbacks.popleft()()
        if self._callbacks:
            self._events.soon(self.run)


class AsyncioEvents:
    def __init__(self, tasks: TaskGroup) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = tasks
        self.time = self._loop.time

    def soon(self, callback: Callback) -> None:
        self._loop.call_soon(self._guarded, callback)

    def watch(self, sock: socket.socket, readable: Callback) -> None:
        self._loop.add_reader(sock.fileno(), self._guarded, readable)

    def when_writable(self, sock: socket.socket, writable: Callback) -> None:
        descriptor = sock.fileno()

        def once() -> None:
            self._loop.remove_writer(descriptor)
            self._guarded(writable)

        self._loop.add_writer(descriptor, once)

    def _guarded(self, callback: Callback) -> None:
        """End the tasks with what a callback raises, as on trio; the loop would only log it."""
        try:
            callback()
        except Exception as error:
            self._tasks.start_soon(_raise, error)

    def unwatch(self, sock: socket.socket) -> None:
        descriptor = sock.fileno()
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)


async def _raise(error: Exception) -> None:
    raise error


def running_events(tasks: TaskGroup) -> Events:
    """Find the events of the running loop; trio's need tasks, which end with ``tasks``."""
    if sniffio.current_async_library() == "trio":
        # Only who runs on trio pays for its import.
        from kube_actors.actor.tcp.trio_events import TrioEvents

        return TrioEvents(tasks)
    return AsyncioEvents(tasks)

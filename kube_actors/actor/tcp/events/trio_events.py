"""Waiting for sockets on trio: a task per watched socket, and one for what is due."""

import socket

import trio
from anyio.abc import TaskGroup

from kube_actors.actor.loop import running_library
from kube_actors.actor.tcp.events.events import Callback


class TrioEvents:
    """Tasks in ``tasks`` that wait for sockets; what a callback raises, its task raises."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._due: list[Callback] = []
        self._parking = running_library().parking()
        self._watched: dict[int, int] = {}
        self._tickets = 0
        self.time = trio.current_time
        tasks.start_soon(self._run_due, name="tcp")

    def soon(self, callback: Callback) -> None:
        """Run it in the one task for that, in the order of asking."""
        self._due.append(callback)
        if len(self._due) == 1:
            self._parking.wake()

    def watch(self, sock: socket.socket, readable: Callback) -> None:
        """Start a task that waits for the socket again and again."""
        # A descriptor's number is used again: the ticket tells whose turn it is.
        self._tickets += 1
        self._watched[sock.fileno()] = self._tickets
        self._tasks.start_soon(
            self._read, sock, sock.fileno(), self._tickets, readable, name="tcp read"
        )

    def when_writable(self, sock: socket.socket, writable: Callback) -> None:
        """Start a task that waits once; it ends in silence when the socket is closed first."""
        self._tasks.start_soon(self._write, sock, writable, name="tcp write")

    def unwatch(self, sock: socket.socket) -> None:
        """End the waiting of its tasks; no-op on a closed one."""
        if sock.fileno() >= 0:
            self._watched.pop(sock.fileno(), None)
            trio.lowlevel.notify_closing(sock)

    async def _run_due(self) -> None:
        while True:
            while self._due:
                due, self._due = self._due, []
                for callback in due:
                    callback()
            await self._parking.wait()

    async def _read(
        self, sock: socket.socket, descriptor: int, ticket: int, readable: Callback
    ) -> None:
        while self._watched.get(descriptor) == ticket:
            try:
                await trio.lowlevel.wait_readable(sock)
            except (trio.ClosedResourceError, OSError, ValueError):
                return
            if self._watched.get(descriptor) == ticket:
                readable()

    async def _write(self, sock: socket.socket, writable: Callback) -> None:
        try:
            await trio.lowlevel.wait_writable(sock)
        except (trio.ClosedResourceError, OSError, ValueError):
            return
        writable()

"""Waiting for sockets on trio: the same promises as in ``tcp_events``, kept by a few tasks."""

import socket

import trio
from anyio.abc import TaskGroup

from kube_actors.actor.loop import TrioParking
from kube_actors.actor.tcp.events import Callback


class TrioEvents:
    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._due: list[Callback] = []
        self._parking = TrioParking()
        self._watched: dict[int, int] = {}
        self._tickets = 0
        self.time = trio.current_time
        tasks.start_soon(self._run_due, name="tcp")

    def soon(self, callback: Callback) -> None:
        self._due.append(callback)
        if len(self._due) == 1:
            self._parking.wake()

    def watch(self, sock: socket.socket, readable: Callback) -> None:
        # A descriptor's number is used again: the ticket tells whose turn it is.
        self._tickets += 1
        self._watched[sock.fileno()] = self._tickets
        self._tasks.start_soon(
            self._read, sock, sock.fileno(), self._tickets, readable, name="tcp read"
        )

    def when_writable(self, sock: socket.socket, writable: Callback) -> None:
        self._tasks.start_soon(self._write, sock, writable, name="tcp write")

    def unwatch(self, sock: socket.socket) -> None:
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

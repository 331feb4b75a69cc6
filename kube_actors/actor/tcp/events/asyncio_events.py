"""Waiting for sockets on asyncio: a callback runs straight out of the event loop."""

import asyncio
import socket

from anyio.abc import TaskGroup

from kube_actors.actor.tcp.events.events import Callback


class AsyncioEvents:
    """The loop's own callbacks; what one raises is raised in ``tasks``."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = tasks
        self.time = self._loop.time

    def soon(self, callback: Callback) -> None:
        """Run it in the loop's next turn."""
        self._loop.call_soon(self._guarded, callback)

    def watch(self, sock: socket.socket, readable: Callback) -> None:
        """Run ``readable`` straight out of the loop, in each turn in which there is something."""
        self._loop.add_reader(sock.fileno(), self._guarded, readable)

    def when_writable(self, sock: socket.socket, writable: Callback) -> None:
        """Run ``writable`` once; asking again for a socket replaces what was asked."""
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
        """Take the socket out of the loop, both ways; no-op on a closed one."""
        descriptor = sock.fileno()
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)


async def _raise(error: Exception) -> None:
    raise error

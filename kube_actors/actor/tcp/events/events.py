"""The promise of waiting for sockets with callbacks, and the order of what is due.

What asyncio and trio both keep: callbacks run one after another, none inside another's turn.
"""

import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

Callback = Callable[[], None]


class Events(Protocol):
    """What connections need of the event loop; what a callback raises ends its tasks."""

    def time(self) -> float:
        """Read the event loop's clock, in seconds; only differences mean anything."""

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
        """Run it soon, after what was added before; ``first`` before all of that."""
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

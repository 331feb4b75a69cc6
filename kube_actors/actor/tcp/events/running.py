"""Finds which library's event loop runs: the one place of ``events`` that knows both."""

import sniffio
from anyio.abc import TaskGroup

from kube_actors.actor.tcp.events.asyncio_events import AsyncioEvents
from kube_actors.actor.tcp.events.events import Events


def running_events(tasks: TaskGroup) -> Events:
    """Find the events of the running loop; trio's need tasks, which end with ``tasks``."""
    if sniffio.current_async_library() == "trio":
        # Only a process that runs on trio pays for its import.
        from kube_actors.actor.tcp.events.trio_events import TrioEvents

        return TrioEvents(tasks)
    return AsyncioEvents(tasks)

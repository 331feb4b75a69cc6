"""Finds which library's event loop runs: the one place of ``loop`` that knows both."""

import sniffio

from kube_actors.actor.loop.asyncio_parking import AsyncioLibrary
from kube_actors.actor.loop.parking import Library


def running_library() -> Library:
    """Find the library of the running event loop; AsyncLibraryNotFoundError when none runs."""
    if sniffio.current_async_library() == "trio":
        # Only a process that runs on trio pays for its import.
        from kube_actors.actor.loop.trio_parking import TrioLibrary

        return TrioLibrary()
    return AsyncioLibrary()

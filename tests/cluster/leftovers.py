"""What a cluster could leave behind: tasks, processes, sockets, descriptors, directories."""

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import sniffio
import trio
from attrs import frozen


@frozen
class Traces:
    """Everything that can be seen of a process from outside, at one moment."""

    tasks: int
    descriptors: tuple[str, ...]
    processes: tuple[str, ...]
    files: tuple[str, ...]


def _tasks() -> int:
    if sniffio.current_async_library() == "asyncio":
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living


def _descriptors() -> tuple[str, ...]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            # The directory that is being listed, and what pytest itself captures to.
            if not target.startswith(("/proc/", "/tmp/", "/dev/")):
                found.append(target.partition(":")[0])
    return tuple(sorted(found))


def processes_below(directory: Path) -> tuple[str, ...]:
    """Return the command lines of the processes that work in or below ``directory``."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline", "pid"]):
        line = " ".join(process.info["cmdline"] or ())
        inside = (process.info["cwd"] or "").startswith(str(directory))
        if process.info["pid"] != os.getpid() and (inside or str(directory) in line):
            found.append(line)
    return tuple(found)


def traces(scratch: Path) -> Traces:
    gc.collect()
    children = tuple(
        " ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)
    )
    return Traces(
        _tasks(),
        _descriptors(),
        (*children, *processes_below(scratch)),
        tuple(sorted(str(p) for p in scratch.rglob("*"))),
    )


@asynccontextmanager
async def nothing_left(scratch: Path) -> AsyncIterator[None]:
    """Require that what runs in the block leaves this process as it was."""
    # The loop's own sockets and threads' first use are not what is looked for.
    with socket.socket():
        pass
    before = traces(scratch)
    yield
    after = traces(scratch)
    assert after == before

"""Long work in small steps: a generator that yields where somebody else may have a turn.

The same code then serves whoever waits for the result at once (``run``) and whoever must go on
answering meanwhile (``run_in_turns``). What it works on must not be changed by others.
"""

from collections.abc import Generator
from typing import TypeVar

import anyio

T = TypeVar("T")

Steps = Generator[None, None, T]

ITEMS_PER_STEP = 1000
"""Items between two steps of whoever goes through many: a millisecond or two."""


def run(steps: Steps[T]) -> T:
    """Do it all now."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result


async def run_in_turns(steps: Steps[T]) -> T:
    """Do it step by step, letting others run in between."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        await anyio.lowlevel.checkpoint()

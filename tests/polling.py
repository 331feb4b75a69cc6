"""Waiting for what the machine does, in tests that run on its clock: bounded, and for something.

A test that sleeps for a while is slow where the machine is quick and wrong where it is slow. These
ask until it is so instead, and fail when it never is. On virtual time nothing of this is needed.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel

LOOK_AGAIN_S = 0.01

T = TypeVar("T")


class NotYet(Exception):
    """It is not so yet: ``eventually`` asks again."""


async def until(condition: Callable[[], object], *, timeout_s: float = 60.0) -> None:
    """Wait for what the kernel, a process or another task makes true. Raises TimeoutError."""
    with anyio.fail_after(timeout_s):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(LOOK_AGAIN_S)


async def eventually(
    ask: Callable[[], Awaitable[T]], *errors: type[Exception], timeout_s: float = 60.0
) -> T:
    """Return the first answer that is not ``NotYet`` or one of ``errors``. Raises TimeoutError."""
    with anyio.fail_after(timeout_s):
        while True:
            try:
                return await ask()
            except (NotYet, *errors):
                await anyio.sleep(LOOK_AGAIN_S)


async def turns(count: int) -> None:
    """Let every task that can run do so ``count`` times: somewhere in the midst of things."""
    for _ in range(count):
        await anyio.lowlevel.checkpoint()

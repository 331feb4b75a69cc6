"""The demo told step by step: each says what it does, waits with a sign of life, then says what
was observed and how long it took. A step that is not observed ends the story."""

import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import anyio

from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.cli.traffic import RequestFailed

T = TypeVar("T")

POLL_S = 0.05
BEAT_S = 1.0


class NotObserved(Exception):
    """A step's expectation did not come true in time."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"not observed: {step}: {reason}")


class Steps:
    """Prints to stdout; on a terminal the waiting line is rewritten, elsewhere it is left out."""

    def __init__(self) -> None:
        self._number = 0
        self._terminal = sys.stdout.isatty()
        self._started = self._began = time.perf_counter()
        self.title = ""

    @property
    def elapsed_s(self) -> float:
        """Seconds since the story began."""
        return time.perf_counter() - self._started

    async def step(
        self, title: str, run: Callable[[], Awaitable[str]], *, timeout_s: float = 180.0
    ) -> None:
        """Run one step; its result is what was observed. Raises NotObserved."""
        self.begin(title)
        began = time.perf_counter()
        observed = None
        with anyio.move_on_after(timeout_s):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._beat, began)
                observed = await run()
                tasks.cancel_scope.cancel()
        self._erase()
        if observed is None:
            raise NotObserved(title, f"still waiting after {timeout_s:g} s")
        self.observed(observed)

    def begin(self, title: str) -> None:
        """Say what comes; ``observed`` says how it went."""
        self._number += 1
        self.title = title
        self._began = time.perf_counter()
        print(f"\n{self._number:2}. {title}", flush=True)

    def observed(self, what: str) -> None:
        """Print what a step saw and how long it took."""
        print(f"    \u2713 {what}  [{time.perf_counter() - self._began:.2f} s]", flush=True)

    def fail(self, reason: str) -> NotObserved:
        """Return the exception that ends the story at the step at hand."""
        return NotObserved(self.title, reason)

    async def until(self, look: Callable[[], Awaitable[T | None]]) -> T:
        """Look again and again until there is something to see; refusals are nothing to see."""
        while True:
            with suppress(StatusError, ActorError, RequestFailed):
                seen = await look()
                if seen is not None:
                    return seen
            await anyio.sleep(POLL_S)

    async def _beat(self, began: float) -> None:
        while True:
            await anyio.sleep(BEAT_S)
            if self._terminal:
                waited = time.perf_counter() - began
                sys.stdout.write(f"\r    \u2026 {waited:.0f} s")
                sys.stdout.flush()
            else:
                print("    \u2026", flush=True)

    def _erase(self) -> None:
        if self._terminal:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()

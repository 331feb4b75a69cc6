"""A condition that one task waits for and others bring about, again and again."""

import anyio


class Signal:
    """``wait`` returns at the next ``notify``; who waits looks again whether it holds."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def notify(self) -> None:
        """Wake the task that waits, if there is one; what nobody waits for is not remembered."""
        event, self._event = self._event, None
        if event is not None:
            event.set()

    async def wait(self) -> None:
        """Wait for the next ``notify``; look at the condition before, it may be true already."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()

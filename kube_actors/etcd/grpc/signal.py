"""A condition that one task waits for and others bring about, again and again."""

import anyio


class Signal:
    """``wait`` returns at the next ``notify``; who waits looks again whether it holds."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def notify(self) -> None:
        event, self._event = self._event, None
        if event is not None:
            event.set()

    async def wait(self) -> None:
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()

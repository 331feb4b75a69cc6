"""Real HTTP against pods and services: one request a connection, every failure counted."""

import json
from typing import Any

import anyio
import attrs


class RequestFailed(Exception):
    """No whole answer with status 200."""


async def get(host: str, port: int, path: str = "/", timeout_s: float = 5.0) -> dict[str, Any]:
    """Fetch a JSON page over a new connection; raises RequestFailed."""
    try:
        with anyio.fail_after(timeout_s):
            async with await anyio.connect_tcp(host, port) as stream:
                request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
                await stream.send(request.encode())
                answer = b""
                try:
                    while True:
                        answer += await stream.receive()
                except anyio.EndOfStream:
                    pass
    except (OSError, TimeoutError, anyio.BrokenResourceError) as error:
        raise RequestFailed(f"{type(error).__name__}: {error}") from None
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"HTTP/1.1 200"):
        raise RequestFailed(head[:80].decode(errors="replace") or "empty answer")
    try:
        page = json.loads(body)
    except ValueError:
        raise RequestFailed("the page is not JSON: cut off?") from None
    assert isinstance(page, dict)
    return page


@attrs.define
class Tally:
    """What a load saw: answers per version, failures with their reasons."""

    answered: dict[str, int] = attrs.field(factory=dict)
    failures: list[str] = attrs.field(factory=list)

    @property
    def total(self) -> int:
        """How many requests were made, failed ones included."""
        return sum(self.answered.values()) + len(self.failures)


async def load(host: str, port: int, tally: Tally, *, clients: int = 4) -> None:
    """Keep ``clients`` requests under way until cancelled."""

    async def one() -> None:
        while True:
            try:
                page = await get(host, port)
            except RequestFailed as failed:
                tally.failures.append(str(failed))
                continue
            version = str(page.get("version", "?"))
            tally.answered[version] = tally.answered.get(version, 0) + 1
            await anyio.sleep(0.002)

    async with anyio.create_task_group() as tasks:
        for _ in range(clients):
            tasks.start_soon(one)

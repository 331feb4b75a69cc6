"""Container logs on disk, in CRI's format: ``<timestamp> <stream> <F|P> <text>`` a line.

``LogFile`` appends what a container writes and wakes its readers; ``read_log`` answers what
``kubectl logs`` asks (tail, since, timestamps, follow). A file is rotated once it is full and one
older file is kept, so a chatty container cannot fill the disk; a line longer than 16 kB is cut in
parts marked P, and reading joins them again.
"""

import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import anyio
from attrs import frozen

from kube_actors.node.runtimes.protocol import LogQuery
from kube_actors.node.timestamps import format_log_timestamp

LINE_BYTES_MAX = 16384
FILE_BYTES_MAX = 10 * 1024 * 1024
CHUNK_BYTES = 65536


class LogFile:
    """One run's log. ``ended`` is set once nothing more can come."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self.path = path
        self.ended = False
        self.generation = 0
        self._now = now
        self._partial: dict[str, bytes] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._file).st_size
        self._changed = anyio.Event()

    def write(self, stream: str, data: bytes) -> None:
        """Append what came on ``stream`` (stdout or stderr); an unfinished line waits."""
        *lines, rest = (self._partial.get(stream, b"") + data).split(b"\n")
        stamp = format_log_timestamp(self._now())
        out = [_entries(stamp, stream, line, whole=True) for line in lines]
        while len(rest) > LINE_BYTES_MAX:
            out.append(_entries(stamp, stream, rest[:LINE_BYTES_MAX], whole=False))
            rest = rest[LINE_BYTES_MAX:]
        self._partial[stream] = rest
        self._append(b"".join(out))

    def end(self) -> None:
        """Write what is unfinished and let followers go."""
        if self.ended:
            return
        stamp = format_log_timestamp(self._now())
        self._append(
            b"".join(
                _entries(stamp, stream, rest, whole=False)
                for stream, rest in self._partial.items()
                if rest
            )
        )
        self._partial.clear()
        self.ended = True
        os.close(self._file)
        self._wake()

    async def wait_changed(self) -> None:
        """Wait until something was appended or the log has ended."""
        await self._changed.wait()

    def _append(self, data: bytes) -> None:
        if not data:
            return
        if self._size > FILE_BYTES_MAX:
            self._rotate()
        os.write(self._file, data)
        self._size += len(data)
        self._wake()

    def _rotate(self) -> None:
        os.close(self._file)
        self.path.replace(self.path.with_suffix(".log.1"))
        self._file = os.open(
            self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640
        )
        self._size = 0
        self.generation += 1

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _entries(stamp: str, stream: str, line: bytes, *, whole: bool) -> bytes:
    head = f"{stamp} {stream} ".encode()
    parts = [line[i : i + LINE_BYTES_MAX] for i in range(0, len(line), LINE_BYTES_MAX)] or [b""]
    tags = [b"P "] * (len(parts) - 1) + [b"F " if whole else b"P "]
    return b"".join(head + tag + part + b"\n" for tag, part in zip(tags, parts, strict=True))


@frozen
class LogLine:
    """One stored line; ``whole`` is False (P) when the next line of the stream continues it."""

    stamp: bytes
    stream: bytes
    whole: bool
    text: bytes


def parse_line(line: bytes) -> LogLine:
    """Read one line of the format; raises ValueError when it is none."""
    stamp, stream, tag, text = line.split(b" ", 3)
    return LogLine(stamp, stream, tag == b"F", text)


class _Renderer:
    """Turns stored lines into what the asker sees, within its limits."""

    def __init__(self, query: LogQuery) -> None:
        self._since = format_log_timestamp(query.since).encode() if query.since >= 0 else b""
        self._timestamps = query.timestamps
        self._left = query.limit_bytes if query.limit_bytes >= 0 else -1
        self._within = False

    @property
    def is_full(self) -> bool:
        return self._left == 0

    def selects(self, line: bytes) -> bool:
        return bool(line) and (not self._since or line.split(b" ", 1)[0] >= self._since)

    def render(self, raw: bytes) -> bytes:
        line = parse_line(raw)
        head = line.stamp + b" " if self._timestamps and not self._within else b""
        self._within = not line.whole
        text = head + line.text + (b"\n" if line.whole else b"")
        if self._left >= 0:
            text = text[: self._left]
            self._left -= len(text)
        return text


async def read_log(log: LogFile, query: LogQuery) -> AsyncGenerator[bytes, None]:
    """Yield the log's text in chunks; with ``follow`` until the container has ended."""
    render = _Renderer(query)
    generation = log.generation
    offset, lines = _stored(log.path, render)
    kept = deque(lines, query.tail_lines) if query.tail_lines >= 0 else deque(lines)
    while True:
        for chunk in _chunks(kept, render):
            yield chunk
        if render.is_full or (log.ended and not kept) or not query.follow:
            return
        if not kept:
            await log.wait_changed()
        kept = deque()
        if log.generation != generation:
            old = log.path.with_suffix(".log.1") if log.generation == generation + 1 else None
            rest = _read_lines(old, offset)[1] if old is not None else []
            kept.extend(line for line in rest if render.selects(line))
            generation, offset = log.generation, 0
        offset, fresh = _read_lines(log.path, offset)
        kept.extend(line for line in fresh if render.selects(line))


def _chunks(lines: deque[bytes], render: _Renderer) -> Iterator[bytes]:
    pending = bytearray()
    for line in lines:
        pending += render.render(line)
        if render.is_full:
            break
        if len(pending) >= CHUNK_BYTES:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)


def _stored(path: Path, render: _Renderer) -> tuple[int, list[bytes]]:
    older = path.with_suffix(".log.1")
    lines = _read_lines(older, 0)[1] if older.exists() else []
    offset, newer = _read_lines(path, 0)
    return offset, [line for line in (*lines, *newer) if render.selects(line)]


def _read_lines(path: Path, offset: int) -> tuple[int, list[bytes]]:
    """Whole lines from ``offset`` on and the offset after them."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    end = data.rfind(b"\n") + 1
    return offset + end, data[:end].split(b"\n")[:-1]

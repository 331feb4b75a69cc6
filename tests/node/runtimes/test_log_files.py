from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.runtimes import LogQuery
from kube_actors.node.runtimes.process import log_files
from kube_actors.node.runtimes.process.log_files import LogFile, parse_line, read_log

NOW = 1_800_000_000.5


async def text(log: LogFile, **query: object) -> bytes:
    asked = LogQuery(**query)  # type: ignore[arg-type]
    return b"".join([chunk async for chunk in read_log(log, asked)])


def test_a_stored_line_has_time_stream_and_tag(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "0.log", lambda: NOW)
    log.write("stderr", b"hello\nwor")
    log.write("stderr", b"ld")
    assert log.path.read_bytes() == b"2027-01-15T08:00:00.500000000Z stderr F hello\n"
    log.end()
    last = log.path.read_bytes().splitlines()[-1]
    assert parse_line(last).text == b"world"
    assert not parse_line(last).whole


@pytest.mark.anyio
async def test_a_long_line_is_stored_in_parts_and_read_whole(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "0.log", lambda: NOW)
    long = b"x" * 50_000
    log.write("stdout", long + b"\nnext\n")
    assert log.path.read_bytes().count(b" P ") == 3
    assert await text(log) == long + b"\nnext\n"
    assert (await text(log, timestamps=True)).count(b"2027-01-15") == 2


@pytest.mark.anyio
async def test_a_follower_sees_what_comes_until_the_end(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "0.log", lambda: NOW)
    log.write("stdout", b"one\n")
    seen: list[bytes] = []

    async def follow() -> None:
        async for chunk in read_log(log, LogQuery(follow=True)):
            seen.append(chunk)  # noqa: PERF401

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await anyio.sleep(1)
        log.write("stdout", b"two\n")
        await anyio.sleep(1)
        assert seen == [b"one\n", b"two\n"]
        log.write("stdout", b"three")
        log.end()
    assert b"".join(seen) == b"one\ntwo\nthree"


@pytest.mark.anyio
async def test_a_full_file_is_rotated_and_followers_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_files, "FILE_BYTES_MAX", 500)
    log = LogFile(tmp_path / "0.log", lambda: NOW)
    seen: list[bytes] = []

    async def follow() -> None:
        async for chunk in read_log(log, LogQuery(follow=True)):
            seen.append(chunk)  # noqa: PERF401

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        for number in range(60):
            log.write("stdout", b"line %d\n" % number)
            await anyio.sleep(0.1)
        log.end()
    assert b"".join(seen) == b"".join(b"line %d\n" % n for n in range(60))
    assert log.generation > 1
    assert len((await text(log)).splitlines()) < 30


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_whatever_is_written_is_read_back(chunks: list[bytes]) -> None:
    async def round_trip() -> bytes:
        async with anyio.TemporaryDirectory() as place:
            log = LogFile(Path(place) / "0.log", lambda: NOW)
            for chunk in chunks:
                log.write("stdout", chunk)
            log.end()
            return await text(log)

    assert anyio.run(round_trip) == b"".join(chunks)

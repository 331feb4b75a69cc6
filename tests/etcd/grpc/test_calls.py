"""Calls over connections in memory: answers, streams, windows, cancelling, deadlines."""

import anyio
import pytest

from kube_actors.etcd.grpc import Channel, Code, Endpoint, GrpcError
from tests.etcd.grpc.echo import Echo
from tests.etcd.wires import HERE, PipeEnd, wired

pytestmark = pytest.mark.anyio


async def test_a_unary_call_is_answered() -> None:
    async with wired(Echo().server()) as wires:
        assert await wires.channel().unary("/t.Echo/Say", b"hello", 5) == b"hello"
        assert await wires.channel().unary("/t.Echo/Say", b"", 5) == b""


@pytest.mark.parametrize("size", [70_000, 1_500_000])
async def test_answers_larger_than_any_window_and_frame_arrive_whole(size: int) -> None:
    async with wired(Echo().server()) as wires:
        channel = wires.channel()
        found = await channel.unary("/t.Echo/Say", b"%d" % size, 5)
        assert found == b"x" * size
        assert await channel.unary("/t.Echo/Say", b"y" * size, 5) == b"y" * size


async def test_many_calls_share_one_connection() -> None:
    async with wired(Echo().server()) as wires:
        channel, found = wires.channel(), []

        async def ask(number: int) -> None:
            found.append(await channel.unary("/t.Echo/Say", b"n%d" % number, 5))

        async with anyio.create_task_group() as tasks:
            for number in range(1200):
                tasks.start_soon(ask, number)
        assert sorted(found) == sorted(b"n%d" % number for number in range(1200))
        assert len(wires.ends) == 1


@pytest.mark.parametrize(
    ("path", "request_", "code", "text"),
    [
        ("/t.Echo/Say", b"no", Code.FAILED_PRECONDITION, "not today: 100 %\nat all"),
        ("/t.Echo/Say", b"bug", Code.UNKNOWN, "ZeroDivisionError: a bug"),
        ("/t.Echo/Say", b"unreadable", Code.INTERNAL, "grpc: failed to unmarshal: unreadable"),
        ("/t.Echo/None", b"", Code.UNIMPLEMENTED, "unknown method /t.Echo/None"),
    ],
)
async def test_a_failure_has_its_code_and_text(
    path: str, request_: bytes, code: Code, text: str
) -> None:
    async with wired(Echo().server()) as wires:
        channel = wires.channel()
        with pytest.raises(GrpcError) as failed:
            await channel.unary(path, request_, 5)
        assert (failed.value.code, failed.value.text) == (code, text)
        assert await channel.unary("/t.Echo/Say", b"still here", 5) == b"still here"


async def test_a_request_that_is_too_large_is_refused_and_the_connection_lives() -> None:
    async with wired(Echo().server()) as wires:
        channel = wires.channel()
        with pytest.raises(GrpcError) as failed:
            await channel.unary("/t.Echo/Say", b"x" * (3 << 20), 5)
        assert failed.value.code is Code.RESOURCE_EXHAUSTED
        assert await channel.unary("/t.Echo/Say", b"small", 5) == b"small"
        assert len(wires.ends) == 1


async def test_streams_go_both_ways_at_once() -> None:
    async with wired(Echo().server()) as wires, wires.channel().stream("/t.Echo/Each") as call:
        for number in range(100):
            await call.send(b"%d" % number)
            assert await call.receive() == b"%d" % number
        call.end_sending()
        assert await call.receive() is None


async def test_a_deadline_ends_the_call_on_both_sides() -> None:
    echo = Echo()
    async with wired(echo.server()) as wires:
        began_s = anyio.current_time()
        with pytest.raises(GrpcError) as failed:
            await wires.channel().unary("/t.Echo/Hang", b"late", 2)
        assert failed.value.code is Code.DEADLINE_EXCEEDED
        assert 2 <= anyio.current_time() - began_s < 2.1
        await anyio.sleep(0.1)
        assert echo.cancelled == ["late"]


async def test_cancelling_a_call_cancels_its_handler_and_nothing_else() -> None:
    echo = Echo()
    async with wired(echo.server()) as wires:
        channel = wires.channel()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(channel.unary, "/t.Echo/Hang", b"one", 50)
            await anyio.sleep(1)
            with anyio.move_on_after(1):
                await channel.unary("/t.Echo/Hang", b"two", 50)
            await anyio.sleep(0.1)
            assert echo.cancelled == ["two"]
            assert await channel.unary("/t.Echo/Say", b"alive", 5) == b"alive"
            tasks.cancel_scope.cancel()


async def test_a_reader_that_stops_stops_only_its_own_sender() -> None:
    echo = Echo()
    async with wired(echo.server()) as wires:
        channel = wires.channel()
        async with channel.stream("/t.Echo/Flood") as call:
            await call.send(b"x" * 10_000)
            await anyio.sleep(1)
            sent = echo.waiting
            await anyio.sleep(10)
            assert echo.waiting == sent, "the sender went on without limit"
            assert sent * 10_000 < 4 << 20
            assert await channel.unary("/t.Echo/Say", b"others go on", 5) == b"others go on"
            for _ in range(sent + 100):
                assert await call.receive() == b"x" * 10_000
        await anyio.sleep(1)
        stopped = echo.waiting
        await anyio.sleep(1)
        assert echo.waiting == stopped, "the handler outlived its call"


async def test_a_closed_connection_fails_its_calls_and_the_next_call_dials_again() -> None:
    async with wired(Echo().server()) as wires:
        channel = wires.channel()
        async with anyio.create_task_group() as tasks:

            async def cut() -> None:
                await anyio.sleep(1)
                await wires.ends[0].aclose()

            tasks.start_soon(cut)
            with pytest.raises(GrpcError) as failed:
                await channel.unary("/t.Echo/Hang", b"", 50)
        assert failed.value.code is Code.UNAVAILABLE
        assert failed.value.received, "what was sent may have been acted upon"
        assert await channel.unary("/t.Echo/Say", b"again", 5) == b"again"
        assert len(wires.ends) == 2


async def test_a_silent_connection_is_given_up_by_a_ping() -> None:
    async with wired(Echo().server()) as wires, wires.channel().stream("/t.Echo/Each") as call:
        await call.send(b"hello")
        assert await call.receive() == b"hello"
        _go_silent(wires.ends[0])
        began_s = anyio.current_time()
        with pytest.raises(GrpcError) as failed:
            await call.receive()
        assert failed.value.code is Code.UNAVAILABLE
        assert anyio.current_time() - began_s < 30


async def test_a_client_that_fell_silent_is_given_up_by_the_server() -> None:
    echo = Echo()
    async with wired(echo.server()) as wires, anyio.create_task_group() as tasks:
        tasks.start_soon(_expect_unavailable, wires.channel())
        await anyio.sleep(1)
        assert echo.waiting == 1
        _go_silent(wires.ends[0])
        await anyio.sleep(200)
        assert echo.waiting == 0


async def test_readers_that_leave_early_give_their_windows_back() -> None:
    async with wired(Echo().server()) as wires:
        channel = wires.channel()
        for _ in range(40):
            async with channel.stream("/t.Echo/Flood") as call:
                await call.send(b"x" * 50_000)
                await anyio.sleep(1)
        with anyio.fail_after(5):
            found = await channel.unary("/t.Echo/Say", b"100000", 4)
        assert len(found) == 100_000
        assert len(wires.ends) == 1


async def test_a_stream_that_the_server_ends_is_over_on_both_sides() -> None:
    """Halves that stay open are counted: after a thousand of them a channel would wait for ever."""
    async with wired(Echo().server()) as wires:
        channel = wires.channel()
        async with channel.stream("/t.Echo/Each") as call:
            await call.send(b"unreadable")
            with pytest.raises(GrpcError):
                await call.receive()
        assert await channel.unary("/t.Echo/Say", b"alive", 5) == b"alive"
        connection = channel._connection
        assert connection is not None
        assert connection.link._h2.open_outbound_streams == 0


async def test_an_idle_stream_stays_open_as_pings_are_answered() -> None:
    async with wired(Echo().server()) as wires, wires.channel().stream("/t.Echo/Each") as call:
        await call.send(b"hello")
        assert await call.receive() == b"hello"
        await anyio.sleep(3600)
        await call.send(b"an hour later")
        assert await call.receive() == b"an hour later"


async def test_the_next_endpoint_is_dialled_when_one_refuses() -> None:
    async with wired(Echo().server()) as wires:
        dialled: list[str] = []

        async def dial(endpoint: Endpoint) -> anyio.abc.ByteStream:
            dialled.append(endpoint.host)
            if endpoint.host == "dead":
                raise ConnectionRefusedError("nobody there")
            return await wires.dial(endpoint)

        channel = Channel((Endpoint("dead", 1), HERE), wires.tasks.start_soon, dial=dial)
        assert await channel.unary("/t.Echo/Say", b"hello", 5) == b"hello"
        assert dialled == ["dead", "memory"]


async def test_a_call_that_reaches_nobody_says_that_it_was_not_received() -> None:
    async with anyio.create_task_group() as tasks:

        async def dial(endpoint: Endpoint) -> anyio.abc.ByteStream:
            raise ConnectionRefusedError("nobody there")

        with pytest.raises(GrpcError, match="nobody there") as failed:
            await Channel((HERE,), tasks.start_soon, dial=dial).unary("/t.Echo/Say", b"", 5)
        assert not failed.value.received


async def test_a_server_that_ends_says_goodbye() -> None:
    async with anyio.create_task_group() as tasks:
        ends: list[PipeEnd] = []
        async with wired(Echo().server()) as wires:
            ends = wires.ends
            channel = Channel((HERE,), tasks.start_soon, dial=wires.dial)
            tasks.start_soon(_expect_unavailable, channel)
            await anyio.sleep(1)
        assert len(ends) == 1


async def _expect_unavailable(channel: Channel) -> None:
    with pytest.raises(GrpcError) as failed:
        await channel.unary("/t.Echo/Hang", b"", 50)
    assert failed.value.code is Code.UNAVAILABLE


def _go_silent(end: PipeEnd) -> None:
    end.cut = True
    end.other.cut = True

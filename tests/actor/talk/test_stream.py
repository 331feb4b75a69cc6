import anyio
import pytest

from kube_actors.actor import Actor, ActorCrashed, Child, Delivery, Restart, StreamWriter
from tests.actor.talk.worlds import Item, Items, No, world

pytestmark = pytest.mark.anyio


class Source:
    """An actor that opens every stream and lets the test write into it."""

    def __init__(self) -> None:
        self.writers: list[StreamWriter] = []
        self.deliveries: list[Delivery] = []

    async def run(self, actor: Actor) -> None:
        while True:
            delivery = await actor.receive()
            self.deliveries.append(delivery)
            self.writers.append(delivery.open())


async def test_a_writer_is_never_further_ahead_than_the_credit() -> None:
    source = Source()
    async with (
        world(Child("a", source.run)) as (_, actor),
        actor.stream("a", Items(), credit=4) as items,
    ):
        await anyio.wait_all_tasks_blocked()
        [writer] = source.writers
        for number in range(4):
            writer.send_nowait(Item(number))
        with pytest.raises(anyio.WouldBlock):
            writer.send_nowait(Item(4))
        assert writer.credit == 0
        assert (await anext(items)).number == 0
        assert writer.credit == 0
        assert (await anext(items)).number == 1
        assert writer.credit == 2


async def test_a_slow_reader_slows_only_its_own_stream() -> None:
    sent = {"slow": 0, "fast": 0}

    async def run_source(actor: Actor) -> None:
        async def feed(delivery: Delivery, name: str) -> None:
            writer = delivery.open()
            for number in range(1000):
                await writer.send(Item(number))
                sent[name] += 1
            writer.close()

        for name in ("slow", "fast"):
            actor.spawn(feed, await actor.receive(), name)
        await anyio.sleep_forever()

    async with (
        world(Child("a", run_source)) as (_, actor),
        actor.stream("a", Items(), credit=8) as slow,
        actor.stream("a", Items(), credit=8) as fast,
    ):
        assert [item.number async for item in fast] == list(range(1000))
        assert sent == {"slow": 8, "fast": 1000}
        assert (await anext(slow)).number == 0


async def test_an_end_comes_after_the_items_and_an_error_too() -> None:
    source = Source()
    async with world(Child("a", source.run)) as (_, actor):
        async with actor.stream("a", Items()) as items:
            await anyio.wait_all_tasks_blocked()
            source.writers[0].send_nowait(Item(1))
            source.writers[0].close()
            source.writers[0].close(No("too late"))
            assert [item.number async for item in items] == [1]
            with pytest.raises(StopAsyncIteration):
                await anext(items)
        async with actor.stream("a", Items()) as items:
            await anyio.wait_all_tasks_blocked()
            source.writers[1].send_nowait(Item(2))
            source.writers[1].close(No("enough"))
            assert (await anext(items)).number == 2
            for _ in range(2):
                with pytest.raises(No, match="enough"):
                    await anext(items)


async def test_leaving_a_stream_is_seen_by_a_writer_that_waits_for_credit() -> None:
    gone: list[bool] = []

    async def run_source(actor: Actor) -> None:
        delivery = await actor.receive()
        writer = delivery.open()
        await writer.send(Item(0))
        await writer.send(Item(1))
        with pytest.raises(anyio.BrokenResourceError):
            await writer.send(Item(2))
        gone.append(delivery.cancelled)
        with pytest.raises(anyio.BrokenResourceError):
            writer.send_nowait(Item(0))
        writer.close()
        await delivery.wait_cancelled()
        await anyio.sleep_forever()

    async with world(Child("a", run_source)) as (supervisor, actor):
        async with actor.stream("a", Items(), credit=2):
            await anyio.wait_all_tasks_blocked()
        await anyio.wait_all_tasks_blocked()
        assert gone == [True]
        assert supervisor.statistics().children[0].open_requests == 0


async def test_a_crash_of_the_source_breaks_the_stream_at_once() -> None:
    async def run_crashing(actor: Actor) -> None:
        writer = (await actor.receive()).open()
        await writer.send(Item(1))
        await anyio.sleep(1)
        raise RuntimeError("on purpose")

    async with world(Child("a", run_crashing, Restart.TEMPORARY)) as (_, actor):
        began = anyio.current_time()
        async with actor.stream("a", Items()) as items:
            assert (await anext(items)).number == 1
            with pytest.raises(ActorCrashed, match="a"):
                await anext(items)
        assert anyio.current_time() - began == pytest.approx(1)


async def test_a_crash_of_the_reader_is_seen_by_the_source() -> None:
    source = Source()

    async def run_reader(actor: Actor) -> None:
        async with actor.stream("a", Items()) as items:
            async for _ in items:
                raise RuntimeError("on purpose")

    reader = Child("b", run_reader, Restart.TEMPORARY)
    async with world(Child("a", source.run), reader):
        await anyio.wait_all_tasks_blocked()
        source.writers[0].send_nowait(Item(1))
        await anyio.wait_all_tasks_blocked()
        assert source.deliveries[0].cancelled


async def test_a_killed_reader_is_gone_for_the_source_at_once() -> None:
    source = Source()

    async def run_reader(actor: Actor) -> None:
        async with actor.stream("a", Items()) as items:
            await anext(items)

    async with world(Child("a", source.run), Child("b", run_reader)) as (supervisor, _):
        await anyio.wait_all_tasks_blocked()
        supervisor.kill("b")
        assert source.deliveries[0].cancelled


async def test_a_stream_nobody_accepts_ends_with_its_reader() -> None:
    kept: list[Delivery] = []

    async def run_keeper(actor: Actor) -> None:
        while True:
            kept.append(await actor.receive())

    async with world(Child("a", run_keeper)) as (supervisor, actor):
        with anyio.move_on_after(5):
            async with actor.stream("a", Items()) as items:
                await anext(items)
        assert kept[0].cancelled
        with pytest.raises(anyio.BrokenResourceError):
            await kept[0].open().send(Item(1))
        assert supervisor.statistics().children[0].open_requests == 0


async def test_credit_must_be_positive() -> None:
    async with world() as (_, actor):
        with pytest.raises(ValueError, match="credit"):
            actor.stream("a", Items(), credit=0)


async def test_a_quiet_stream_on_a_sound_network_lives_for_ever() -> None:
    source = Source()
    async with (
        world(Child("a", source.run)) as (_, actor),
        actor.stream("a", Items()) as items,
    ):
        await anyio.sleep(80_000)
        source.writers[0].send_nowait(Item(1))
        assert (await anext(items)).number == 1

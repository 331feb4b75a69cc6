from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorSystem,
    Child,
    DeadlineExceeded,
    MemoryNetwork,
    Supervisor,
    message,
)
from tests.actor.talk.worlds import Item, Items, run_echo

pytestmark = pytest.mark.anyio


@message("network.ask")
class Ask:
    number: int = 0


class World:
    def __init__(
        self, system: ActorSystem, network: MemoryNetwork, supervisor: Supervisor, actor: Actor
    ) -> None:
        self.system = system
        self.network = network
        self.supervisor = supervisor
        self.actor = actor

    async def answers(self, to: str) -> bool:
        try:
            await self.actor.call(to, Ask(), timeout_s=1)
        except DeadlineExceeded:
            return False
        return True


@asynccontextmanager
async def world(seed: int = 0) -> AsyncIterator[World]:
    network = MemoryNetwork(seed)
    async with (
        ActorSystem(network) as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        for address in ("store/1", "store/10", "store/2"):
            supervisor.start(Child(address, run_echo))
        yield World(system, network, supervisor, actor)


async def test_a_partition_is_silence_until_it_is_repaired() -> None:
    async with world() as one:
        one.network.partition("client", "store/1")
        assert not await one.answers("store/1")
        assert await one.answers("store/10")
        one.network.repair("client", "store/1")
        assert await one.answers("store/1")
        assert one.network.statistics().cut > 0


async def test_a_partition_in_one_direction_lets_the_other_through() -> None:
    received: list[int] = []

    async def run_counting(actor: Actor) -> None:
        while True:
            delivery = await actor.receive()
            received.append(delivery.message.number)
            delivery.reply(Ask())

    async with world() as one:
        one.supervisor.start(Child("counter", run_counting))
        one.network.partition("counter", "client/1", both=False)
        assert not await one.answers("counter")
        assert received == [0]
        one.network.heal()
        one.network.partition("client/1", "counter", both=False)
        assert not await one.answers("counter")
        assert received == [0]


async def test_the_latest_rule_for_a_link_decides() -> None:
    async with world() as one:
        one.network.partition("client/1", ["store/1", "store/2"])
        one.network.repair("client/1", "store/2")
        assert not await one.answers("store/1")
        assert await one.answers("store/2")
        one.network.partition("client/1", "store")
        assert not await one.answers("store/2")


async def test_an_isolated_group_still_talks_inside() -> None:
    async with world() as one:
        one.network.isolate(["client/1", "store/2"])
        assert await one.answers("store/2")
        assert not await one.answers("store/1")
        one.network.isolate(["store/10"])
        assert not await one.answers("store/10")
        one.network.heal()
        for address in ("store/1", "store/2", "store/10"):
            assert await one.answers(address)


async def test_what_is_held_arrives_in_order_when_released() -> None:
    async with world() as one, one.system.client("client/2") as other:
        one.network.hold("client/1", "client/2")
        for number in range(3):
            one.actor.tell("client/2", Ask(number))
        with pytest.raises(anyio.WouldBlock):
            other.receive_nowait()
        one.network.release("client/1", "client/2")
        assert [other.receive_nowait().message.number for _ in range(3)] == [0, 1, 2]


async def test_delays_keep_the_order_and_take_their_time() -> None:
    async with world() as one, one.system.client("client/2") as other:
        one.network.set_fault("client/1", "client/2", delay_s=(0.1, 0.9))
        began = anyio.current_time()
        for number in range(50):
            one.actor.tell("client/2", Ask(number))
        numbers = [(await other.receive()).message.number for _ in range(50)]
        assert numbers == list(range(50))
        assert 0.1 <= anyio.current_time() - began <= 0.9


async def test_what_is_under_way_is_not_overtaken_when_the_network_heals() -> None:
    async with world() as one, one.system.client("client/2") as other:
        one.network.set_fault("client/1", "client/2", delay_s=1)
        one.actor.tell("client/2", Ask(1))
        one.network.heal()
        one.actor.tell("client/2", Ask(2))
        assert [(await other.receive()).message.number for _ in range(2)] == [1, 2]


async def test_what_is_under_way_is_lost_when_its_link_is_cut() -> None:
    async with world() as one, one.system.client("client/2") as other:
        one.network.set_fault("client/1", "client/2", delay_s=1)
        one.actor.tell("client/2", Ask(1))
        one.network.partition("client/1", "client/2")
        await anyio.sleep(2)
        one.network.heal()
        with pytest.raises(anyio.WouldBlock):
            other.receive_nowait()


async def faulty_run(seed: int, **faults: float) -> list[int]:
    async with world(seed) as one, one.system.client("client/2") as other:
        one.network.set_fault("client/1", "client/2", **faults)
        for number in range(200):
            one.actor.tell("client/2", Ask(number))
        await anyio.sleep(10)
        arrived: list[int] = []
        while True:
            try:
                arrived.append(other.receive_nowait().message.number)
            except anyio.WouldBlock:
                return arrived


async def test_faults_do_what_they_say() -> None:
    everything = list(range(200))
    dropped = await faulty_run(1, drop=0.3)
    assert 100 < len(dropped) < 180
    assert dropped == sorted(dropped)
    repeated = await faulty_run(1, duplicate=0.3)
    assert sorted(set(repeated)) == everything
    assert 220 < len(repeated) < 300
    swapped = await faulty_run(1, reorder=0.3)
    assert sorted(swapped) == everything
    assert swapped != everything
    assert 100 < len(await faulty_run(1, corrupt=0.3)) < 180
    assert await faulty_run(1, drop=1.0) == []


async def test_a_repeated_call_is_received_once() -> None:
    received: list[int] = []

    async def run_counting(actor: Actor) -> None:
        while True:
            delivery = await actor.receive()
            received.append(delivery.message.number)
            await anyio.sleep(1)
            delivery.reply(delivery.message)

    async with world() as one:
        one.supervisor.start(Child("counter", run_counting))
        one.network.set_fault("client/1", "counter", duplicate=1.0)
        assert await one.actor.call("counter", Ask(3)) == Ask(3)
        await anyio.sleep(5)
    assert received == [3]


async def test_a_call_repeated_after_its_answer_is_not_received_again() -> None:
    received: list[int] = []

    async def run_counting(actor: Actor) -> None:
        while True:
            delivery = await actor.receive()
            received.append(delivery.message.number)
            delivery.reply(delivery.message)

    async with world() as one:
        one.supervisor.start(Child("counter", run_counting))
        one.network.set_fault("client/1", "counter", duplicate=1.0, reorder=0.5)
        for number in range(50):
            assert await one.actor.call("counter", Ask(number)) == Ask(number)
        await anyio.sleep(5)
    assert received == list(range(50))


async def test_the_seed_decides_the_faults() -> None:
    faults = {"drop": 0.2, "duplicate": 0.2, "reorder": 0.2, "delay_s": 0.1}
    assert await faulty_run(7, **faults) == await faulty_run(7, **faults)
    assert await faulty_run(7, **faults) != await faulty_run(8, **faults)


async def test_impossible_faults_are_refused() -> None:
    network = MemoryNetwork()
    with pytest.raises(ValueError, match="probability"):
        network.set_fault("a", "b", drop=1.5)
    with pytest.raises(ValueError, match="least to most"):
        network.set_fault("a", "b", delay_s=(2.0, 1.0))


async def run_numbers(actor: Actor) -> None:
    """Feed every stream with numbers, ten a second."""

    async def feed(writer_of: object, count: int) -> None:
        writer = writer_of.open()  # type: ignore[attr-defined]
        try:
            for number in range(count):
                await writer.send(Item(number))
                await anyio.sleep(0.1)
            writer.close()
        except anyio.BrokenResourceError:
            pass

    while True:
        delivery = await actor.receive()
        actor.spawn(feed, delivery, delivery.message.count)


@pytest.mark.parametrize("seed", range(5))
async def test_a_stream_over_a_faulty_link_is_exact_or_breaks(seed: int) -> None:
    async with world(seed) as one:
        one.supervisor.start(Child("numbers", run_numbers))
        one.network.set_fault("numbers", duplicate=0.2, reorder=0.2, delay_s=(0.0, 0.3))
        async with one.actor.stream("numbers", Items(100), credit=8) as items:
            assert [item.number async for item in items] == list(range(100))
        one.network.set_fault("numbers", drop=0.05, reorder=0.1)
        read: list[int] = []
        with pytest.raises(ActorCrashed):
            await read_into(read, one.actor)
        assert read == list(range(len(read)))


async def read_into(read: list[int], actor: Actor) -> None:
    async with actor.stream("numbers", Items(1000), credit=8) as items:
        while True:
            read.append((await anext(items)).number)


async def read_all(items: AsyncIterator[Item]) -> list[Item]:
    return [item async for item in items]


async def test_a_stream_across_a_partition_breaks_on_both_sides() -> None:
    async with world() as one:
        one.supervisor.start(Child("numbers", run_numbers))
        read: list[int] = []
        async with anyio.create_task_group() as tasks:

            async def cut_soon() -> None:
                await anyio.sleep(1)
                one.network.partition("numbers", "client/1")

            tasks.start_soon(cut_soon)
            began = anyio.current_time()
            with pytest.raises(ActorCrashed, match="numbers"):
                await read_into(read, one.actor)
            assert 10 <= anyio.current_time() - began <= 30
        assert read == list(range(len(read)))
        await anyio.sleep(30)
        children = one.supervisor.statistics().children
        assert all(child.open_requests == 0 for child in children)


async def test_a_stream_survives_a_short_partition_or_breaks_but_never_skips() -> None:
    async with world() as one:
        one.supervisor.start(Child("numbers", run_numbers))
        read: list[int] = []
        async with anyio.create_task_group() as tasks:

            async def cut_for_a_while() -> None:
                await anyio.sleep(1)
                one.network.partition("numbers", "client/1")
                await anyio.sleep(1)
                one.network.heal()

            tasks.start_soon(cut_for_a_while)
            with pytest.raises(ActorCrashed):
                await read_into(read, one.actor)
        assert read == list(range(len(read)))
        assert len(read) < 20


async def test_quiet_streams_on_a_lossy_network_stay_open() -> None:
    async with world() as one:
        one.supervisor.start(Child("numbers", run_numbers))
        async with one.actor.stream("numbers", Items(1)) as items:
            assert (await anext(items)).number == 0
        one.network.set_fault("store/1", "store/2", drop=0.1)

        async def run_quiet(actor: Actor) -> None:
            writer = (await actor.receive()).open()
            await anyio.sleep(1000)
            await writer.send(Item(5))
            await anyio.sleep_forever()

        one.supervisor.start(Child("quiet", run_quiet))
        async with one.actor.stream("quiet", Items(1)) as items:
            assert (await anext(items)).number == 5


async def test_a_reader_of_a_restarted_source_learns_it_although_nobody_told_it() -> None:
    async with world() as one:
        one.supervisor.start(Child("numbers", run_numbers))
        async with one.actor.stream("numbers", Items(1000)) as items:
            assert (await anext(items)).number == 0
            one.network.partition("numbers", "client/1")
            one.supervisor.crash("numbers")
            await anyio.sleep(1)
            one.network.heal()
            healed_s = anyio.current_time()
            with pytest.raises(ActorCrashed):
                await read_all(items)
            assert anyio.current_time() - healed_s < 15

"""A system is a world of its own: its clock, its seed, its addresses."""

import anyio
import pytest

from kube_actors.actor import Actor, ActorSystem, Child, Supervisor, Unreachable, message
from tests.actor.talk.worlds import Ask, run_echo, world


@message("test.ping")
class Ping:
    number: int


@message("test.count")
class Count:
    upto: int


async def echo(actor: Actor) -> None:
    while True:
        delivery = await actor.receive()
        if isinstance(delivery.message, Count):
            writer = delivery.open()
            for number in range(delivery.message.upto):
                await writer.send(Ping(number))
            writer.close()
        else:
            delivery.reply(delivery.message)


@pytest.mark.anyio
async def test_a_call_is_answered_and_a_stream_is_read_to_its_end() -> None:
    async with ActorSystem() as system, Supervisor(system, name="root") as supervisor:
        supervisor.start(Child("echo/1", echo))
        async with system.client("client/1") as actor:
            assert await actor.call("echo/1", Ping(7)) == Ping(7)
            async with actor.stream("echo/1", Count(200), credit=4) as items:
                assert [item.number async for item in items] == list(range(200))
            with pytest.raises(Unreachable):
                await actor.call("nobody", Ping(1))


@pytest.mark.anyio
async def test_an_hour_passes_in_no_time() -> None:
    began = anyio.current_time()
    await anyio.sleep(3600)
    assert anyio.current_time() - began == pytest.approx(3600)


@pytest.mark.anyio
async def test_systems_in_one_process_share_nothing() -> None:
    async with world(Child("a", run_echo)) as (_, first), world() as (_, second):
        assert await first.call("a", Ask(1)) == Ask(1)
        with pytest.raises(Unreachable):
            await second.call("a", Ask(1))


@pytest.mark.anyio
async def test_uids_come_from_the_seed_and_never_repeat_after_a_restart() -> None:
    async def uids(seed: int) -> list[str]:
        made: list[str] = []
        async with ActorSystem(seed=seed) as system:
            for _ in range(2):
                async with system.client("client/1") as actor:
                    made += [actor.uid(), actor.uid()]
        return made

    first = await uids(1)
    assert len(set(first)) == 4
    assert first == await uids(1)
    assert set(first).isdisjoint(await uids(2))
    assert all(uid[14] == "4" and len(uid) == 36 for uid in first)


@pytest.mark.anyio
async def test_the_clock_of_a_system_follows_virtual_time() -> None:
    async with world() as (_, actor):
        assert actor.clock.timestamp() == "2026-01-01T00:00:00Z"
        await anyio.sleep(3661.25)
        assert actor.clock.timestamp() == "2026-01-01T01:01:01Z"
        assert actor.clock.micro_timestamp() == "2026-01-01T01:01:01.250000Z"


@pytest.mark.anyio
async def test_a_failure_inside_the_blocks_comes_out_as_itself() -> None:
    with pytest.raises(ZeroDivisionError):
        async with world():
            raise ZeroDivisionError

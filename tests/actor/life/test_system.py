import anyio
import pytest

from kube_actors.actor import Actor, ActorSystem, Child, Supervisor, Unreachable, message


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

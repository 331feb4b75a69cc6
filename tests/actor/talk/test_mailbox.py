"""What arrives waits in order, at most as much as fits, and whoever waits for it is told."""

import anyio
import pytest

from kube_actors.actor import (
    Actor,
    ActorSystem,
    Child,
    Delivery,
    Overflow,
    Overloaded,
    Supervisor,
)
from kube_actors.actor.talk import TELL, Envelope, Frame
from tests.actor.talk.worlds import Ask, keep, world

pytestmark = pytest.mark.anyio


async def test_what_is_told_arrives_in_order_with_its_source() -> None:
    kept: list[Delivery] = []
    async with world(Child("a", keep(kept))) as (_, actor):
        for number in range(100):
            actor.tell("a", Ask(number))
        await anyio.wait_all_tasks_blocked()
    assert [delivery.message.number for delivery in kept] == list(range(100))
    assert {(delivery.source, delivery.expects) for delivery in kept} == {("client/1", "nothing")}


async def test_a_full_mailbox_rejects_calls_and_loses_tells() -> None:
    async with world() as (supervisor, actor):
        supervisor.start(Child("a", lambda _: anyio.sleep_forever(), mailbox_max=2))
        for number in range(3):
            actor.tell("a", Ask(number))
        with pytest.raises(Overloaded, match="a"):
            await actor.call("a", Ask())
        [child] = supervisor.statistics().children
        assert (child.mailbox, child.accepted, child.given_up) == (2, 2, 2)


async def test_a_full_mailbox_that_drops_its_oldest_fails_the_oldest_call() -> None:
    kept: list[Delivery] = []

    async def run_late(actor: Actor) -> None:
        await anyio.sleep(1)
        await keep(kept)(actor)

    child = Child("a", run_late, mailbox_max=1, overflow=Overflow.DROP_OLDEST)
    async with world(child) as (_, actor):
        async with anyio.create_task_group() as tasks:

            async def tell_soon() -> None:
                await anyio.wait_all_tasks_blocked()
                actor.tell("a", Ask(2))

            tasks.start_soon(tell_soon)
            with pytest.raises(Overloaded):
                await actor.call("a", Ask(1))
        await anyio.sleep(2)
    assert [delivery.message for delivery in kept] == [Ask(2)]


async def test_bytes_that_are_no_message_are_skipped_counted_and_refused() -> None:
    kept: list[Delivery] = []
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", keep(kept)))
        nonsense = Envelope(TELL, actor.address, kept_address := actor.address, 0, Frame(b"\xc1"))
        system.network.send(nonsense._replace(target=type(kept_address)("a")))
        system.network.send(
            nonsense._replace(kind=1, target=type(kept_address)("a"), number=7, amount=1)
        )
        actor.tell("a", Ask(1))
        await anyio.wait_all_tasks_blocked()
        assert [delivery.message for delivery in kept] == [Ask(1)]
        assert supervisor.statistics().children[0].malformed == 2


async def test_a_busy_receiver_lets_others_run() -> None:
    async def run_busy(actor: Actor) -> None:
        while True:
            actor.tell(actor.address, Ask())
            await actor.receive()

    async with world(Child("a", run_busy)) as _:
        for _ in range(100):
            await anyio.lowlevel.checkpoint()


async def test_several_tasks_share_one_mailbox_and_a_cancelled_one_loses_nothing() -> None:
    got: list[int] = []
    async with (
        ActorSystem() as system,
        system.client("client/1") as actor,
        system.client("client/2") as receiver,
        anyio.create_task_group() as tasks,
    ):

        async def take() -> None:
            while True:
                got.append((await receiver.receive()).message.number)

        scopes = [anyio.CancelScope() for _ in range(3)]

        async def take_within(scope: anyio.CancelScope) -> None:
            with scope:
                await take()

        for scope in scopes:
            tasks.start_soon(take_within, scope)
        await anyio.wait_all_tasks_blocked()
        actor.tell("client/2", Ask(0))
        scopes[0].cancel()
        await anyio.wait_all_tasks_blocked()
        assert got == [0]
        for number in range(1, 10):
            actor.tell("client/2", Ask(number))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert sorted(got) == list(range(10))

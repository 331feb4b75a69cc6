"""A call ends with its answer, a failure, its deadline or its cancellation, and leaves nothing."""

import math

import anyio
import pytest

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorSystem,
    Child,
    DeadlineExceeded,
    Delivery,
    MalformedMessage,
    Restart,
    Supervisor,
    Unreachable,
)
from tests.actor.talk.worlds import Ask, No, drain, keep, run_echo, run_silent, world

pytestmark = pytest.mark.anyio


async def test_calls_in_parallel_get_their_own_answers() -> None:
    async def run_reversed(actor: Actor) -> None:
        waiting = [await actor.receive() for _ in range(10)]
        for delivery in reversed(waiting):
            delivery.reply(delivery.message)
        await anyio.sleep_forever()

    async with world(Child("a", run_reversed)) as (_, actor):
        answers: list[int] = []

        async def ask(number: int) -> None:
            answer = await actor.call("a", Ask(number))
            assert answer.number == number
            answers.append(number)

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(ask, number)
        assert sorted(answers) == list(range(10))


async def test_a_remote_error_is_raised_at_the_caller() -> None:
    async def run_no(actor: Actor) -> None:
        while True:
            (await actor.receive()).fail(No("because"))

    async with world(Child("a", run_no)) as (_, actor):
        with pytest.raises(No, match="because"):
            await actor.call("a", Ask())
        with pytest.raises(No, match="because"):
            await drain(actor, "a")


async def test_a_call_without_answer_ends_at_its_deadline_exactly() -> None:
    async with world(Child("a", run_silent)) as (_, actor):
        began = anyio.current_time()
        with pytest.raises(DeadlineExceeded, match=r"a did not answer within 2\.5 s"):
            await actor.call("a", Ask(), timeout_s=2.5)
        assert anyio.current_time() - began == pytest.approx(2.5)


async def test_deadlines_that_come_in_any_order_each_pass_in_time() -> None:
    passed: list[float] = []
    async with world(Child("a", run_silent)) as (_, actor):
        began = anyio.current_time()

        async def ask(timeout_s: float) -> None:
            with pytest.raises(DeadlineExceeded):
                await actor.call("a", Ask(), timeout_s=timeout_s)
            passed.append(round(anyio.current_time() - began, 6))

        async with anyio.create_task_group() as tasks:
            for timeout_s in (5.0, 1.0, 3.0, 0.0, 2.0):
                tasks.start_soon(ask, timeout_s)
    assert passed == [0.0, 1.0, 2.0, 3.0, 5.0]


async def test_an_unknown_address_fails_a_call_and_a_stream_at_once() -> None:
    async with world() as (_, actor):
        began = anyio.current_time()
        with pytest.raises(Unreachable, match="nobody"):
            await actor.call("nobody", Ask())
        with pytest.raises(Unreachable, match="nobody"):
            await drain(actor, "nobody")
        actor.tell("nobody", Ask())
        assert anyio.current_time() == began


async def test_a_caller_that_retries_an_unknown_address_for_ever_can_be_cancelled() -> None:
    async with world() as (_, actor):
        with anyio.move_on_after(1) as scope:
            while True:
                with pytest.raises(Unreachable):
                    await actor.call("nobody", Ask())
                await anyio.sleep(0.1)
        assert scope.cancelled_caught


async def test_cancelling_a_call_reaches_the_other_side() -> None:
    seen: list[str] = []

    async def run_patient(actor: Actor) -> None:
        delivery = await actor.receive()
        assert not delivery.cancelled
        await delivery.wait_cancelled()
        seen.append("cancelled")
        delivery.reply(Ask())
        await anyio.sleep_forever()

    async with world(Child("a", run_patient)) as (_, actor):
        with anyio.move_on_after(1):
            await actor.call("a", Ask())
        await anyio.wait_all_tasks_blocked()
        assert seen == ["cancelled"]


async def test_a_call_given_up_while_it_queued_is_not_received() -> None:
    kept: list[int] = []

    async def run_late(actor: Actor) -> None:
        await anyio.sleep(5)
        while True:
            kept.append((await actor.receive()).message.number)

    async with world(Child("a", run_late)) as (_, actor):
        with pytest.raises(DeadlineExceeded):
            await actor.call("a", Ask(1), timeout_s=1)
        actor.tell("a", Ask(2))
        await anyio.sleep(10)
    assert kept == [2]


async def test_two_actors_that_call_each_other_do_not_wait_for_ever() -> None:
    async def run_caller(actor: Actor) -> None:
        async def serve() -> None:
            while True:
                delivery = await actor.receive()
                delivery.reply(Ask(delivery.message.number + 1))

        actor.spawn(serve)
        other = "b" if actor.address == "a" else "a"
        assert await actor.call(other, Ask(1)) == Ask(2)
        await anyio.sleep_forever()

    async with world() as (supervisor, actor):
        supervisor.start(Child("a", run_caller, Restart.TEMPORARY))
        supervisor.start(Child("b", run_caller, Restart.TEMPORARY))
        await anyio.sleep(1)
        assert supervisor.statistics().crashes == 0
        assert await actor.call("a", Ask(4)) == Ask(5)


async def test_a_crash_fails_the_callers_at_once_received_or_not() -> None:
    async def run_crashing(actor: Actor) -> None:
        await actor.receive()
        await anyio.sleep(1)
        raise RuntimeError("on purpose")

    async with world(Child("a", run_crashing, Restart.TEMPORARY)) as (_, actor):
        began = anyio.current_time()
        failed: list[float] = []

        async def ask() -> None:
            with pytest.raises(ActorCrashed, match="a"):
                await actor.call("a", Ask())
            failed.append(anyio.current_time() - began)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
        assert failed == [pytest.approx(1)] * 3
        with pytest.raises(Unreachable):
            await actor.call("a", Ask())


async def test_an_actor_that_returns_fails_its_callers_too() -> None:
    async def run_once(actor: Actor) -> None:
        await actor.receive()

    async with world(Child("a", run_once, Restart.TEMPORARY)) as (_, actor):
        with pytest.raises(ActorCrashed):
            await actor.call("a", Ask())


async def test_a_reply_after_the_deadline_and_a_second_reply_do_nothing() -> None:
    kept: list[Delivery] = []
    async with world(Child("a", keep(kept))) as (_, actor):
        with pytest.raises(DeadlineExceeded):
            await actor.call("a", Ask(1), timeout_s=1)
        kept[0].reply(Ask(1))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(actor.call, "a", Ask(2))
            await anyio.wait_all_tasks_blocked()
            kept[1].reply(Ask(2))
            kept[1].reply(Ask(3))
            kept[1].fail(No("late"))
        actor.tell("a", Ask(3))
        await anyio.wait_all_tasks_blocked()
        kept[2].reply(Ask(3))
        kept[2].fail(No("nobody asked"))
        with pytest.raises(anyio.WouldBlock):
            actor.receive_nowait()


async def test_answering_the_wrong_way_tells_the_caller_and_spares_the_actor() -> None:
    async def run_confused(actor: Actor) -> None:
        while True:
            delivery = await actor.receive()
            if delivery.expects == "stream":
                delivery.reply(Ask())
            else:
                with pytest.raises(anyio.BrokenResourceError):
                    await delivery.open().send(Ask())

    async with world(Child("a", run_confused)) as (supervisor, actor):
        for timeout_s in (30, math.inf):
            with pytest.raises(MalformedMessage, match="streamed, not called"):
                await actor.call("a", Ask(), timeout_s=timeout_s)
        actor.tell("a", Ask())
        with pytest.raises(MalformedMessage, match="called, not streamed"):
            await drain(actor, "a")
        assert supervisor.statistics().crashes == 0


async def test_answered_calls_leave_no_timers_behind() -> None:
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", run_echo))
        for _ in range(2000):
            await actor.call("a", Ask())
        assert len(system.timers) < 600

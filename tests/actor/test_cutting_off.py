"""What a supervisor does when it cuts a child off that is paused, or cannot be cut off."""

import math

import anyio
import pytest

from kube_actors.actor import Actor, ActorCrashed, ActorSystem, Child, Supervisor
from kube_actors.actor.talk import Port
from tests.actor.life.worlds import Ask
from tests.actor.talk.worlds import run_echo

pytestmark = pytest.mark.anyio


async def test_whoever_waits_for_a_paused_actor_learns_at_once_that_it_was_killed() -> None:
    async def run_late(actor: Actor) -> None:
        delivery = await actor.receive()
        await anyio.sleep(1)
        delivery.reply(Ask())

    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", run_late))

        async def ask() -> None:
            with pytest.raises(ActorCrashed):
                await actor.call("a", Ask(), timeout_s=math.inf)

        async def read() -> None:
            with pytest.raises(ActorCrashed):
                async with actor.stream("a", Ask()) as items:
                    await anext(items)

        with anyio.fail_after(3):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                supervisor.pause("a")
                tasks.start_soon(ask)
                tasks.start_soon(read)
                await anyio.sleep(2)  # the first is answered, and its answer held
                supervisor.kill("a")


async def test_a_child_that_cannot_be_cut_off_hangs_neither_its_supervisor_nor_its_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(_: Port) -> None:
        raise RuntimeError("no way to close")

    async def live() -> None:
        async with (
            ActorSystem() as system,
            Supervisor(system, name="root") as supervisor,
        ):
            supervisor.start(Child("a", run_echo))
            supervisor.start(Child("b", run_echo))
            await anyio.wait_all_tasks_blocked()
            monkeypatch.setattr(Port, "close", break_down)

    with anyio.fail_after(5), pytest.raises((RuntimeError, ExceptionGroup)):
        await live()

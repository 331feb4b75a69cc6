"""Kill, revive, crash, pause, resume and stop: what each does to one child and to its callers."""

import anyio
import pytest

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorSystem,
    Child,
    DeadlineExceeded,
    State,
    Supervisor,
    Unreachable,
)
from tests.actor.life.worlds import Ask, Lives, state
from tests.actor.talk.worlds import run_echo

pytestmark = pytest.mark.anyio


async def test_a_killed_actor_is_gone_at_once_and_stays_down_until_revived() -> None:
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", run_echo))
        supervisor.kill("a")
        with pytest.raises(Unreachable):
            await actor.call("a", Ask())
        await anyio.sleep(100)
        assert state(supervisor, "a") is State.KILLED
        supervisor.revive("a")
        supervisor.revive("a")
        assert await actor.call("a", Ask(3)) == Ask(3)
        supervisor.kill("a")
        supervisor.revive("a")
        await anyio.sleep(1)
        assert await actor.call("a", Ask(4)) == Ask(4)
        assert supervisor.statistics().restarts == 0


async def test_a_killed_actor_says_nothing_while_it_dies() -> None:
    async def run_dying(actor: Actor) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            actor.tell("client/1", Ask(9))

    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", run_dying))
        await anyio.wait_all_tasks_blocked()
        supervisor.kill("a")
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(anyio.WouldBlock):
            actor.receive_nowait()


async def test_an_injected_crash_fails_callers_and_restarts_by_policy() -> None:
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):

        async def run_silent(actor: Actor) -> None:
            await anyio.sleep_forever()

        supervisor.start(Child("a", run_silent))
        async with anyio.create_task_group() as tasks:

            async def crash_soon() -> None:
                await anyio.wait_all_tasks_blocked()
                supervisor.crash("a")
                supervisor.crash("a")

            tasks.start_soon(crash_soon)
            with pytest.raises(ActorCrashed):
                await actor.call("a", Ask())
        await anyio.sleep(1)
        [child] = supervisor.statistics().children
        assert (child.state, child.crashes, child.restarts) == (State.RUNNING, 1, 1)


async def test_a_paused_actor_is_silent_and_goes_on_with_what_was_held() -> None:
    async def run_ticking(actor: Actor) -> None:
        async def tick() -> None:
            while True:
                await anyio.sleep(1)
                actor.tell("client/1", Ask(7))

        actor.spawn(tick)
        await run_echo(actor)

    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", run_ticking))
        await anyio.wait_all_tasks_blocked()
        supervisor.pause("a")
        began = anyio.current_time()
        with pytest.raises(DeadlineExceeded):
            await actor.call("a", Ask(1), timeout_s=2.5)
        actor.tell("a", Ask(2))
        with pytest.raises(anyio.WouldBlock):
            actor.receive_nowait()
        assert state(supervisor, "a") is State.PAUSED
        supervisor.resume("a")
        assert await actor.call("a", Ask(3)) == Ask(3)
        assert [(await actor.receive()).message for _ in range(2)] == [Ask(7), Ask(7)]
        assert anyio.current_time() - began == pytest.approx(2.5)


async def test_a_paused_actor_can_be_killed_and_stopped() -> None:
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        for address in "ab":
            supervisor.start(Child(address, run_echo))
            supervisor.pause(address)
        with pytest.raises(DeadlineExceeded):
            await actor.call("a", Ask(), timeout_s=1)
        supervisor.kill("a")
        supervisor.revive("a")
        await supervisor.stop("b")
        await anyio.sleep(1)
        assert await actor.call("a", Ask(1)) == Ask(1)
        assert "b" not in supervisor


async def test_a_stopped_child_is_gone_and_its_address_is_free() -> None:
    lives = Lives()
    async with ActorSystem() as system, Supervisor(system, name="root") as supervisor:
        supervisor.start(Child("a", lives.run))
        with pytest.raises(ValueError, match="taken"):
            supervisor.start(Child("a", lives.run))
        await anyio.wait_all_tasks_blocked()
        await supervisor.stop("a")
        assert lives.take() == "+a -a"
        supervisor.start(Child("a", lives.run))
        await anyio.wait_all_tasks_blocked()
        assert lives.take() == "+a"
        with pytest.raises(KeyError):
            await supervisor.stop("b")


async def test_a_child_that_waits_for_its_restart_can_be_stopped_or_killed() -> None:
    lives = Lives()
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root", backoff_s=(5, 5)) as supervisor,
        system.client("client/1") as actor,
    ):
        for address in "ab":
            supervisor.start(Child(address, lives.run))
            actor.tell(address, Ask(1))
        await anyio.sleep(1)
        assert state(supervisor, "a") is State.WAITING
        await supervisor.stop("a")
        supervisor.kill("b")
        await anyio.sleep(100)
        assert lives.take() in {"+a -a +b -b", "+a +b -a -b", "+b -b +a -a", "+a +b -b -a"}
        supervisor.revive("b")
        await anyio.wait_all_tasks_blocked()
        assert lives.take() == "+b"

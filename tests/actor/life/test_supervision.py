"""What crashes is started again, as the strategy says and not for ever."""

import logging
from collections.abc import Awaitable, Callable
from itertools import pairwise

import anyio
import pytest

from kube_actors.actor import (
    Actor,
    ActorSystem,
    Child,
    Escalated,
    OutsideTrouble,
    Restart,
    State,
    Strategy,
    Supervisor,
)
from tests.actor.life.worlds import Ask, Lives, state
from tests.actor.talk.worlds import run_echo

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy.ONE_FOR_ONE, "-b +b"),
        (Strategy.ONE_FOR_ALL, "-b -c -a +a +b +c"),
        (Strategy.REST_FOR_ONE, "-b -c +b +c"),
    ],
)
async def test_a_crash_restarts_whom_the_strategy_names(strategy: Strategy, expected: str) -> None:
    lives = Lives()
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root", strategy=strategy) as supervisor,
        system.client("client/1") as actor,
    ):
        for address in "abc":
            supervisor.start(Child(address, lives.run))
            await anyio.wait_all_tasks_blocked()
        assert lives.take() == "+a +b +c"
        actor.tell("b", Ask(1))
        await anyio.sleep(1)
        log = lives.take()
        assert log.split()[0] == "-b"
        assert sorted(log.split()) == sorted(expected.split())
        assert all(child.state is State.RUNNING for child in supervisor.statistics().children)


@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize("crash", [True, False])
async def test_restart_types_decide_who_comes_back(restart: Restart, crash: bool) -> None:
    lives = Lives()
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", lives.run, restart))
        actor.tell("a", Ask(int(crash)))
        await anyio.sleep(1)
        back = restart is Restart.PERMANENT or (restart is Restart.TRANSIENT and crash)
        assert lives.take() == ("+a -a +a" if back else "+a -a")
        assert ("a" in supervisor) is back
        assert supervisor.statistics().crashes == int(crash)


async def test_a_sibling_that_takes_long_to_end_is_waited_for() -> None:
    lives = Lives()

    async def run_slow(actor: Actor) -> None:
        try:
            await lives.run(actor)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(3)

    async with (
        ActorSystem() as system,
        Supervisor(system, name="root", strategy=Strategy.ONE_FOR_ALL) as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("slow", run_slow))
        supervisor.start(Child("b", lives.run))
        await anyio.wait_all_tasks_blocked()
        lives.take()
        actor.tell("b", Ask(1))
        await anyio.sleep(2)
        assert lives.take() == "-b -slow"
        await anyio.sleep(2)
        assert sorted(lives.take().split()) == ["+b", "+slow"]


async def test_a_crash_loop_escalates_with_its_cause() -> None:
    lives = Lives()
    with pytest.raises(Escalated, match="root gave up: more than 2 restarts within 60 s") as up:
        await crash_in_a_loop(lives, intensity=2, window_s=60)
    assert isinstance(up.value.__cause__, RuntimeError)
    assert lives.take() == "+a -a +a -a +a -a"


async def crash_in_a_loop(lives: Lives, intensity: int, window_s: float) -> None:
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root", intensity=intensity, window_s=window_s) as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", lives.run))
        for _ in range(6):
            actor.tell("a", Ask(1))
            await anyio.sleep(11)


async def test_crashes_that_are_far_apart_do_not_escalate() -> None:
    lives = Lives()
    await crash_in_a_loop(lives, intensity=1, window_s=10)
    assert lives.take().count("+a") == 7


async def test_restarts_back_off_and_a_long_life_forgives() -> None:
    began: list[float] = []

    async def run_once(actor: Actor) -> None:
        began.append(anyio.current_time())
        if len(began) == 6:
            await anyio.sleep(100)
        raise RuntimeError("on purpose")

    async with (
        ActorSystem() as system,
        Supervisor(
            system, name="root", intensity=100, window_s=50, backoff_s=(0.5, 4)
        ) as supervisor,
    ):
        supervisor.start(Child("a", run_once))
        await anyio.sleep(8 + 3.5 + 100 + 0.9)
    gaps = [round(b - a, 3) for a, b in pairwise(began)]
    assert gaps == [0.5, 1, 2, 4, 4, 100.5]


async def test_an_escalation_is_a_crash_of_the_actor_above() -> None:
    inners: list[Supervisor] = []

    async def run_master(actor: Actor) -> None:
        async with Supervisor(actor.runtime, name="inner", intensity=0) as inner:
            inners.append(inner)
            inner.start(Child("worker", Lives().run))
            await actor.receive()

    async with (
        ActorSystem() as system,
        Supervisor(system, name="outer", intensity=1) as outer,
        system.client("client/1") as actor,
    ):
        outer.start(Child("master", run_master))
        await anyio.wait_all_tasks_blocked()
        actor.tell("worker", Ask(1))
        await anyio.sleep(1)
        assert len(inners) == 2
        assert state(inners[1], "worker") is State.RUNNING
        assert "Escalated: inner gave up" in outer.statistics().children[0].crash


async def test_what_an_actor_spawned_dies_with_it_and_crashes_it() -> None:
    log: list[str] = []

    async def child(crash: bool) -> None:
        try:
            await anyio.sleep(1)
            if crash:
                raise RuntimeError("in a spawned task")
            await anyio.sleep_forever()
        finally:
            log.append("child ended")

    async def run_parent(actor: Actor) -> None:
        actor.spawn(child, bool((await actor.receive()).message.number), name="child")
        try:
            await anyio.sleep(5)
        finally:
            log.append("parent ended")

    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", run_parent, Restart.TEMPORARY))
        actor.tell("a", Ask(0))
        await anyio.sleep(6)
        assert log == ["parent ended", "child ended"]
        supervisor.start(Child("b", run_parent, Restart.TEMPORARY))
        actor.tell("b", Ask(1))
        await anyio.sleep(2)
        assert sorted(log[2:]) == ["child ended", "parent ended"]
        assert supervisor.statistics().crashes == 1


async def test_leaving_the_block_ends_the_children_last_started_first() -> None:
    lives = Lives()
    async with ActorSystem() as system, Supervisor(system, name="root") as supervisor:
        for address in "abc":
            supervisor.start(Child(address, lives.run))
        await anyio.wait_all_tasks_blocked()
        lives.take()
    assert lives.take() == "-c -b -a"


@pytest.mark.parametrize("after_s", [0, 0.05, 0.1, 0.15, 0.31, 1.0])
async def test_cancelling_at_any_moment_leaves_no_task(after_s: float) -> None:
    alive: dict[str, int] = {}

    def counted(run: Callable[[Actor], Awaitable[None]]) -> Callable[[Actor], Awaitable[None]]:
        async def run_counted(actor: Actor) -> None:
            alive[actor.address] = alive.get(actor.address, 0) + 1
            try:
                await run(actor)
            finally:
                alive[actor.address] -= 1

        return run_counted

    async def run_crashing(actor: Actor) -> None:
        await anyio.sleep(0.1)
        raise RuntimeError("on purpose")

    async def run_asking(actor: Actor) -> None:
        while True:
            await actor.call("echo", Ask())
            await anyio.sleep(0.01)

    with anyio.move_on_after(after_s):
        async with (
            ActorSystem() as system,
            Supervisor(
                system, name="root", strategy=Strategy.ONE_FOR_ALL, intensity=99
            ) as supervisor,
        ):
            supervisor.start(Child("echo", counted(run_echo)))
            supervisor.start(Child("crashing", counted(run_crashing)))
            supervisor.start(Child("asking", counted(run_asking)))
            supervisor.start(Child("paused", counted(run_echo)))
            supervisor.pause("paused")
            await anyio.sleep_forever()
    assert all(count == 0 for count in alive.values())
    assert not system.ports


async def test_trouble_from_outside_is_told_once_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lives: list[str] = []

    async def full(actor: Actor) -> None:
        lives.append("begun")
        await anyio.sleep(0.01)
        raise OutsideTrouble("no room" if len(lives) < 4 else "still no room")

    async with ActorSystem() as system, Supervisor(system, name="root", intensity=99) as supervisor:
        supervisor.start(Child("a", full))
        await anyio.sleep(30)
    assert len(lives) > 5
    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert [one.getMessage() for one in errors] == [
        "a cannot go on: no room",
        "a cannot go on: still no room",
    ]
    assert all(one.exc_info is None for one in errors)


async def test_a_crash_is_reported_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    lives = Lives()
    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as actor,
    ):
        supervisor.start(Child("a", lives.run))
        actor.tell("a", Ask(1))
        await anyio.sleep(1)
    [record] = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.getMessage() == "a crashed: RuntimeError: on purpose"
    assert record.exc_info is not None

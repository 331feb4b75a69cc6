import logging
from collections.abc import Awaitable, Callable
from itertools import pairwise

import anyio
import pytest

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorSystem,
    Child,
    DeadlineExceeded,
    Escalated,
    OutsideTrouble,
    Restart,
    State,
    Strategy,
    Supervisor,
    Unreachable,
    message,
)
from tests.actor.talk.test_channel import run_echo

pytestmark = pytest.mark.anyio


@message("supervision.ask")
class Ask:
    number: int = 0


class Lives:
    """Actors that write down when they begin and end, and crash when told to."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def run(self, actor: Actor) -> None:
        self.log.append(f"+{actor.address}")
        try:
            if (await actor.receive()).message == Ask(1):
                raise RuntimeError("on purpose")
        finally:
            self.log.append(f"-{actor.address}")

    def take(self) -> str:
        log, self.log = self.log, []
        return " ".join(log)


def state(supervisor: Supervisor, address: str) -> State:
    return next(
        child.state for child in supervisor.statistics().children if child.address == address
    )


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
    incarnations = 0

    async def run_master(actor: Actor) -> None:
        nonlocal incarnations
        incarnations += 1
        async with Supervisor(actor.system, name="inner", intensity=0) as inner:
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
        assert incarnations == 2
        assert "Escalated: inner gave up" in outer.statistics().children[0].crash
        assert system.supervisor_of("worker").name == "inner"


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
    assert not system.supervisors


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

"""A simulated cluster keeps its promises, tells one story per seed, and notices planted bugs."""

import pytest

from kube_actors.simulation.cluster import PROMISES, ClusterWorld, Plan
from kube_actors.simulation.cluster import read_only as cluster_read_only
from kube_actors.simulation.cluster.faults import VERBS, Shape, draw_schedule
from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.simulation.cluster.scenarios import GENERAL
from kube_actors.simulation.determinism import BACKENDS
from kube_actors.simulation.recording import Recording
from kube_actors.simulation.scenario import find_scenario, load_scenarios
from kube_actors.simulation.schedule import Fault, FaultSchedule, ScheduleError

SMALL = Plan(shape=Shape(nodes=3, faults_s=6.0))
SHORT = FaultSchedule.of(
    [
        Fault(0.5, "kill", ("master/1",), 3.0),
        Fault(1.0, "drop", ("master/2", "master/3"), 2.0, 0.3),
        Fault(4.0, "crash", ("controllers/2",)),
    ]
)


def breached(world: ClusterWorld) -> dict[str, str]:
    return {name: breach.text for name, breach in world.breaches.first.items()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_seed_is_one_run_and_keeps_every_promise(backend: str) -> None:
    first, second = (ClusterWorld(5, backend=backend, schedule=SHORT, plan=SMALL) for _ in range(2))
    first.run()
    second.run()
    assert breached(first) == {}
    assert first.digest == second.digest
    assert first.network.steps > 2000
    assert first.acknowledged.count > 5
    assert len(first.registers.events) > 30


def test_a_seed_of_the_general_scenario_keeps_every_promise() -> None:
    run = find_scenario("cluster").run(10)
    assert run.findings == ()
    assert run.schedule == draw_schedule(10, GENERAL.shape)
    assert run.simulated_s > 25


def test_a_majority_is_lost_and_the_cluster_is_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []
    judge = cluster_read_only.judge

    def counted(breaches: Breaches, master: int, *answers: object) -> None:
        judged.append(master)
        judge(breaches, master, *answers)  # type: ignore[arg-type]

    monkeypatch.setattr(cluster_read_only, "judge", counted)
    assert find_scenario("cluster-readonly").run(2).findings == ()
    assert len(judged) > 5


def test_a_fork_goes_the_same_way_and_then_another() -> None:
    origin = ClusterWorld(5, schedule=SHORT, plan=SMALL)
    met: list[str] = []

    async def strike(world: ClusterWorld) -> None:
        world.cluster.faults.crash("scheduler/3")
        met.append("here")

    other = origin.fork(4000, strike, schedule=FaultSchedule())
    for world in (origin, other):
        world.run()
    assert met == ["here"]
    assert other.digest_at_fork == origin.network.digests[3] == other.network.digests[3]
    assert other.digest != origin.digest
    assert breached(other) == {}


def test_a_run_is_recorded_when_asked_and_goes_no_other_way_for_it() -> None:
    plain = ClusterWorld(5, schedule=SHORT, plan=SMALL)
    recording = Recording("cluster", 5)
    recorded = ClusterWorld(5, schedule=SHORT, plan=SMALL, recording=recording)
    plain.run()
    recorded.run()
    assert recorded.digest == plain.digest
    assert {window.verb for window in recording.windows} == {"kill", "drop", "crash"}
    assert all((w.end_s == w.begin_s) == (w.verb == "crash") for w in recording.windows)
    assert {m.fate for m in recording.messages} >= {"delivered", "lost"}
    assert any(event.kind == "operation" for event in recording.events)


def test_what_breaks_inside_a_run_is_a_finding() -> None:
    async def stumble(world: ClusterWorld) -> None:
        raise LookupError("a part of the test")

    world = ClusterWorld(1, schedule=FaultSchedule(), plan=Plan(parts=(stumble,)))
    world.run()
    assert "LookupError: a part of the test" in breached(world)["crash"]
    assert "test_world.py" in breached(world)["crash"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(1.0, "melt", ("master/1",)), "there is no such verb"),
        (Fault(1.0, "kill", ("master/9",), 2.0), "master/9"),
        (Fault(1.0, "kill", ("master/1",)), "until_s"),
        (Fault(1.0, "cut", ("master/1",), 2.0), "targets"),
        (Fault(1.0, "drop", ("master/1", "master/2"), 2.0, 7.0), "amount"),
    ],
)
def test_an_impossible_schedule_is_refused_before_anything_runs(fault: Fault, says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        ClusterWorld(1, schedule=FaultSchedule.of([fault]))
    with pytest.raises(ScheduleError, match=says):
        find_scenario("cluster").run(1, schedule=FaultSchedule.of([fault]))


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="use asyncio or trio"):
        ClusterWorld(1, backend="curio")


def test_the_weather_knows_every_verb_and_keeps_to_its_budget() -> None:
    seen: dict[str, None] = {}
    for seed in range(200):
        schedule = draw_schedule(seed, Shape())
        seen.update(dict.fromkeys(schedule.verbs))
        dead = [f.targets[0] for f in schedule.faults if f.verb == "dead"]
        assert sum(name.startswith("master/") for name in dead) <= 1
        assert sum(name.startswith("node/") for name in dead) <= 2
        assert all(0.5 < f.amount < 2 for f in schedule.faults if f.verb == "clock-drift")
        schedule.check(VERBS, tuple(Shape().targets), end_s=Shape().faults_s)
        assert FaultSchedule.from_json_lines(schedule.to_json_lines()) == schedule
    assert set(seen) == set(VERBS)


def test_scenarios_and_promises_say_what_they_are() -> None:
    names = [name for name in load_scenarios() if name.startswith("cluster")]
    assert names == ["cluster", "cluster-crowded", "cluster-network", "cluster-readonly",
                     "cluster-rollout", "cluster-trio"]  # fmt: skip
    assert all(sentence.endswith(".") for sentence in PROMISES.values())


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "name", ["cluster", "cluster-crowded", "cluster-trio", "cluster-rollout", "cluster-readonly"]
)
def test_many_seeds_keep_every_promise(name: str) -> None:
    found = {seed: find_scenario(name).run(seed).findings for seed in range(1000, 1050)}
    assert {seed: findings for seed, findings in found.items() if findings} == {}

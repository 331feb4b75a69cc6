"""CronJobs: what an expression means, and what is made when."""

from datetime import UTC, datetime

import pytest

from kube_actors.controllers.loop import RequeueAfter
from kube_actors.controllers.workloads import CRONJOB
from kube_actors.controllers.workloads.cron_schedule import BadSchedule, parse_schedule
from kube_actors.controllers.workloads.cronjob import latest_due
from tests.controllers.world import World, timestamp

NEXT = [
    ("*/5 * * * *", "2026-01-01T00:01", "2026-01-01T00:05"),
    ("0 3 * * *", "2026-01-01T03:00", "2026-01-02T03:00"),
    ("30 8-10/2 * * mon-fri", "2026-01-02T10:31", "2026-01-05T08:30"),
    ("0 0 1 jan *", "2026-01-01T00:00", "2027-01-01T00:00"),
    ("0 0 13 * 5", "2026-01-03T00:00", "2026-01-09T00:00"),
    ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
    ("@hourly", "2026-01-01T00:00", "2026-01-01T01:00"),
    ("0 12 * * 7", "2026-01-01T00:00", "2026-01-04T12:00"),
    ("0 0 30 2 *", "2026-01-01T00:00", None),
]


@pytest.mark.parametrize(("text", "now", "expected"), NEXT)
def test_the_next_due_time(text, now, expected):
    now_s = datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()
    due_s = parse_schedule(text).after(now_s, UTC)
    found = None if due_s is None else datetime.fromtimestamp(due_s, UTC).isoformat()[:16]
    assert found == expected


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "*/0 * * * *", "x * * * *", "5-1 * * * *"]
)
def test_what_is_no_schedule_is_refused(text):
    with pytest.raises(BadSchedule):
        parse_schedule(text)


def cronjob(**spec):
    container = {"name": "main", "image": "v1"}
    pod = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "default"},
        "spec": {"schedule": "*/10 * * * *", "jobTemplate": {"spec": {"template": pod}}, **spec},
    }


def jobs(world):
    return [one["metadata"]["name"] for one in world.all("jobs")]


def finish(world):
    for name in jobs(world):
        done = {"type": "Complete", "status": "True"}
        now = timestamp(world.now_s)
        world.edit("Job", name, {"status": {"conditions": [done], "completionTime": now}})


@pytest.mark.parametrize(
    ("text", "missed_days", "ago_s"),
    [
        ("* * * * *", 30, 59),
        ("*/10 * * * *", 400, 599),
        ("0 0 1 * *", 2, None),
        ("0 3 * * *", 1, 0),
    ],
)
def test_of_any_number_of_missed_times_the_latest_is_found(text, missed_days, ago_s):
    due_s = datetime(2026, 1, 10, 3, tzinfo=UTC).timestamp()
    now_s = due_s + (ago_s or 0)
    since_s = now_s - missed_days * 86_400
    latest_s, next_s = latest_due(parse_schedule(text), since_s, now_s, UTC)
    assert latest_s == (None if ago_s is None else due_s)
    assert next_s is not None
    assert next_s > now_s


def test_a_job_is_made_when_it_is_due_and_once():
    world = World(cronjob())
    assert RequeueAfter(600.0) in world.decide(CRONJOB, "default/tick")
    world.now_s += 601
    world.settle(CRONJOB)
    (made,) = world.all("jobs")
    assert made["metadata"]["name"] == f"tick-{int((world.now_s - 1) // 60)}"
    assert made["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    status = world.get("cj", "tick")["status"]
    assert status["lastScheduleTime"] == timestamp(world.now_s - 1)
    assert [one["name"] for one in status["active"]] == jobs(world)
    finish(world)
    world.settle(CRONJOB)
    status = world.get("cj", "tick")["status"]
    assert "active" not in status
    assert status["lastSuccessfulTime"] == timestamp(world.now_s)


def test_of_missed_times_only_the_latest_is_served_and_not_after_its_deadline():
    world = World(cronjob(startingDeadlineSeconds=120))
    world.now_s += 3 * 600 + 60
    world.settle(CRONJOB)
    assert len(jobs(world)) == 1
    late = World(cronjob(startingDeadlineSeconds=30))
    late.now_s += 660
    late.settle(CRONJOB)
    assert jobs(late) == []


@pytest.mark.parametrize(("policy", "running"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
def test_what_happens_while_the_last_one_runs(policy, running):
    world = World(cronjob(concurrencyPolicy=policy))
    world.now_s += 601
    world.settle(CRONJOB)
    first = jobs(world)
    world.now_s += 600
    world.settle(CRONJOB)
    assert len(jobs(world)) == running
    assert (jobs(world) == first) == (policy == "Forbid")


def test_finished_jobs_beyond_the_history_go_and_a_suspended_one_makes_none():
    world = World(cronjob(successfulJobsHistoryLimit=2))
    for _ in range(4):
        world.now_s += 600
        world.settle(CRONJOB)
        finish(world)
        world.settle(CRONJOB)
    assert len(jobs(world)) == 2
    world.edit("cj", "tick", {"spec": {"suspend": True}})
    before = jobs(world)
    world.now_s += 3600
    world.settle(CRONJOB)
    assert jobs(world) == before

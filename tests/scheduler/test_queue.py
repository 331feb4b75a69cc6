"""Who is tried next."""

from typing import Any

from kube_actors.scheduler import QueueTimes, SchedulingQueue, project_pod


def pod(name: str, priority: int = 0, **extra: Any) -> Any:
    return project_pod(
        {
            "metadata": {"name": name, "namespace": "d", "uid": name},
            "spec": {"priority": priority, **extra},
        }
    )


def test_priority_first_then_arrival() -> None:
    queue = SchedulingQueue()
    for position, each in enumerate([pod("a"), pod("b", 10), pod("c")]):
        queue.add(each, float(position))
    popped = [queue.pop(9.0), queue.pop(9.0), queue.pop(9.0)]
    assert [p.name for p in popped if p] == ["b", "a", "c"]
    assert queue.pop(9.0) is None


def test_a_misfit_waits_for_news_and_news_respects_its_backoff() -> None:
    queue = SchedulingQueue(QueueTimes(initial_backoff_s=1.0, max_backoff_s=10.0))
    queue.add(pod("a"), 0.0)
    assert queue.pop(0.0)
    queue.failed("a", 0.0)
    assert queue.pop(100.0) is None
    queue.move_all(0.5)
    assert queue.pop(0.9) is None
    assert queue.next_s() == 1.0
    assert queue.pop(1.0) is not None


def test_backoff_doubles_to_its_limit() -> None:
    queue = SchedulingQueue(QueueTimes(initial_backoff_s=1.0, max_backoff_s=10.0))
    queue.add(pod("a"), 0.0)
    waits, now = [], 0.0
    for _ in range(6):
        assert queue.pop(now)
        queue.failed("a", now, error=True)
        ready = queue.next_s()
        assert ready is not None
        waits.append(ready - now)
        now = ready
    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_news_that_came_while_a_pod_was_tried_is_not_lost() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    assert queue.pop(0.0)
    queue.move_all(0.0)
    queue.failed("a", 0.0)
    assert queue.pop(1.0) is not None


def test_an_unschedulable_pod_is_tried_again_after_the_flush() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    assert queue.pop(0.0)
    queue.failed("a", 0.0)
    assert queue.pop(299.0) is None
    assert queue.next_s() == 300.0
    assert queue.pop(300.0) is not None


def test_a_removed_pod_is_never_popped() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    queue.remove("a")
    assert queue.pop(1.0) is None
    assert len(queue) == 0


def test_a_gated_pod_waits_outside_until_its_gates_are_gone() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a", schedulingGates=[{"name": "wait"}]), 0.0)
    assert queue.pop(1.0) is None
    queue.add(pod("a"), 2.0)
    assert queue.pop(2.0) is not None


def test_our_own_status_write_does_not_wake_an_unschedulable_pod() -> None:
    queue = SchedulingQueue()
    queue.add(pod("a"), 0.0)
    assert queue.pop(0.0)
    queue.failed("a", 0.0)
    queue.add(pod("a"), 5.0)
    assert queue.pop(50.0) is None
    queue.add(pod("a", nodeSelector={"x": "y"}), 51.0)
    assert queue.pop(51.0) is not None

"""The scheduler over a real store and API server, in virtual time."""

from typing import Any

import anyio
import orjson
import pytest

from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from tests.controllers.plane import plane
from tests.scheduler.plane import Stage

pytestmark = pytest.mark.anyio

PRIORITIES = {"low": 10, "high": 1000}


async def add_priorities(stage: Stage) -> None:
    for name, value in PRIORITIES.items():
        await stage.client.create(
            {
                "apiVersion": "scheduling.k8s.io/v1",
                "kind": "PriorityClass",
                "metadata": {"name": name},
                "value": value,
            }
        )


async def test_a_pod_is_bound_and_both_its_condition_and_an_event_say_so() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1")
        stage.start_scheduler()
        await stage.add_pod("a")
        assert await stage.bound("a") == "n1"
        assert (await stage.condition("a"))["status"] == "True"
        (event,) = await made.until(lambda: stage.events("a", "Scheduled"))
        assert event["message"] == "Successfully assigned default/a to n1"
        assert event["source"]["component"] == "default-scheduler"


async def test_a_pending_pod_says_per_filter_why_not() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("small", cpu="1")
        await stage.add_node("tainted")
        taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
        await stage.client.patch("nodes", "tainted", {"spec": {"taints": [taint]}})
        await stage.add_node("cordoned")
        await stage.client.patch("nodes", "cordoned", {"spec": {"unschedulable": True}})
        stage.start_scheduler()
        await stage.add_pod("a", cpu="3")
        expected = (
            "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), "
            "1 node(s) were unschedulable. preemption: 0/3 nodes are available: "
            "3 Preemption is not helpful for scheduling."
        )
        assert await stage.refused("a") == expected
        condition = await stage.condition("a")
        assert (condition["reason"], condition["status"]) == ("Unschedulable", "False")
        (event,) = await made.until(lambda: stage.events("a", "FailedScheduling"))
        assert (event["type"], event["message"]) == ("Warning", expected)


async def test_the_condition_is_written_once_while_the_reason_stays() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1", cpu="1")
        stage.start_scheduler()
        await stage.add_pod("a", cpu="3")
        await stage.refused("a")
        await stage.settle(2)
        before = (await stage.pod("a"))["metadata"]["resourceVersion"]
        for number in range(3):
            await stage.client.patch("nodes", "n1", {"metadata": {"labels": {"x": str(number)}}})
            await stage.settle(15)
        (event,) = await stage.events("a", "FailedScheduling")
        assert event["count"] >= 3
        assert (await stage.pod("a"))["metadata"]["resourceVersion"] == before


async def test_a_new_node_wakes_a_pod_that_fitted_nowhere() -> None:
    async with plane() as made:
        stage = Stage(made)
        stage.start_scheduler()
        await stage.add_pod("a", cpu="2")
        assert await stage.refused("a") == "no nodes available to schedule pods"
        await stage.add_node("late")
        assert await stage.bound("a", timeout_s=15) == "late"


async def test_a_deleted_pod_frees_its_room() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1", cpu="1")
        stage.start_scheduler()
        await stage.add_pod("a", cpu="1")
        await stage.bound("a")
        await stage.add_pod("b", cpu="1")
        assert "Insufficient cpu" in await stage.refused("b")
        await stage.client.delete("pods", "a", "default", grace_period_s=0)
        assert await stage.bound("b", timeout_s=15) == "n1"


async def test_a_finished_pod_frees_its_room_too() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1", cpu="1")
        stage.start_scheduler()
        await stage.add_pod("a", cpu="1")
        await stage.bound("a")
        await stage.add_pod("b", cpu="1")
        await stage.refused("b")
        done = {"status": {"phase": "Succeeded"}}
        await stage.client.patch("pods", "a", done, "default", subresource="status")
        assert await stage.bound("b", timeout_s=15) == "n1"


async def test_a_pod_of_another_scheduler_is_left_alone() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1")
        stage.start_scheduler()
        await stage.add_pod("theirs", schedulerName="mine")
        await stage.add_pod("ours")
        await stage.bound("ours")
        await stage.settle(30)
        assert await stage.node_of("theirs") == ""
        assert await stage.condition("theirs") == {}
        stage.start_scheduler(2, name="mine")
        assert await stage.bound("theirs") == "n1"


async def test_a_gated_pod_waits_for_its_gates() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1")
        stage.start_scheduler()
        await stage.add_pod("a", schedulingGates=[{"name": "example.com/wait"}])
        await stage.settle(30)
        assert await stage.node_of("a") == ""
        ungated = [{"op": "remove", "path": "/spec/schedulingGates"}]
        await stage.client.patch("pods", "a", ungated, "default", type="json")
        assert await stage.bound("a") == "n1"


async def test_a_bind_that_fails_is_tried_again_and_its_room_is_kept_meanwhile() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1", cpu="1")
        stage.start_scheduler()
        await stage.add_pod("warm-up")
        await stage.bound("warm-up")
        made.network.set_fault("scheduler/1", "apiserver/1", drop=1.0)
        await stage.add_pod("a", cpu="1")
        await stage.settle(1)
        await stage.add_pod("b", cpu="1")
        await stage.settle(3)
        assert await stage.node_of("a") == ""
        made.network.heal()
        assert await stage.bound("a", timeout_s=120) == "n1"
        assert "Insufficient cpu" in await stage.refused("b")


async def test_a_standby_takes_over_and_nothing_is_bound_twice() -> None:
    async with plane() as made:
        stage = Stage(made)
        for number in range(3):
            await stage.add_node(f"n{number}", cpu="4")
        stage.start_scheduler(1)
        await stage.settle(1)
        stage.start_scheduler(2)
        seen: dict[str, set[str]] = {}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch_bindings, stage, seen)
            for number in range(12):
                await stage.add_pod(f"p{number}", cpu="1")
                if number == 5:
                    made.supervisor.kill("scheduler/1")
            for number in range(12):
                await stage.bound(f"p{number}", timeout_s=90)
            await stage.settle()
            tasks.cancel_scope.cancel()
        assert sorted(len(nodes) for nodes in seen.values()) == [1] * 12
        assert await cpus(stage) == {"n0": 4, "n1": 4, "n2": 4}


async def test_a_leader_that_is_cut_off_stops_before_another_starts() -> None:
    async with plane() as made:
        stage = Stage(made)
        await stage.add_node("n1", cpu="3")
        stage.start_scheduler(1)
        await stage.settle(1)
        stage.start_scheduler(2)
        await stage.add_pod("a", cpu="1")
        await stage.bound("a")
        made.network.partition(["scheduler/1"], ["apiserver/1"])
        await stage.add_pod("b", cpu="2")
        assert await stage.bound("b", timeout_s=60) == "n1"
        made.network.heal()
        await stage.add_pod("c", cpu="2")
        await stage.settle(60)
        assert await stage.node_of("c") == ""
        lease = await stage.client.get("leases", "kube-scheduler", "kube-system")
        assert lease["spec"]["holderIdentity"] == "master-2"


async def test_schedulers_that_crash_again_and_again_never_give_the_same_room_twice() -> None:
    async with plane(seed=5) as made:
        stage = Stage(made)
        for number in range(2):
            await stage.add_node(f"n{number}", cpu="2")
        for number in (1, 2):
            stage.start_scheduler(number)
        for number in range(10):
            await stage.add_pod(f"p{number}", cpu="1")
            made.supervisor.crash(f"scheduler/{number % 2 + 1}")
            await stage.settle(4)
        await stage.settle(120)
        assert await cpus(stage) == {"n0": 2, "n1": 2}
        waiting = [n for n in range(10) if not await stage.node_of(f"p{n}")]
        assert len(waiting) == 6


async def test_preemption_makes_the_least_important_leave_and_then_binds() -> None:
    async with plane() as made:
        stage = Stage(made)
        await add_priorities(stage)
        await stage.add_node("n1", cpu="2")
        stage.start_scheduler()
        await stage.add_pod("keep", cpu="1", priorityClassName="high")
        await stage.add_pod("leave", cpu="1", priorityClassName="low")
        for name in ("keep", "leave"):
            await stage.bound(name)
        await stage.add_pod("urgent", cpu="1", priorityClassName="high")

        async def leaving() -> bool:
            return "deletionTimestamp" in (await stage.pod("leave"))["metadata"]

        await made.until(leaving)
        target = await stage.condition("leave", "DisruptionTarget")
        assert target["reason"] == "PreemptionByScheduler"
        assert (await made.until(lambda: stage.events("leave", "Preempted")))[0]["message"]
        await made.until(lambda: nominated(stage, "urgent", "n1"))
        # While the victim takes its time, nobody else is asked to leave, nor takes the room.
        await stage.add_pod("thief", cpu="1", priorityClassName="low")
        await stage.client.patch("nodes", "n1", {"metadata": {"labels": {"wake": "all"}}})
        await stage.settle(20)
        assert "deletionTimestamp" not in (await stage.pod("keep"))["metadata"]
        assert "a terminating pod on the nominated node" in await stage.refused("urgent")
        await stage.client.delete("pods", "leave", "default", grace_period_s=0)
        assert await stage.bound("urgent") == "n1"
        assert await stage.node_of("thief") == ""


async def test_a_pod_that_never_preempts_says_so_and_waits() -> None:
    async with plane() as made:
        stage = Stage(made)
        await add_priorities(stage)
        await stage.add_node("n1", cpu="1")
        stage.start_scheduler()
        await stage.add_pod("low", cpu="1", priorityClassName="low")
        await stage.bound("low")
        await stage.client.create(
            {
                "apiVersion": "scheduling.k8s.io/v1",
                "kind": "PriorityClass",
                "metadata": {"name": "polite"},
                "value": 5000,
                "preemptionPolicy": "Never",
            }
        )
        await stage.add_pod("polite", cpu="1", priorityClassName="polite")
        assert (await stage.refused("polite")).endswith(
            "preemption: not eligible due to preemptionPolicy=Never."
        )
        assert await stage.node_of("low") == "n1"


async def test_a_namespace_selector_reaches_pods_of_other_namespaces() -> None:
    async with plane() as made:
        stage = Stage(made)
        for name in ("n1", "n2"):
            await stage.add_node(name)
        meta = {"name": "team", "labels": {"team": "blue"}}
        await stage.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        stage.start_scheduler()
        await stage.add_pod("a", labels={"app": "web"})
        where = await stage.bound("a")
        term = {
            "labelSelector": {"matchLabels": {"app": "web"}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}},
            "topologyKey": "kubernetes.io/hostname",
        }
        required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "b", "namespace": "team"},
            "spec": {
                "containers": [{"name": "c", "image": "i"}],
                "affinity": {"podAffinity": required},
            },
        }
        await stage.client.create(pod)

        async def placed() -> Any:
            return (await stage.client.get("pods", "b", "team"))["spec"].get("nodeName")

        assert await made.until(placed) == where


async def nominated(stage: Stage, name: str, node: str) -> bool:
    status = (await stage.pod(name)).get("status") or {}
    return status.get("nominatedNodeName") == node


async def cpus(stage: Stage) -> dict[str, int]:
    """Sum the CPUs asked for on each node."""
    found: dict[str, int] = {}
    for pod in (await stage.client.list("pods", "default"))["items"]:
        node = pod["spec"].get("nodeName")
        if node:
            asked = pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]
            found[node] = found.get(node, 0) + int(asked)
    return dict(sorted(found.items()))


async def watch_bindings(stage: Stage, seen: dict[str, set[str]]) -> None:
    while True:
        try:
            async with stage.client.watch("pods", "default", initial_events=True) as events:
                async for event in events:
                    pod = orjson.loads(event.object)
                    node = (pod.get("spec") or {}).get("nodeName")
                    if node:
                        seen.setdefault(pod["metadata"]["name"], set()).add(node)
        except (ActorError, StatusError):
            await anyio.sleep(0.1)

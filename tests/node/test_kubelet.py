"""The whole kubelet over a simulated runtime, on virtual time."""

import itertools
import random
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio

from kube_actors.actor import Actor, Address, Child
from kube_actors.api import Object
from kube_actors.api.errors import conflict
from kube_actors.client import (
    AddressAssigned,
    AssignAddress,
    KubeletRefused,
    LogChunk,
    ReadLog,
    ReleaseAddress,
)
from kube_actors.node import Script, SimulatedRuntime, Stage
from kube_actors.node.runtimes import ProbeKind
from tests.client.fake_apiserver import FakeApiServer, Target
from tests.node.kubelet_world import NODE, open_node

pytestmark = pytest.mark.anyio


def runtime(**stages: Any) -> SimulatedRuntime:
    return SimulatedRuntime(random.Random(1), Script(**stages))


async def test_a_pod_becomes_ready_with_an_address_in_one_write() -> None:
    async with open_node() as node:
        version = int(node.add_pod("web")["metadata"]["resourceVersion"])
        await node.wait_ready("web")
        status = node.status("web")
        assert status["phase"] == "Running"
        assert status["podIP"] == "10.244.0.2"
        assert status["containerStatuses"][0]["ready"] is True
        changes = [c for c in node.world.store.changes if c.resource == "pods"]
        assert [c.revision > version for c in changes] == [False, True]
        await anyio.sleep(5)
        assert node.events() == ["Pulling", "Pulled", "Created", "Started"]


async def test_an_idle_pod_causes_no_writes() -> None:
    async with open_node() as node:
        probe = {"httpGet": {"port": 80}, "periodSeconds": 1}
        containers = [
            {"name": "web", "image": "img", "readinessProbe": probe, "livenessProbe": probe}
        ]
        node.add_pod("web", containers=containers)
        await node.wait_ready("web")
        await anyio.sleep(1)
        before = len([c for c in node.world.store.changes if c.resource == "pods"])
        await anyio.sleep(600)
        after = len([c for c in node.world.store.changes if c.resource == "pods"])
        assert after == before


async def test_a_slow_pod_tells_what_it_waits_for() -> None:
    stages = {"pull": Stage(3), "start": Stage(2), "sandbox": Stage(1)}
    async with open_node(runtime(**stages)) as node:
        node.add_pod("web")
        await node.wait_waiting("web", "ContainerCreating")
        before = anyio.current_time()
        await node.wait_ready("web")
        assert 5 < anyio.current_time() - before < 6.5


async def test_a_pod_is_ready_when_its_probe_says_so() -> None:
    containers = [
        {"name": "web", "image": "img", "readinessProbe": {"periodSeconds": 2, "exec": {}}}
    ]
    async with open_node(runtime(ready=Stage(7))) as node:
        node.add_pod("web", containers=containers)
        await node.wait(lambda: node.status("web")["phase"] == "Running")
        assert not node.is_ready("web")
        before = anyio.current_time()
        await node.wait_ready("web")
        assert 6 < anyio.current_time() - before < 9.1
        assert isinstance(node.runtime, SimulatedRuntime)
        (run,) = node.runtime.containers(node.pod("web")["metadata"]["uid"])
        node.runtime.set_probe(run.id, ProbeKind.READINESS, False)


async def test_a_failing_liveness_probe_restarts_the_container() -> None:
    containers = [
        {"name": "web", "image": "img", "livenessProbe": {"periodSeconds": 5, "exec": {}}}
    ]
    async with open_node(runtime(unhealthy_after_s=20)) as node:
        node.add_pod("web", containers=containers)
        await node.wait_ready("web")
        await node.wait(node.restarted("web", 1))
        await anyio.sleep(1)
        assert "Unhealthy" in node.events()
        assert "Killing" in node.events()


async def test_a_crashing_container_backs_off_longer_and_longer() -> None:
    async with open_node(runtime(run=Stage(1), exit_code=2)) as node:
        node.add_pod("web")
        starts: list[float] = []
        for count in range(1, 6):
            await node.wait(node.restarted("web", count), 900)
            starts.append(anyio.current_time())
        gaps = [round(b - a) for a, b in itertools.pairwise(starts)]
        assert gaps == [11, 21, 41, 81]
        await node.wait_waiting("web", "CrashLoopBackOff")
        assert node.container("web")["lastState"]["terminated"]["exitCode"] == 2
        assert "BackOff" in node.events()


async def test_the_back_off_is_configurable() -> None:
    script = runtime(run=Stage(0.1), exit_code=2)
    async with open_node(script, restart_backoff_s=0.5, restart_backoff_max_s=1) as node:
        node.add_pod("web")
        before = anyio.current_time()
        await node.wait(lambda: bool(node.status("web").get("containerStatuses")))
        await node.wait(node.restarted("web", 5))
        assert anyio.current_time() - before < 5


async def test_a_pod_that_succeeds_stays_succeeded() -> None:
    async with open_node(runtime(run=Stage(3))) as node:
        node.add_pod("job", restartPolicy="Never")
        await node.wait(lambda: node.status("job")["phase"] == "Succeeded")
        status = node.status("job")
        assert status["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
        await anyio.sleep(100)
        assert node.status("job") == status


async def test_init_containers_run_before_the_rest() -> None:
    script = Script(run=Stage(2))
    by_image = {"init": script}
    simulated = SimulatedRuntime(random.Random(1), by_image=by_image)
    init = [{"name": "a", "image": "init:1"}, {"name": "b", "image": "init:2"}]
    async with open_node(simulated) as node:
        node.add_pod("web", initContainers=init)
        before = anyio.current_time()
        await node.wait_ready("web")
        assert 4 <= anyio.current_time() - before < 5
        statuses = node.status("web")["initContainerStatuses"]
        ended = [s["state"]["terminated"]["reason"] for s in statuses]
        assert ended == ["Completed", "Completed"]


async def test_an_image_that_cannot_be_pulled_backs_off() -> None:
    async with open_node(runtime(pull=Stage(1, failure_rate=1))) as node:
        node.add_pod("web")
        await node.wait_waiting("web", "ErrImagePull")
        await node.wait_waiting("web", "ImagePullBackOff")
        assert node.status("web")["phase"] == "Pending"
        await anyio.sleep(1)
        assert "Failed" in node.events()


async def test_a_deleted_pod_ends_gracefully_and_is_gone() -> None:
    async with open_node(runtime(stop=Stage(4))) as node:
        node.add_pod("web")
        await node.wait_ready("web")
        before = anyio.current_time()
        node.delete_pod("web")
        await node.wait_gone("web")
        assert 4 <= anyio.current_time() - before < 5
        assert node.runtime.sandboxes() == []
        last = [c for c in node.world.store.changes if c.resource == "pods"][-1]
        ended = last.obj["status"]["containerStatuses"][0]["state"]["terminated"]
        assert ended["exitCode"] == 0


async def test_a_pod_that_does_not_stop_is_killed_after_its_grace() -> None:
    async with open_node(runtime(stop=Stage(400))) as node:
        node.add_pod("web")
        await node.wait_ready("web")
        node.delete_pod("web", 3)
        await node.wait_gone("web")
        last = [c for c in node.world.store.changes if c.resource == "pods"][-1]
        ended = last.obj["status"]["containerStatuses"][0]["state"]["terminated"]
        assert ended["exitCode"] == 137


async def test_a_pod_that_is_deleted_by_force_is_cleaned_up() -> None:
    async with open_node() as node:
        node.add_pod("web")
        await node.wait_ready("web")
        node.world.remove("pods", "default", "web")
        await anyio.sleep(1)
        assert node.runtime.sandboxes() == []


async def test_a_pod_made_again_under_its_name_is_a_new_pod() -> None:
    async with open_node() as node:
        old = node.add_pod("web")
        await node.wait_ready("web")
        node.world.remove("pods", "default", "web")
        new = node.add_pod("web")
        await node.wait_ready("web")
        assert new["metadata"]["uid"] != old["metadata"]["uid"]
        await anyio.sleep(1)
        assert [s.pod_uid for s in node.runtime.sandboxes()] == [new["metadata"]["uid"]]


async def test_a_pod_that_does_not_fit_fails_with_the_reason() -> None:
    async with open_node(capacity={"cpu": "1", "memory": "1Gi", "pods": "10"}) as node:
        resources = {"requests": {"cpu": "700m"}}
        containers = [{"name": "web", "image": "img", "resources": resources}]
        node.add_pod("a", containers=containers)
        await node.wait_ready("a")
        node.add_pod("b", containers=containers)
        await node.wait(lambda: node.status("b")["phase"] == "Failed")
        assert node.status("b")["reason"] == "OutOfcpu"


@pytest.mark.parametrize("crash", [False, True])
async def test_a_pod_that_has_ended_holds_no_room(crash: bool) -> None:
    capacity = {"cpu": "1", "memory": "1Gi", "pods": "10"}
    async with open_node(runtime(run=Stage(delay_s=2)), capacity=capacity) as node:
        containers = [
            {"name": "web", "image": "img", "resources": {"requests": {"cpu": "700m"}}},
        ]
        node.add_pod("a", containers=containers, restartPolicy="Never")
        await node.wait(lambda: node.status("a")["phase"] == "Succeeded")
        if crash:
            node.world.supervisor.crash(f"kubelet/{NODE}")
            await anyio.sleep(30)
        node.add_pod("b", containers=containers, restartPolicy="Never")
        await node.wait(lambda: node.status("b")["phase"] != "Pending")
        assert node.status("b")["phase"] == "Running"


async def test_a_readiness_gate_set_by_others_is_never_overwritten() -> None:
    async with open_node() as node:
        node.add_pod("web", readinessGates=[{"conditionType": "x/ready"}])
        await node.wait(lambda: node.status("web")["phase"] == "Running")
        status = node.status("web")
        gate = {"type": "x/ready", "status": "True"}
        changed = {**status, "conditions": [*status["conditions"], gate]}
        node.world.change("pods", "default", "web", status=changed)
        await node.wait_ready("web")
        assert gate in node.status("web")["conditions"]


async def test_a_pod_marked_unready_by_others_says_in_the_same_second_that_it_is_ready() -> None:
    async with open_node() as node:
        node.add_pod("web")
        await node.wait_ready("web")
        # As the node lifecycle controller does when heartbeats are late; the answer to it has the
        # very words of the status before it, down to the time.
        status = node.status("web")
        conditions = [
            {**c, "status": "False"} if c["type"] in ("Ready", "ContainersReady") else c
            for c in status["conditions"]
        ]
        node.world.change("pods", "default", "web", status={**status, "conditions": conditions})
        assert not node.is_ready("web")
        await node.wait_ready("web")


async def test_a_conflict_is_resolved_with_the_newest_pod() -> None:
    async with open_node() as node:
        node.add_pod("web")
        for number in range(20):
            meta = {**node.pod("web")["metadata"], "labels": {"n": str(number)}}
            node.world.change("pods", "default", "web", metadata=meta)
            await anyio.lowlevel.checkpoint()
        await node.wait_ready("web")
        assert node.pod("web")["metadata"]["labels"] == {"n": "19"}


async def test_a_conflict_without_anything_newer_to_see_is_not_met_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # An apiserver whose view is behind refuses the write and shows what was known before.
    met_s: list[float] = []
    update = FakeApiServer._update

    def behind(self: FakeApiServer, target: Target, live: Object, body: Object) -> Object:
        if target.subresource == "status" and target.namespace and anyio.current_time() < 3:
            met_s.append(anyio.current_time())
            if len(met_s) > 100:
                pytest.fail("asked again and again, and no time passes")
            raise conflict(target.kind, target.name)
        return update(self, target, live, body)

    monkeypatch.setattr(FakeApiServer, "_update", behind)
    async with open_node() as node:
        node.add_pod("web")
        await node.wait_ready("web")
    assert 3 <= len(met_s) < 20


async def test_addresses_come_from_the_proxy_and_go_back() -> None:
    told: list[Any] = []

    async def run_fake_proxy(actor: Actor) -> None:
        while True:
            delivery = await actor.receive()
            told.append(delivery.message)
            if isinstance(delivery.message, AssignAddress):
                delivery.reply(AddressAssigned("10.9.9.9"))

    async with open_node(proxy=Address("proxy/n1")) as node:
        node.add_pod("web")
        await node.wait(lambda: bool(node.events()))
        assert node.events() == ["FailedCreatePodSandBox"]
        node.world.supervisor.start(Child("proxy/n1", run_fake_proxy))
        await node.wait_ready("web")
        uid = node.pod("web")["metadata"]["uid"]
        assert node.status("web")["podIP"] == "10.9.9.9"
        node.delete_pod("web")
        await node.wait_gone("web")
        await anyio.sleep(1)
        assert told == [AssignAddress(uid, "default", "web"), ReleaseAddress(uid)]


async def read(actor: Actor, request: ReadLog) -> str:
    parts: list[bytes] = []
    async with actor.stream(f"kubelet/{NODE}", request) as chunks:
        async for chunk in chunks:
            assert isinstance(chunk, LogChunk)
            parts.append(chunk.data)
    return b"".join(parts).decode()


async def test_logs_are_streamed_and_refusals_say_why() -> None:
    async with open_node() as node, node.world.system.client("client/a") as actor:
        containers = [{"name": "a", "image": "img"}, {"name": "b", "image": "img"}]
        node.add_pod("web")
        node.add_pod("two", containers=containers)
        await node.wait_ready("web")
        await node.wait_ready("two")
        assert await read(actor, ReadLog("default", "web")) == "simulated img started\n"
        refusals = {
            ReadLog("default", "no"): "NotFound",
            ReadLog("default", "two"): "BadRequest",
            ReadLog("default", "web", container="x"): "BadRequest",
            ReadLog("default", "web", previous=True): "BadRequest",
        }
        for request, reason in refusals.items():
            with pytest.raises(KubeletRefused) as refused:
                await read(actor, request)
            assert refused.value.reason == reason


async def test_the_same_seed_gives_the_same_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trio._core._run, "_ALLOW_DETERMINISTIC_SCHEDULING", True)

    async def history() -> list[tuple[int, str, str]]:
        trio._core._run._r.seed(1)
        stages = {"start": Stage(1, jitter_s=3), "run": Stage(5, jitter_s=9, failure_rate=0.5)}
        async with open_node(runtime(**stages)) as node:
            for number in range(5):
                node.add_pod(f"web-{number}")
            await anyio.sleep(120)
            changes = node.world.store.changes
            return [(c.revision, c.type, c.obj["metadata"]["name"]) for c in changes]

    assert await history() == await history()

"""DaemonSets: one pod per fitting node, and updates within bounds."""

from kube_actors.controllers.workloads import DAEMONSET
from tests.controllers.objects import node, template
from tests.controllers.world import World


def daemonset(**spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": template("agent", "v1"),
            **spec,
        },
    }


def places(world):
    found = []
    for one in world.all("pods"):
        if "deletionTimestamp" in one["metadata"]:
            continue
        affinity = one["spec"]["affinity"]["nodeAffinity"]
        terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        found += terms[0]["matchFields"][0]["values"]
    return sorted(found)


def start(world):
    for one in world.all("pods"):
        if not one["spec"].get("nodeName"):
            affinity = one["spec"]["affinity"]["nodeAffinity"]
            terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
            world.run(one["metadata"]["name"], node=terms[0]["matchFields"][0]["values"][0])


def test_every_fitting_node_gets_one_pod_cordoned_and_lost_ones_too():
    lost = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    cordoned = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    reserved = {"key": "reserved", "effect": "NoSchedule"}
    world = World(
        daemonset(),
        node("a"),
        node("b", taints=(lost,)),
        node("c", taints=(cordoned,)),
        node("d", taints=(reserved,)),
    )
    world.settle(DAEMONSET)
    assert places(world) == ["a", "b", "c"]
    start(world)
    world.settle(DAEMONSET)
    status = world.get("ds", "agent")["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"]) == (3, 3)
    assert (status["numberAvailable"], status["updatedNumberScheduled"]) == (3, 3)
    assert "numberUnavailable" not in status


def test_nodes_that_come_get_a_pod_and_those_that_no_longer_fit_lose_it():
    made = daemonset()
    made["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    world = World(made, node("a"))
    world.settle(DAEMONSET)
    assert places(world) == []
    world.edit("Node", "a", {"metadata": {"labels": {"disk": "ssd"}}}, namespace="")
    world.settle(DAEMONSET)
    assert places(world) == ["a"]
    world.edit("Node", "a", {"metadata": {"labels": None}}, namespace="")
    world.settle(DAEMONSET)
    assert places(world) == []


def test_a_rolling_update_replaces_one_ready_pod_at_a_time():
    world = World(daemonset(), node("a"), node("b"), node("c"))
    world.settle(DAEMONSET)
    start(world)
    world.settle(DAEMONSET)
    world.edit("ds", "agent", {"spec": {"template": template("agent", "v2")}})
    for _ in range(12):
        world.step(DAEMONSET)
        live = [one for one in world.all("pods") if "deletionTimestamp" not in one["metadata"]]
        assert sum(one["status"]["phase"] == "Running" for one in live) >= 2
        world.finish()
        world.step(DAEMONSET)
        start(world)
    images = {one["spec"]["containers"][0]["image"] for one in world.all("pods")}
    assert images == {"v2"}
    assert world.get("ds", "agent")["status"]["updatedNumberScheduled"] == 3
    assert sorted(one["revision"] for one in world.all("controllerrevisions")) == [1, 2]


def test_on_delete_waits_for_someone_to_delete_the_old_pod():
    world = World(daemonset(updateStrategy={"type": "OnDelete"}), node("a"))
    world.settle(DAEMONSET)
    start(world)
    world.edit("ds", "agent", {"spec": {"template": template("agent", "v2")}})
    world.settle(DAEMONSET)
    (pod,) = world.all("pods")
    assert pod["spec"]["containers"][0]["image"] == "v1"
    world.delete("Pod", pod["metadata"]["name"])
    world.finish()
    world.settle(DAEMONSET)
    (pod,) = world.all("pods")
    assert pod["spec"]["containers"][0]["image"] == "v2"


def test_a_failed_daemon_is_replaced():
    world = World(daemonset(), node("a"))
    world.settle(DAEMONSET)
    name = world.all("pods")[0]["metadata"]["name"]
    world.edit("Pod", name, {"status": {"phase": "Failed"}})
    world.settle(DAEMONSET)
    (pod,) = world.all("pods")
    assert pod["metadata"]["name"] != name

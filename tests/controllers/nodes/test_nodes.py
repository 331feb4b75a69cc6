"""Silent nodes: conditions, taints, lost pods, evictions, and what is left of deleted nodes."""

import pytest

from kube_actors.api import Taint
from kube_actors.controllers.loop import RequeueAfter, Round
from kube_actors.controllers.nodes import (
    TAINT_EVICTION,
    Grace,
    node_lifecycle,
    pod_garbage_collector,
)
from kube_actors.controllers.nodes.taint_eviction import (
    Exposure,
    NoExecuteTaint,
    eviction_due_s,
    tolerant_pod,
)
from tests.controllers.objects import condition, node, pod
from tests.controllers.world import START_S, World, timestamp

LIFECYCLE = node_lifecycle(Grace())
NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"


def lease(name, world):
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"renewTime": timestamp(world.now_s)},
    }


def taints(world, name):
    spec = world.get("Node", name, "")["spec"]
    return sorted((taint["key"], taint["effect"]) for taint in spec.get("taints") or ())


def ready(world, name):
    return condition(world.get("Node", name, ""), "Ready")


def test_a_node_that_is_heard_of_is_left_alone_until_its_grace_ends():
    world = World(node("a"))
    assert world.decide(LIFECYCLE, "a") == (RequeueAfter(40.0),)
    world.now_s += 39
    assert world.decide(LIFECYCLE, "a") == (RequeueAfter(1.0),)


def test_a_renewed_lease_is_a_sign_of_life():
    world = World(node("a"))
    world.now_s += 35
    world.create(lease("a", world))
    world.now_s += 35
    assert world.decide(LIFECYCLE, "a") == (RequeueAfter(5.0),)


def test_a_silent_node_becomes_unknown_tainted_and_its_pods_not_ready():
    world = World(
        node("a"), node("b"), pod("p", node="a", ready=True), pod("q", node="b", ready=True)
    )
    world.now_s += 30
    world.create(lease("b", world))
    world.now_s += 11
    world.settle(LIFECYCLE)
    assert (ready(world, "a")["status"], ready(world, "b")["status"]) == ("Unknown", "True")
    assert ready(world, "a")["reason"] == "NodeStatusUnknown"
    assert ready(world, "a")["message"] == "Kubelet stopped posting node status."
    assert (
        condition(world.get("Node", "a", ""), "DiskPressure")["reason"] == "NodeStatusNeverUpdated"
    )
    assert taints(world, "a") == [(UNREACHABLE, "NoExecute"), (UNREACHABLE, "NoSchedule")]
    assert taints(world, "b") == []
    assert condition(world.get("Pod", "p"), "Ready")["status"] == "False"
    assert condition(world.get("Pod", "q"), "Ready")["status"] == "True"
    assert "Node NodeNotReady: Node a status is now: NodeNotReady" in world.events


def test_when_every_node_is_in_trouble_nobody_is_evicted():
    world = World(node("a"), node("b"))
    world.now_s += 41
    world.settle(LIFECYCLE)
    assert taints(world, "a") == [(UNREACHABLE, "NoSchedule")]
    assert taints(world, "b") == [(UNREACHABLE, "NoSchedule")]


def test_a_node_that_says_it_is_not_ready_is_tainted_not_ready():
    world = World(node("a", ready="False"), node("b"))
    world.settle(LIFECYCLE)
    assert taints(world, "a") == [(NOT_READY, "NoExecute"), (NOT_READY, "NoSchedule")]


def test_a_node_that_comes_back_loses_our_taints_and_keeps_others():
    mine = {"key": "mine", "effect": "NoExecute"}
    stale = {"key": UNREACHABLE, "effect": "NoExecute"}
    world = World(node("a", taints=(mine, stale)))
    world.settle(LIFECYCLE)
    assert taints(world, "a") == [("mine", "NoExecute")]


def test_a_cordoned_node_and_one_under_pressure_take_no_new_pods():
    strained = node("a")
    strained["spec"]["unschedulable"] = True
    strained["status"]["conditions"].append({"type": "MemoryPressure", "status": "True"})
    world = World(strained)
    world.settle(LIFECYCLE)
    assert taints(world, "a") == [
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ]


def test_a_node_that_never_spoke_gets_its_startup_grace_and_no_pods():
    world = World(node("a", ready=""), node("b"))
    world.now_s += 50
    world.create(lease("b", world))
    world.settle(LIFECYCLE)
    assert taints(world, "a") == [(NOT_READY, "NoSchedule")]
    world.now_s += 11
    world.settle(LIFECYCLE)
    assert ready(world, "a")["reason"] == "NodeStatusNeverUpdated"


def test_a_pod_that_became_ready_after_its_node_was_lost_is_believed():
    late = pod("p", node="a", ready=True)
    late["status"]["conditions"][0]["lastTransitionTime"] = timestamp(START_S + 5)
    world = World(node("a", ready="False"), node("b"), late)
    world.settle(LIFECYCLE)
    assert condition(world.get("Pod", "p"), "Ready")["status"] == "True"


DUE = [
    ("a pod that tolerates nothing goes at once", [], 100.0),
    ("one that tolerates it for a time goes when that is over", [(UNREACHABLE, 300)], 310.0),
    ("one that tolerates it for ever stays", [(UNREACHABLE, None)], None),
    ("one that tolerates everything stays", [("", None)], None),
    ("the shortest of several times counts", [("", None), (UNREACHABLE, 5)], 15.0),
    ("a toleration of something else does not help", [(NOT_READY, None)], 100.0),
]


@pytest.mark.parametrize(("what", "tolerations", "due_s"), DUE, ids=[row[0] for row in DUE])
def test_when_a_pod_is_due_for_eviction(what, tolerations, due_s):
    obj = pod("p", node="a", uid="u")
    obj["spec"]["tolerations"] = [
        {"key": key, "operator": "Exists", "effect": "NoExecute"}
        | ({} if seconds is None else {"tolerationSeconds": seconds})
        for key, seconds in tolerations
    ]
    state = Exposure(
        tolerant_pod(obj), (NoExecuteTaint(Taint(UNREACHABLE, "", "NoExecute"), 10.0),)
    )
    assert eviction_due_s(state, 100.0) == due_s


def test_a_taint_evicts_after_the_toleration_and_spares_the_pod_when_it_goes():
    tolerant = pod("p", node="a")
    tolerant["spec"]["tolerations"] = [{"operator": "Exists", "tolerationSeconds": 300}]
    taint = {"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": timestamp(START_S)}
    world = World(node("a", "Unknown", (taint,)), tolerant)
    assert world.decide(TAINT_EVICTION, "default/p") == (RequeueAfter(300.0),)
    world.edit("Node", "a", {"spec": {"taints": None}}, namespace="")
    world.now_s += 301
    assert world.decide(TAINT_EVICTION, "default/p") == ()
    world.edit("Node", "a", {"spec": {"taints": [taint]}}, namespace="")
    world.settle(TAINT_EVICTION)
    evicted = world.get("Pod", "p")
    assert "deletionTimestamp" in evicted["metadata"]
    assert condition(evicted, "DisruptionTarget")["reason"] == "DeletionByTaintManager"
    assert "Pod TaintManagerEviction: Marking for deletion Pod default/p" in world.events


def test_pods_of_a_deleted_node_are_failed_and_removed_after_the_quarantine():
    collector = pod_garbage_collector()
    world = World(node("a"), pod("p", node="a"), pod("q", node="a"))
    world.delete("Node", "a", "")
    assert world.decide(collector, "node/a") == (RequeueAfter(40.0),)
    world.now_s += 41
    world.settle(collector)
    assert world.all("pods") == []


def test_pods_of_a_node_that_is_there_when_looked_for_are_kept():
    collector = pod_garbage_collector()
    world = World(pod("p", node="a"))
    state = collector.gather(_Empty(world, collector), "node/a")
    assert collector.reconcile(state, Round(START_S, "")) == (RequeueAfter(40.0),)
    (question,) = collector.reconcile(state, Round(START_S + 41, ""))
    answered = Round(START_S + 41, "", None, {question: node("a")})
    assert collector.reconcile(state, answered) == ()


class _Empty:
    """A view that shows pods and no node, and has never seen one."""

    def __init__(self, world, controller):
        self._pods = [controller.watches[1].project(one) for one in world.all("pods")]

    def get(self, *_place):
        return None

    def indexed(self, *_index):
        return self._pods

    def changed_at_s(self, *_place):
        return None


def test_a_deleted_pod_that_was_never_bound_is_removed():
    collector = pod_garbage_collector()
    world = World(pod("p", deletionTimestamp=timestamp(START_S)))
    world.settle(collector)
    assert world.all("pods") == []


def test_of_finished_pods_only_the_newest_stay():
    collector = pod_garbage_collector(terminated_max=2)
    world = World()
    for number in range(4):
        done = pod(f"p{number}", node="a", creationTimestamp=timestamp(START_S + number))
        done["status"]["phase"] = "Succeeded"
        world.create(done)
    world.create(node("a"))
    world.settle(collector)
    assert [one["metadata"]["name"] for one in world.all("pods")] == ["p2", "p3"]


def test_terminating_pods_of_an_out_of_service_node_are_removed():
    collector = pod_garbage_collector()
    taint = {"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}
    going = pod("p", node="a", deletionTimestamp=timestamp(START_S))
    world = World(node("a", "Unknown", (taint,)), going, pod("q", node="a"))
    world.settle(collector)
    assert [one["metadata"]["name"] for one in world.all("pods")] == ["q"]

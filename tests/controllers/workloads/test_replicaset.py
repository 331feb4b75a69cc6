"""What a ReplicaSet does about its pods, decided on plain objects."""

import pytest

from kube_actors.controllers.loop import (
    Create,
    Delete,
    Failure,
    Look,
    Patch,
    RequeueAfter,
    Round,
    Together,
)
from kube_actors.controllers.objects import pod_record
from kube_actors.controllers.workloads import REPLICASET
from kube_actors.controllers.workloads.replicaset import (
    ReplicaSetState,
    reconcile,
    replicaset_record,
)
from tests.controllers.objects import condition, owned_by, pod, replicaset
from tests.controllers.world import START_S, World, WorldView, timestamp


def names(world):
    return [one["metadata"]["name"] for one in world.all("pods")]


def test_missing_pods_are_created_from_the_template_and_controlled_by_the_set():
    world = World(replicaset(replicas=3))
    world.settle(REPLICASET)
    pods = world.all("pods")
    assert len(pods) == 3
    assert all(one["metadata"]["name"].startswith("web-") for one in pods)
    assert all(len(one["metadata"]["name"]) == len("web-") + 5 for one in pods)
    owner = pods[0]["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ReplicaSet", "web", True)
    assert pods[0]["spec"]["containers"][0]["image"] == "v1"
    status = world.get("rs", "web")["status"]
    assert (status["replicas"], status["fullyLabeledReplicas"]) == (3, 3)
    assert "readyReplicas" not in status


def test_the_status_follows_readiness():
    world = World(replicaset(replicas=2))
    world.settle(REPLICASET)
    world.run()
    world.settle(REPLICASET)
    status = world.get("rs", "web")["status"]
    assert (status["readyReplicas"], status["availableReplicas"]) == (2, 2)
    assert status["observedGeneration"] == 1


def test_a_terminating_pod_is_replaced_at_once():
    world = World(replicaset(replicas=1))
    world.settle(REPLICASET)
    world.run()
    world.delete("Pod", names(world)[0])
    world.settle(REPLICASET)
    assert len(names(world)) == 2
    status = world.get("rs", "web")["status"]
    assert (status["replicas"], status["terminatingReplicas"]) == (1, 1)


def test_a_failed_pod_is_replaced_and_left_alone():
    world = World(replicaset(replicas=1))
    world.settle(REPLICASET)
    world.edit("Pod", names(world)[0], {"status": {"phase": "Failed"}})
    world.settle(REPLICASET)
    assert len(names(world)) == 2


def test_too_many_pods_are_deleted_the_unready_first():
    world = World(replicaset(replicas=3))
    world.settle(REPLICASET)
    keep = names(world)[1]
    world.run(keep)
    world.edit("rs", "web", {"spec": {"replicas": 1}})
    world.settle(REPLICASET)
    assert names(world) == [keep]


def test_matching_orphans_are_adopted_after_a_live_look_at_the_set():
    world = World(replicaset(replicas=1), pod("stray"))
    state = REPLICASET.gather(WorldView(world, REPLICASET), "default/web")
    first = reconcile(state, Round(START_S, timestamp(START_S)))
    assert first == (Look("ReplicaSet", "default", "web"),)
    world.settle(REPLICASET)
    stray = world.get("Pod", "stray")
    assert stray["metadata"]["ownerReferences"][0]["name"] == "web"
    assert names(world) == ["stray"]


@pytest.mark.parametrize("meta", [{"deletionTimestamp": timestamp(START_S)}, {"uid": "another"}])
def test_a_set_that_is_going_or_was_replaced_adopts_nothing(meta):
    live = replicaset(replicas=1, uid="mine", resourceVersion="7", generation=1)
    stray = pod("stray", uid="stray-uid", resourceVersion="3")
    state = ReplicaSetState(replicaset_record(live), (), (pod_record(stray),))
    changed = {**live, "metadata": {**live["metadata"], **meta}}
    answers = {Look("ReplicaSet", "default", "web"): changed}
    effects = reconcile(state, Round(START_S, timestamp(START_S), None, answers))
    assert not any(isinstance(one, Patch) and one.kind == "Pod" for one in effects)


def test_an_owned_pod_that_no_longer_matches_is_released_and_replaced():
    world = World(replicaset(replicas=1))
    world.settle(REPLICASET)
    (name,) = names(world)
    world.edit("Pod", name, {"metadata": {"labels": {"app": "debug"}}})
    world.settle(REPLICASET)
    assert len(names(world)) == 2
    assert not world.get("Pod", name)["metadata"]["ownerReferences"]


def test_a_pod_of_another_controller_is_not_adopted():
    other = replicaset("other", uid="other-uid")
    world = World(replicaset(replicas=1), pod("theirs", ownerReferences=[owned_by(other)]))
    world.settle(REPLICASET)
    assert len(names(world)) == 2


def test_a_refused_pod_is_told_in_the_status_and_forgotten_when_it_works():
    world = World(replicaset(replicas=1))
    world.refuse["Pod"] = 'pods "web-x" is forbidden: exceeded quota'
    world.step(REPLICASET)
    world.step(REPLICASET)
    failure = condition(world.get("rs", "web"), "ReplicaFailure")
    assert (failure["status"], failure["reason"]) == ("True", "FailedCreate")
    assert "exceeded quota" in failure["message"]
    world.refuse.clear()
    world.settle(REPLICASET)
    assert condition(world.get("rs", "web"), "ReplicaFailure") == {}


def test_asking_twice_from_the_same_view_names_the_same_pods():
    state = ReplicaSetState(replicaset_record(replicaset(replicas=4, uid="u")))

    def asked(round_):
        (together,) = [e for e in reconcile(state, round_) if isinstance(e, Together)]
        assert together.slow_start
        return [one.object["metadata"]["name"] for one in together.effects]

    first = asked(Round(START_S, timestamp(START_S)))
    assert asked(Round(START_S + 9, timestamp(START_S))) == first
    assert len(set(first)) == 4
    taken = Failure("create", "Pod", first[0], "AlreadyExists", "", 1)
    assert asked(Round(START_S, timestamp(START_S), taken)) != first


def test_at_most_500_pods_are_asked_for_at_once():
    state = ReplicaSetState(replicaset_record(replicaset(replicas=2000, uid="u")))
    effects = reconcile(state, Round(START_S, timestamp(START_S)))
    (together,) = [one for one in effects if isinstance(one, Together)]
    assert len(together.effects) == 500
    assert isinstance(together.effects[0], Create)


def test_a_ready_pod_counts_as_available_only_after_min_ready_seconds():
    obj = replicaset(replicas=1, uid="u")
    obj["spec"]["minReadySeconds"] = 10
    ready = pod("a", node="n", ready=True, uid="p", ownerReferences=[])
    state = ReplicaSetState(replicaset_record(obj), (pod_record(ready),))
    early = reconcile(state, Round(START_S + 4, timestamp(START_S + 4)))
    assert RequeueAfter(6.0) in early
    assert "availableReplicas" not in early[0].body["status"]
    late = reconcile(state, Round(START_S + 10, timestamp(START_S + 10)))
    assert late[0].body["status"]["availableReplicas"] == 1


RANKS = [
    ("an unassigned pod before an assigned one", {"node": ""}, {"node": "n"}),
    ("a cheap pod before a dear one", {"cost": "-5"}, {"cost": "5"}),
    ("an unready pod before a ready one", {"ready": False}, {"ready": True}),
    ("a crowded node before an empty one", {"node": "full"}, {"node": "n"}),
    ("an often restarted pod before a stable one", {"restarts": 9}, {"restarts": 0}),
    ("a pod ready for moments before one ready for hours", {"since": 1}, {"since": 9000}),
]


@pytest.mark.parametrize(("what", "first", "second"), RANKS, ids=[rank[0] for rank in RANKS])
def test_pods_are_deleted_in_kubernetes_order(what, first, second):
    def made(name, uid, node="n", ready=True, cost="0", restarts=0, since=100):
        annotations = {"controller.kubernetes.io/pod-deletion-cost": cost}
        obj = pod(name, node=node, ready=ready, uid=uid, annotations=annotations)
        obj["metadata"]["creationTimestamp"] = timestamp(START_S)
        obj["status"]["containerStatuses"] = [{"restartCount": restarts}]
        for one in obj["status"].get("conditions", ()):
            one["lastTransitionTime"] = timestamp(START_S + 10_000 - since)
        return pod_record(obj)

    doomed, kept = made("b", "uid-b", **first), made("a", "uid-a", **second)
    state = ReplicaSetState(
        replicaset_record(replicaset(replicas=1, uid="u")),
        (kept, doomed),
        related_on_node={"full": 5, "n": 1},
    )
    effects = reconcile(state, Round(START_S + 10_000, timestamp(START_S)))
    (together,) = [one for one in effects if isinstance(one, Together)]
    assert [type(one) for one in together.effects] == [Delete]
    assert together.effects[0].name == "b"


def test_a_deleted_set_makes_no_pods():
    world = World(replicaset(replicas=2, finalizers=["x"]))
    world.delete("rs", "web")
    world.settle(REPLICASET)
    assert names(world) == []

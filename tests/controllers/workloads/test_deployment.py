"""How a Deployment rolls, scales, pauses, rolls back and reports, decided on plain objects."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.controllers.objects import template_digest
from kube_actors.controllers.workloads import REPLICASET
from kube_actors.controllers.workloads.deployment import DEPLOYMENT
from kube_actors.controllers.workloads.deployment.rollout import strategy_of
from tests.controllers.objects import condition, deployment, replicaset, template
from tests.controllers.world import World

REVISION = "deployment.kubernetes.io/revision"


def settle(world, *, ready=True, rounds=20):
    """Let both controllers and, if ``ready``, the kubelet do their work."""
    for _ in range(rounds):
        before = world.revision
        world.settle(DEPLOYMENT, REPLICASET)
        if ready:
            world.run()
            world.finish()
        if world.revision == before:
            return
    raise AssertionError("the rollout does not come to rest")


def sizes(world):
    """Replicas by image."""
    return {
        one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
        for one in world.all("rs")
    }


def set_image(world, image):
    world.edit("deploy", "web", {"spec": {"template": template("web", image)}})


def revision(world):
    return world.get("deploy", "web")["metadata"]["annotations"][REVISION]


def images(world):
    return [one["spec"]["containers"][0]["image"] for one in world.all("pods")]


def test_a_new_deployment_makes_a_hashed_replicaset_and_says_so():
    world = World(deployment(replicas=2))
    settle(world)
    (replicaset_,) = world.all("rs")
    hash_ = replicaset_["metadata"]["labels"]["pod-template-hash"]
    assert replicaset_["metadata"]["name"] == f"web-{hash_}"
    assert replicaset_["spec"]["selector"]["matchLabels"]["pod-template-hash"] == hash_
    assert replicaset_["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] == hash_
    assert replicaset_["metadata"]["annotations"] == {
        REVISION: "1",
        "deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3",
    }
    name = replicaset_["metadata"]["name"]
    assert world.events == [
        f"Deployment ScalingReplicaSet: Scaled up replica set {name} from 0 to 2"
    ]
    assert revision(world) == "1"
    status = world.get("deploy", "web")["status"]
    members = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    assert [status[member] for member in members] == [2, 2, 2, 2]
    assert "unavailableReplicas" not in status
    assert status["observedGeneration"] == 1
    done = condition(world.get("deploy", "web"), "Progressing")
    assert (done["status"], done["reason"]) == ("True", "NewReplicaSetAvailable")
    assert done["message"] == f'ReplicaSet "{name}" has successfully progressed.'


def test_the_template_hash_does_not_depend_on_the_order_or_on_nothing():
    one = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"x": 1}}
    two = {
        "spec": {"x": 1, "volumes": []},
        "metadata": {"creationTimestamp": None, **one["metadata"]},
    }
    assert template_digest(one) == template_digest(two)


def test_availability_is_told_as_it_comes_and_goes():
    world = World(deployment(replicas=2))
    settle(world, ready=False)
    found = condition(world.get("deploy", "web"), "Available")
    assert (found["status"], found["reason"]) == ("False", "MinimumReplicasUnavailable")
    settle(world)
    found = condition(world.get("deploy", "web"), "Available")
    assert (found["status"], found["reason"]) == ("True", "MinimumReplicasAvailable")


def test_a_new_template_rolls_within_both_bounds_to_the_end():
    world = World(deployment(replicas=4))
    settle(world)
    set_image(world, "v2")
    for _ in range(40):
        world.step(DEPLOYMENT)
        world.step(REPLICASET)
        pods = [one for one in world.all("pods") if "deletionTimestamp" not in one["metadata"]]
        ready = [one for one in pods if one["status"]["phase"] == "Running"]
        assert len(pods) <= 5
        assert len(ready) >= 3
        world.run(*[one["metadata"]["name"] for one in pods[:1]])
        world.run(
            *[one["metadata"]["name"] for one in pods if one["status"]["phase"] != "Running"][:1]
        )
        world.finish()
    assert sizes(world) == {"v1": 0, "v2": 4}
    assert revision(world) == "2"
    assert images(world) == ["v2"] * 4


def test_a_broken_image_never_takes_the_old_pods_down():
    world = World(deployment(replicas=4))
    settle(world)
    set_image(world, "broken")
    settle(world, ready=False)
    assert sizes(world) == {"v1": 3, "broken": 2}


def test_going_back_to_an_old_template_reuses_its_replicaset_and_numbers_it_anew():
    world = World(deployment(replicas=2))
    settle(world)
    set_image(world, "v2")
    settle(world)
    set_image(world, "v1")
    settle(world)
    assert sizes(world) == {"v1": 2, "v2": 0}
    assert revision(world) == "3"
    back = next(one for one in world.all("rs") if one["spec"]["replicas"] == 2)
    assert back["metadata"]["annotations"][REVISION] == "3"
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"


def test_a_paused_deployment_scales_but_does_not_roll():
    world = World(deployment(replicas=2))
    settle(world)
    world.edit("deploy", "web", {"spec": {"paused": True}})
    settle(world)
    found = condition(world.get("deploy", "web"), "Progressing")
    assert (found["status"], found["reason"]) == ("Unknown", "DeploymentPaused")
    set_image(world, "v2")
    world.edit("deploy", "web", {"spec": {"replicas": 4}})
    settle(world)
    assert sizes(world) == {"v1": 4}
    assert world.get("deploy", "web")["status"]["observedGeneration"] == 4
    world.edit("deploy", "web", {"spec": {"paused": None}})
    settle(world)
    assert sizes(world) == {"v1": 0, "v2": 4}
    found = condition(world.get("deploy", "web"), "Progressing")
    assert found["reason"] == "NewReplicaSetAvailable"


def test_scaling_during_a_rollout_is_shared_between_old_and_new():
    world = World(deployment(replicas=10))
    settle(world)
    set_image(world, "v2")
    settle(world, ready=False)
    assert sizes(world) == {"v1": 8, "v2": 5}
    world.edit("deploy", "web", {"spec": {"replicas": 20}})
    settle(world, ready=False)
    assert sum(sizes(world).values()) == 25
    assert sizes(world)["v1"] > 8
    settle(world)
    assert sizes(world) == {"v1": 0, "v2": 20}


def test_scaling_to_zero_and_back_keeps_the_revision():
    world = World(deployment(replicas=3))
    settle(world)
    for replicas in (0, 2):
        world.edit("deploy", "web", {"spec": {"replicas": replicas}})
        settle(world)
        assert sizes(world) == {"v1": replicas}
        assert len(world.all("pods")) == replicas
    assert revision(world) == "1"


def test_recreate_starts_new_pods_only_when_no_old_one_is_left():
    world = World(deployment(replicas=2, strategy={"type": "Recreate"}))
    settle(world)
    set_image(world, "v2")
    for _ in range(6):
        world.settle(DEPLOYMENT, REPLICASET)
    assert set(images(world)) == {"v1"}
    assert all("deletionTimestamp" in one["metadata"] for one in world.all("pods"))
    settle(world)
    assert images(world) == ["v2", "v2"]


def test_a_rollout_without_progress_is_told_after_the_deadline():
    world = World(deployment(replicas=2, progressDeadlineSeconds=60))
    settle(world, ready=False)
    world.now_s += 61
    settle(world, ready=False)
    found = condition(world.get("deploy", "web"), "Progressing")
    name = world.all("rs")[0]["metadata"]["name"]
    assert (found["status"], found["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert found["message"] == f'ReplicaSet "{name}" has timed out progressing.'
    settle(world)
    found = condition(world.get("deploy", "web"), "Progressing")
    assert found["reason"] == "NewReplicaSetAvailable"


def test_old_replicasets_beyond_the_history_limit_are_deleted_oldest_first():
    world = World(deployment(replicas=1, revisionHistoryLimit=1))
    for image in ("v1", "v2", "v3"):
        set_image(world, image)
        settle(world)
    assert sizes(world) == {"v2": 0, "v3": 1}


def test_a_replicaset_that_cannot_be_created_is_told_in_the_conditions():
    world = World(deployment(replicas=1))
    world.refuse["ReplicaSet"] = "no room"
    world.step(DEPLOYMENT)
    world.step(DEPLOYMENT)
    found = condition(world.get("deploy", "web"), "Progressing")
    assert (found["status"], found["reason"]) == ("False", "ReplicaSetCreateError")
    assert found["message"].endswith(": no room")
    world.refuse.clear()
    settle(world)
    assert sizes(world) == {"v1": 1}


def test_a_name_taken_by_another_replicaset_counts_as_a_collision():
    world = World(deployment(replicas=1))
    settle(world)
    name = world.all("rs")[0]["metadata"]["name"]
    fresh = World(replicaset(name, 0, labels={"app": "other"}), deployment(replicas=1))
    for _ in range(4):
        fresh.step(DEPLOYMENT)
    assert fresh.get("deploy", "web")["status"]["collisionCount"] == 1
    settle(fresh)
    assert len(fresh.all("rs")) == 2


def test_a_matching_replicaset_without_owner_is_adopted_and_used():
    world = World(replicaset("web", 2), deployment(replicas=2))
    settle(world)
    assert len(world.all("rs")) == 1
    assert world.get("rs", "web")["metadata"]["ownerReferences"][0]["name"] == "web"


def test_an_annotation_of_the_deployment_reaches_its_replicaset():
    world = World(deployment(replicas=1))
    settle(world)
    world.edit(
        "deploy", "web", {"metadata": {"annotations": {"kubernetes.io/change-cause": "why"}}}
    )
    settle(world)
    assert world.all("rs")[0]["metadata"]["annotations"]["kubernetes.io/change-cause"] == "why"


def test_min_ready_seconds_holds_the_rollout_back():
    world = World(
        deployment(
            replicas=2,
            minReadySeconds=30,
            strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        )
    )
    settle(world)
    world.now_s += 31
    settle(world)
    set_image(world, "v2")
    settle(world)
    assert sizes(world) == {"v1": 2, "v2": 1}
    for _ in range(3):
        world.now_s += 31
        settle(world)
    assert sizes(world) == {"v1": 0, "v2": 2}


@settings(max_examples=40, deadline=None)
@given(
    replicas=st.integers(1, 12),
    surge=st.one_of(st.integers(0, 5), st.sampled_from(["10%", "25%", "100%"])),
    unavailable=st.one_of(st.integers(0, 5), st.sampled_from(["10%", "25%", "50%"])),
    data=st.data(),
)
def test_whatever_becomes_ready_when_the_bounds_hold(replicas, surge, unavailable, data):
    bounds = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": bounds}
    world = World(deployment(replicas=replicas, strategy=strategy))
    settle(world)
    plan = strategy_of(world.get("deploy", "web")["spec"])
    set_image(world, "v2")
    for _ in range(data.draw(st.integers(3, 25))):
        world.step(DEPLOYMENT)
        world.step(REPLICASET)
        live = [one for one in world.all("pods") if "deletionTimestamp" not in one["metadata"]]
        ready = [one for one in live if one["status"]["phase"] == "Running"]
        assert len(live) <= plan.total_max
        assert len(ready) >= plan.replicas - plan.max_unavailable
        waiting = [one["metadata"]["name"] for one in live if one not in ready]
        if waiting:
            world.run(*waiting[: data.draw(st.integers(1, len(waiting)))])
        if data.draw(st.booleans()):
            world.finish()
    settle(world, rounds=60)
    assert sizes(world)["v2"] == replicas
    assert sum(sizes(world).values()) == replicas


@pytest.mark.parametrize("strategy", ["RollingUpdate", "Recreate"])
def test_a_settled_deployment_writes_nothing(strategy):
    world = World(deployment(replicas=2, strategy={"type": strategy}))
    settle(world)
    before = world.revision
    world.now_s += 3600
    settle(world)
    assert world.revision == before

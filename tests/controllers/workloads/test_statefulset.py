"""StatefulSets: order, stable names, claims, partitions."""

from kube_actors.controllers.workloads import STATEFULSET
from tests.controllers.objects import template
from tests.controllers.world import World


def statefulset(**spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": 3,
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}},
            "template": template("db", "v1"),
            **spec,
        },
    }


def names(world):
    return [one["metadata"]["name"] for one in world.all("pods")]


def images(world):
    return [one["spec"]["containers"][0]["image"] for one in world.all("pods")]


def settle(world, rounds=20):
    for _ in range(rounds):
        before = world.revision
        world.settle(STATEFULSET)
        world.run()
        world.finish()
        if world.revision == before:
            return
    raise AssertionError("does not come to rest")


def test_pods_come_one_after_the_other_and_go_in_the_opposite_order():
    world = World(statefulset())
    world.settle(STATEFULSET)
    assert names(world) == ["db-0"]
    world.run()
    world.settle(STATEFULSET)
    assert names(world) == ["db-0", "db-1"]
    settle(world)
    assert names(world) == ["db-0", "db-1", "db-2"]
    world.edit("sts", "db", {"spec": {"replicas": 1}})
    world.settle(STATEFULSET)
    going = [
        one["metadata"]["name"]
        for one in world.all("pods")
        if "deletionTimestamp" in one["metadata"]
    ]
    assert going == ["db-2"]
    settle(world)
    assert names(world) == ["db-0"]


def test_in_parallel_nobody_waits():
    world = World(statefulset(podManagementPolicy="Parallel"))
    world.settle(STATEFULSET)
    assert names(world) == ["db-0", "db-1", "db-2"]


def test_a_pod_has_its_name_its_index_its_host_and_its_claims():
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    world = World(statefulset(volumeClaimTemplates=[claim]))
    world.settle(STATEFULSET)
    (pod,) = world.all("pods")
    labels = pod["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-0"
    assert labels["apps.kubernetes.io/pod-index"] == "0"
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-0", "db")
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}
    assert pod["spec"]["volumes"] == [volume]
    assert world.get("pvc", "data-db-0")["metadata"]["labels"] == {"app": "db"}


def test_a_deleted_pod_comes_back_under_its_name_when_it_is_gone():
    world = World(statefulset())
    settle(world)
    uid = world.get("Pod", "db-1")["metadata"]["uid"]
    world.delete("Pod", "db-1")
    world.settle(STATEFULSET)
    assert world.get("Pod", "db-1")["metadata"]["uid"] == uid
    world.finish()
    settle(world)
    assert world.get("Pod", "db-1")["metadata"]["uid"] != uid


def test_an_update_goes_from_the_top_and_tells_when_it_is_complete():
    world = World(statefulset())
    settle(world)
    world.edit("sts", "db", {"spec": {"template": template("db", "v2")}})
    world.settle(STATEFULSET)
    world.finish()
    world.settle(STATEFULSET)
    assert images(world) == ["v1", "v1", "v2"]
    settle(world)
    assert images(world) == ["v2", "v2", "v2"]
    status = world.get("sts", "db")["status"]
    assert status["currentRevision"] == status["updateRevision"]
    assert (status["updatedReplicas"], status["currentReplicas"]) == (3, 3)
    assert sorted(one["revision"] for one in world.all("controllerrevisions")) == [1, 2]


def test_below_the_partition_even_a_replaced_pod_keeps_the_old_template():
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    world = World(statefulset(updateStrategy=strategy))
    settle(world)
    world.edit("sts", "db", {"spec": {"template": template("db", "v2")}})
    settle(world)
    assert images(world) == ["v1", "v1", "v2"]
    world.delete("Pod", "db-0")
    world.finish()
    settle(world)
    assert images(world) == ["v1", "v1", "v2"]


def test_a_template_asked_for_again_gets_the_next_number():
    world = World(statefulset(replicas=1))
    for image in ("v1", "v2", "v1"):
        world.edit("sts", "db", {"spec": {"template": template("db", image)}})
        settle(world)
    assert images(world) == ["v1"]
    assert sorted(one["revision"] for one in world.all("controllerrevisions")) == [2, 3]

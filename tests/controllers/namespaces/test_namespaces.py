"""What every namespace gets, and how one goes."""

from kube_actors.controllers.namespaces import (
    SERVICE_ACCOUNT,
    namespace_controller,
    root_ca_publisher,
)
from tests.controllers.objects import condition, config_map, namespace, pod
from tests.controllers.world import World

NAMESPACE = namespace_controller()
PUBLISHER = root_ca_publisher("-----BEGIN CERTIFICATE-----")


def test_every_namespace_gets_its_default_account_again_and_again():
    world = World(namespace("a"), namespace("b"))
    world.settle(SERVICE_ACCOUNT)
    assert [one["metadata"]["namespace"] for one in world.all("sa")] == ["a", "b"]
    world.delete("sa", "default", "a")
    world.settle(SERVICE_ACCOUNT)
    assert len(world.all("sa")) == 2


def test_a_namespace_on_its_way_out_gets_nothing_new():
    world = World(namespace("a"))
    world.delete("ns", "a", "")
    world.settle(SERVICE_ACCOUNT, PUBLISHER)
    assert world.all("sa") == []
    assert world.all("cm") == []


def test_the_certificate_is_published_and_put_right():
    world = World(namespace("a"))
    world.settle(PUBLISHER)
    bundle = world.get("cm", "kube-root-ca.crt", "a")
    assert bundle["data"] == {"ca.crt": "-----BEGIN CERTIFICATE-----"}
    world.edit("cm", "kube-root-ca.crt", {"data": {"ca.crt": "forged", "x": "y"}}, namespace="a")
    world.settle(PUBLISHER)
    bundle = world.get("cm", "kube-root-ca.crt", "a")
    assert bundle["data"] == {"ca.crt": "-----BEGIN CERTIFICATE-----"}


def test_a_deleted_namespace_is_emptied_and_then_goes():
    world = World(namespace("a"), namespace("b"), config_map("x", "a"), config_map("y", "b"))
    world.delete("ns", "a", "")
    world.settle(NAMESPACE)
    assert [one["metadata"]["name"] for one in world.all("ns")] == ["b"]
    assert [one["metadata"]["name"] for one in world.all("cm")] == ["y"]


def test_a_living_namespace_is_left_alone():
    world = World(namespace("a"), config_map("x", "a"))
    world.settle(NAMESPACE)
    assert len(world.all("cm")) == 1


def test_pods_go_before_what_they_use_and_the_conditions_say_what_is_left():
    world = World(namespace("a"), config_map("x", "a"))
    world.create(pod("p", node="n") | {"metadata": {"name": "p", "namespace": "a"}})
    world.delete("ns", "a", "")
    world.settle(NAMESPACE)
    assert len(world.all("cm")) == 1
    found = condition(world.get("ns", "a", ""), "NamespaceContentRemaining")
    assert found["status"] == "True"
    assert found["message"] == (
        "Some resources are remaining: configmaps. has 1 resource instances, "
        "pods. has 1 resource instances"
    )
    world.finish()
    world.settle(NAMESPACE)
    assert world.all("ns") == []


def test_a_foreign_finalizer_keeps_the_namespace_and_is_named():
    world = World(namespace("a"), config_map("x", "a", finalizers=["example.com/hold"]))
    world.delete("ns", "a", "")
    world.settle(NAMESPACE)
    found = condition(world.get("ns", "a", ""), "NamespaceFinalizersRemaining")
    assert found["reason"] == "SomeFinalizersRemain"
    assert found["message"].endswith("example.com/hold in 1 resource instances")
    world.edit("cm", "x", {"metadata": {"finalizers": None}}, namespace="a")
    world.settle(NAMESPACE)
    assert world.all("ns") == []

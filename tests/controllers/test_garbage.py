"""Owners and dependents: the three cascades, and never deleting on hearsay."""

from kube_actors.controllers.garbage import garbage_collector
from kube_actors.controllers.loop import Delete, Look, Round
from tests.controllers.objects import config_map, owned_by
from tests.controllers.world import START_S, World, WorldView, timestamp

COLLECTOR = garbage_collector()


def family(**meta):
    """A parent with two children, one of which has a child."""
    world = World(config_map("parent", **meta))
    parent = world.get("cm", "parent")
    first = world.create(config_map("first", ownerReferences=[owned_by(parent)]))
    world.create(config_map("second", ownerReferences=[owned_by(parent)]))
    world.create(config_map("grandchild", ownerReferences=[owned_by(first)]))
    return world


def names(world):
    return [one["metadata"]["name"] for one in world.all("cm")]


def test_in_the_background_dependents_follow_their_owner():
    world = family()
    world.delete("cm", "parent")
    world.settle(COLLECTOR)
    assert names(world) == []


def test_in_the_foreground_the_owner_waits_for_what_blocks_it():
    world = family()
    world.edit("cm", "grandchild", {"metadata": {"finalizers": ["hold"]}})
    world.delete("cm", "parent", propagation="Foreground")
    world.settle(COLLECTOR)
    assert names(world) == ["first", "grandchild", "parent"]
    world.edit("cm", "grandchild", {"metadata": {"finalizers": None}})
    world.settle(COLLECTOR)
    assert names(world) == []


def test_a_dependent_that_does_not_block_is_not_waited_for():
    world = World(config_map("parent"))
    owner = owned_by(world.get("cm", "parent"), block=False)
    world.create(config_map("child", ownerReferences=[owner], finalizers=["hold"]))
    world.delete("cm", "parent", propagation="Foreground")
    world.settle(COLLECTOR)
    assert names(world) == ["child"]


def test_orphans_are_freed_and_stay():
    world = family()
    world.delete("cm", "parent", propagation="Orphan")
    world.settle(COLLECTOR)
    assert names(world) == ["first", "grandchild", "second"]
    assert "ownerReferences" not in world.get("cm", "first")["metadata"]
    assert "ownerReferences" in world.get("cm", "grandchild")["metadata"]


def test_an_object_with_another_living_owner_only_loses_the_dead_one():
    world = World(config_map("dead"), config_map("alive"))
    owners = [owned_by(world.get("cm", name), controller=False) for name in ("dead", "alive")]
    world.create(config_map("child", ownerReferences=owners))
    world.delete("cm", "dead")
    world.settle(COLLECTOR)
    (left,) = world.get("cm", "child")["metadata"]["ownerReferences"]
    assert left["name"] == "alive"


def test_an_owner_that_came_back_under_its_name_is_another_owner():
    world = family()
    world.delete("cm", "parent")
    world.create(config_map("parent"))
    world.settle(COLLECTOR)
    assert names(world) == ["parent"]


def test_an_owner_the_view_does_not_show_is_looked_for_before_anything_is_deleted():
    world = family()
    parent = world.objects.pop(world.place("cm", "default", "parent"))
    state = COLLECTOR.gather(WorldView(world, COLLECTOR), "configmaps default/second")
    (question,) = COLLECTOR.reconcile(state, Round(START_S, timestamp(START_S)))
    assert question == Look("configmaps", "default", "parent")
    there = Round(START_S, timestamp(START_S), None, {question: parent})
    assert COLLECTOR.reconcile(state, there) == ()
    gone = Round(START_S, timestamp(START_S), None, {question: None})
    (delete,) = COLLECTOR.reconcile(state, gone)
    assert isinstance(delete, Delete)
    assert (delete.name, delete.propagation) == ("second", "Background")
    assert delete.uid == state.node.uid
    assert delete.resource_version == str(state.node.resource_version)


def test_an_owner_seen_to_go_needs_no_second_look():
    world = family()
    world.delete("cm", "parent")
    state = COLLECTOR.gather(WorldView(world, COLLECTOR), "configmaps default/second")
    (effect,) = COLLECTOR.reconcile(state, Round(START_S, timestamp(START_S)))
    assert isinstance(effect, Delete)


def test_owners_of_an_unknown_kind_keep_their_dependents():
    owner = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": "w-uid"}
    world = World(config_map("child", ownerReferences=[owner]))
    world.settle(COLLECTOR)
    assert names(world) == ["child"]


def test_two_that_own_each_other_can_still_be_deleted_in_the_foreground():
    world = World(config_map("a"), config_map("b"))
    for one, other in (("a", "b"), ("b", "a")):
        owners = [owned_by(world.get("cm", other))]
        world.edit("cm", one, {"metadata": {"ownerReferences": owners}})
    world.delete("cm", "a", propagation="Foreground")
    world.settle(COLLECTOR)
    assert names(world) == []

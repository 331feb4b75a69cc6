"""No object that the API server accepts may bring a controller down."""

import pytest

from kube_actors.api import BUILTIN
from kube_actors.controllers import ControllersConfig, controllers
from tests.controllers.world import World

CONTROLLERS = controllers(ControllersConfig(1, ("apiserver/1",), root_certificate="PEM"))
ODD = {
    "spec": [None, {}],
    "status": [None, {}, {"conditions": []}, {"conditions": [{"type": "Ready"}]}],
}


@pytest.mark.parametrize("controller", CONTROLLERS, ids=lambda controller: controller.name)
def test_a_bare_object_of_every_watched_kind_is_survived(controller):
    for spec in ODD["spec"]:
        for status in ODD["status"]:
            world = World()
            for watch in controller.watches:
                kind = BUILTIN.find(watch.kind)
                obj = {
                    "apiVersion": kind.api_version,
                    "kind": kind.kind,
                    "metadata": {"name": "odd", "labels": {"a": "b"}},
                }
                obj |= {"spec": spec} if spec is not None else {}
                obj |= {"status": status} if status is not None else {}
                world.create(obj)
            world.settle(controller)


def test_names_of_controllers_are_unique_and_an_unknown_one_is_refused():
    names = [controller.name for controller in CONTROLLERS]
    assert len(set(names)) == len(names)
    config = ControllersConfig(1, ("apiserver/1",), only=("nonsense",))
    with pytest.raises(ValueError, match="no such controller: nonsense; there are"):
        controllers(config)


@pytest.mark.parametrize(
    "times", [{"node_grace_s": 0.0}, {"node_monitor_s": -1.0}, {"patience_s": 0.0}]
)
def test_times_that_make_no_sense_are_refused(times):
    with pytest.raises(ValueError):
        ControllersConfig(1, ("apiserver/1",), **times)

"""That a node is dead follows from its record and the last sign of life alone."""

from kube_actors.controllers.nodes import Grace
from kube_actors.controllers.nodes.liveness import dead_at_s, node_record
from tests.controllers.objects import node
from tests.controllers.world import START_S, World

GRACE = Grace(node_s=40.0, startup_s=60.0)


def record(**status):
    return node_record(World(node("a", **status)).get("Node", "a", ""))


def test_a_node_is_dead_one_grace_period_after_it_was_last_heard_of():
    assert dead_at_s(record(), START_S, GRACE) == START_S + 40.0


def test_a_node_that_never_spoke_has_the_longer_of_the_two_graces():
    silent = record(ready="")
    assert dead_at_s(silent, START_S, GRACE) == START_S + 60.0
    assert dead_at_s(silent, START_S + 30.0, GRACE) == START_S + 70.0


def test_a_node_that_counts_as_dead_does_not_die_again():
    assert dead_at_s(record(ready="Unknown"), START_S, GRACE) is None

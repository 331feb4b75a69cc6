"""A key waits until its view shows what it wrote, and not for ever."""

from attrs import frozen

from kube_actors.controllers.loop.fences import Fences, Written


@frozen
class Seen:
    uid: str
    resource_version: int
    deleting: bool = False


def fenced(view):
    return Fences(lambda kind, namespace, name: view.get((kind, namespace, name)), 5.0)


def test_a_created_object_must_appear():
    view = {}
    fences = fenced(view)
    fences.lay("k", [Written("pods", "a", "p", "u", 7, created=True)], 0.0)
    assert fences.holds("k", 1.0) == 4.0
    view["pods", "a", "p"] = Seen("u", 7)
    assert fences.saw("pods", 7, 1.0) == ["k"]
    assert fences.holds("k", 1.0) == 0.0


def test_a_later_event_of_the_same_kind_proves_that_the_view_has_passed():
    fences = fenced({})
    fences.lay("k", [Written("pods", "a", "p", "u", 7, created=True)], 0.0)
    assert fences.holds("k", 0.0) > 0
    assert fences.saw("services", 99, 0.0) == []
    assert fences.saw("pods", 8, 0.0) == ["k"]


def test_a_deleted_object_must_go_or_be_seen_going():
    view = {("pods", "a", "p"): Seen("u", 7)}
    fences = fenced(view)
    fences.lay("k", [Written("pods", "a", "p", "u", 9, gone=True)], 0.0)
    assert fences.holds("k", 0.0) > 0
    view["pods", "a", "p"] = Seen("u", 9, deleting=True)
    assert fences.holds("k", 0.0) == 0.0


def test_all_writes_must_show_not_only_the_last():
    view = {("pods", "a", "q"): Seen("v", 8)}
    fences = fenced(view)
    writes = [Written("pods", "a", name, uid, 8, created=True) for name, uid in ("pu", "qv")]
    fences.lay("k", writes, 0.0)
    assert fences.holds("k", 0.0) > 0
    view["pods", "a", "p"] = Seen("u", 8)
    assert fences.holds("k", 0.0) == 0.0


def test_patience_ends():
    fences = fenced({})
    fences.lay("k", [Written("pods", "a", "p", "u", 7, created=True)], 0.0)
    assert fences.holds("k", 5.0) == 0.0
    assert fences.holds("k", 0.0) == 0.0

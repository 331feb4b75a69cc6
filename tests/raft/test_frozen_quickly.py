"""Messages are made quickly and are nevertheless frozen attrs classes like any other."""

import copy
import inspect
import pickle

import attrs
import pytest

from kube_actors.raft import Append, Entry, EntryType, Heartbeat, Ready
from kube_actors.raft.frozen_quickly import quickly
from kube_actors.raft.messages import MESSAGE_TYPES


@attrs.frozen
class Plain:
    index: int
    term: int
    data: bytes = b""
    type: EntryType = EntryType.NORMAL


def test_it_is_of_its_own_class_and_cannot_be_changed() -> None:
    entry = Entry(1, 2, type=EntryType.CONFIG)
    assert type(entry) is Entry
    assert (entry.index, entry.term, entry.data, entry.type) == (1, 2, b"", EntryType.CONFIG)
    for change in (lambda: setattr(entry, "term", 3), lambda: delattr(entry, "term")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            change()
    with pytest.raises(AttributeError):
        object.__setattr__(entry, "other", 1)


def test_signature_equality_and_copies_are_those_of_attrs() -> None:
    entry = Entry(1, 2, b"x")
    assert list(inspect.signature(Entry).parameters) == list(inspect.signature(Plain).parameters)
    assert entry == Entry(1, 2, b"x") != Entry(1, 2, b"y")
    assert hash(entry) == hash(Entry(1, 2, b"x"))
    assert entry != Plain(1, 2, b"x")
    assert attrs.evolve(entry, term=5) == Entry(1, 5, b"x")
    assert copy.deepcopy(entry) == pickle.loads(pickle.dumps(entry)) == entry
    assert type(pickle.loads(pickle.dumps(entry))) is Entry
    with pytest.raises(TypeError, match=r"Entry.__init__\(\) missing"):
        Entry()  # type: ignore[call-arg]


def test_every_message_is_frozen() -> None:
    for kind in (*MESSAGE_TYPES, Ready):
        fields = attrs.fields(kind)
        made = kind(*range(len(fields)))
        assert type(made) is kind
        assert attrs.astuple(made) == tuple(range(len(fields)))
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            made.term = 1
    assert Append.__weakref__ is not None
    assert Heartbeat(1, 2, 3, 4, 5) == Heartbeat(1, 2, 3, 4, round=5)


def test_what_needs_more_than_to_be_stored_is_refused() -> None:
    @attrs.frozen
    class Converts:
        number: int = attrs.field(converter=int)

    @attrs.frozen
    class MakesAnew:
        items: list[int] = attrs.Factory(list)

    @attrs.frozen
    class Heir(Plain):
        more: int = 0

    for kind in (Converts, MakesAnew, Heir):
        with pytest.raises(TypeError, match=kind.__name__):
            quickly(kind)

import inspect
import struct
import sys
from typing import Any

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kube_actors.actor import Blob, Frame, MalformedMessage, decode, encode, message
from kube_actors.store.messages import Compare, CompareResult, CompareTarget, Put, Range, Txn
from tests.actor.talk.wire_messages import (
    Checked,
    Colour,
    Empty,
    Everything,
    Leaf,
    Node,
    Refused,
    Term,
)

numbers = st.integers(-(2**63), 2**63 - 1)
leaves = st.builds(Leaf, numbers, st.text(max_size=8))
blobs = st.binary(max_size=8).map(Blob)
trees = st.recursive(
    leaves, lambda inner: st.builds(Node, st.lists(inner, max_size=3).map(tuple), blobs)
)
everything = st.builds(
    Everything,
    number=numbers,
    text=st.text(max_size=8),
    data=st.binary(max_size=8),
    flag=st.booleans(),
    ratio=st.floats(allow_nan=False),
    blob=blobs,
    colour=st.sampled_from(Colour),
    term=numbers.map(Term),
    maybe=st.none() | numbers,
    maybe_blob=st.none() | blobs,
    leaf=leaves,
    maybe_leaf=st.none() | leaves,
    leaves=st.lists(leaves, max_size=3).map(tuple),
    pairs=st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=3).map(tuple),
    labels=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
    either=numbers | st.text(max_size=3),
    tree=trees,
    blobs=st.lists(blobs, max_size=3).map(tuple),
)


@given(everything)
def test_what_is_said_is_what_is_heard(said: Everything) -> None:
    frame = encode(said)
    assert decode(frame) == said
    assert decode(Frame.from_bytes(frame.to_bytes())) == said


def test_blobs_cross_by_reference_in_the_order_of_the_fields() -> None:
    first, second, third = Blob(b"one" * 9), Blob(b"two" * 9), Blob(b"three" * 9)
    frame = encode(Node((Node((), first), Leaf(), Node((), second)), third))
    assert all(a is b for a, b in zip(frame.blobs, (first, second, third), strict=True))
    heard = decode(frame)
    assert heard.blob is third
    assert heard.children[2].blob is second


def test_a_transaction_inside_a_transaction_crosses() -> None:
    inner = Txn((), (Range(b"a"),))
    guard = Compare(b"k", CompareTarget.MOD, CompareResult.EQUAL, 3)
    said = Txn((guard,), (Put(b"k", Blob(b"v")), inner), (inner,))
    assert decode(encode(said)) == said


def test_an_error_crosses_with_its_fields() -> None:
    heard = decode(encode(Refused("NotFound", Blob(b"{}"))))
    assert type(heard) is Refused
    assert (heard.reason, heard.body) == ("NotFound", b"{}")
    with pytest.raises(Refused, match="NotFound"):
        raise heard


def test_messages_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Leaf(1).number = 2  # type: ignore[misc]


def test_a_message_without_fields_crosses() -> None:
    assert decode(encode(Empty())) == Empty()


def test_a_constructor_that_checks_is_asked_when_decoding() -> None:
    assert decode(encode(Checked(99))) == Checked(99)
    with pytest.raises(MalformedMessage):
        decode(Frame(msgpack.packb(["wire.checked", 101])))


@pytest.mark.parametrize(
    "value",
    [
        ["wire.nothing", 1],
        ["wire.leaf"],
        ["wire.leaf", 1],
        ["wire.leaf", 1, "a", 2],
        ["wire.leaf", "7", "a"],
        ["wire.leaf", 7.0, "a"],
        ["wire.leaf", True, "a"],
        ["wire.leaf", None, "a"],
        ["wire.leaf", 7, b"a"],
        ["wire.leaf", 7, ["a"]],
        ["wire.node", [["wire.leaf", 1, "a"]]],
        ["wire.node", [["wire.empty"]], 0],
        ["wire.holder", ["wire.twin", 1, "a"]],
        ["wire.node", [[]], 0],
        ["wire.node", [[["wire.leaf", 1, "a"]]], 0],
        ["wire.node", ["wire.leaf", 1, "a"], 0],
        ["wire.node", [], 3],
        [["wire.leaf"], 1, "a"],
        [{}, 1],
        [],
        {},
        {"wire.leaf": 1},
        "wire.leaf",
        7,
        None,
    ],
    ids=repr,
)
def test_what_is_no_message_is_malformed(value: Any) -> None:
    with pytest.raises(MalformedMessage):
        decode(Frame(msgpack.packb(value)))


def test_a_right_message_decodes_so_the_wrong_ones_above_fail_for_their_reason() -> None:
    assert decode(Frame(msgpack.packb(["wire.leaf", 7, "a"]))) == Leaf(7, "a")
    tree = ["wire.node", [["wire.leaf", 1, "a"]], 0]
    assert decode(Frame(msgpack.packb(tree), (b"",))) == Node((Leaf(1, "a"),))


def test_an_enumeration_refuses_what_is_not_its_member() -> None:
    said = _sample()
    frame = encode(said)
    with pytest.raises(MalformedMessage, match="Colour"):
        decode(Frame(frame.header.replace(b"blue", b"blux"), frame.blobs))


def test_trailing_and_missing_bytes_are_malformed() -> None:
    header = encode(Leaf(1, "a")).header
    for damaged in (header + b"\x00", header[:-1], b""):
        with pytest.raises(MalformedMessage):
            decode(Frame(damaged))


def test_blobs_must_be_as_many_and_as_long_as_the_header_says() -> None:
    header, blobs = encode(Node((), Blob(b"abc")))
    for wrong in ((), (b"ab",), (b"abc", b""), ("abc",), (bytearray(b"abc"),)):
        with pytest.raises(MalformedMessage):
            decode(Frame(header, wrong))  # type: ignore[arg-type]
    assert decode(Frame(header, blobs)) == Node((), Blob(b"abc"))


@pytest.mark.parametrize(
    "said",
    [
        Leaf("7"),  # type: ignore[arg-type]
        Leaf(True),
        Leaf(2**64),
        Leaf(1, b"a"),  # type: ignore[arg-type]
        Leaf(1, "\ud800"),
        Node([Leaf()]),  # type: ignore[arg-type]
        Node((Empty(),)),  # type: ignore[arg-type]
        Node((), bytearray(b"a")),  # type: ignore[arg-type]
        Node((), None),  # type: ignore[arg-type]
        "text",
        object(),
        ["wire.leaf", 1, "a"],
    ],
    ids=lambda said: type(said).__name__,
)
def test_a_sender_that_breaks_its_own_annotations_is_told(said: Any) -> None:
    with pytest.raises(MalformedMessage):
        encode(said)
    assert decode(encode(Leaf(1, "a"))) == Leaf(1, "a")


def test_too_deep_a_message_is_malformed_on_both_sides() -> None:
    tree = Node(())
    for _ in range(5000):
        tree = Node((tree,))
    with pytest.raises(MalformedMessage):
        encode(tree)
    nested: bytes = b""
    for _ in range(5000):
        nested = b"\x93\xa9wire.node\x91" + nested
    with pytest.raises(MalformedMessage):
        decode(Frame(nested + b"\x90\x00"))


def test_a_whole_number_is_taken_where_a_float_is_meant_only_when_sending() -> None:
    @message("wire.ratio")
    class Ratio:
        value: float

    heard = decode(encode(Ratio(3)))
    assert type(heard.value) is float
    with pytest.raises(MalformedMessage):
        decode(Frame(msgpack.packb(["wire.ratio", 3])))


def test_types_that_cannot_cross_are_refused_when_the_class_is_first_used() -> None:
    @message("wire.list")
    class WithList:
        items: list[int]

    @message("wire.alike")
    class WithAlike:
        either: Leaf | tuple[int, ...]

    @message("wire.any")
    class WithAny:
        anything: Any

    for said in (WithList([]), WithAlike(Leaf()), WithAny(1)):
        for _ in range(2):
            with pytest.raises(TypeError):
                encode(said)


def test_a_tag_names_one_class() -> None:
    with pytest.raises(ValueError, match="taken"):

        @message("wire.leaf")
        class Other:
            pass


def test_a_deep_message_met_deep_in_the_stack_is_malformed() -> None:
    tree = Node(())
    for _ in range(200):
        tree = Node((tree,))
    frame = encode(tree)
    assert decode(frame) == tree

    def deeper(levels: int) -> Any:
        return deeper(levels - 1) if levels else decode(frame)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    try:
        with pytest.raises(MalformedMessage, match="recursion"):
            deeper(1000 - len(inspect.stack()) - 150)
    finally:
        sys.setrecursionlimit(limit)


@given(st.binary(max_size=64), st.lists(st.binary(max_size=4), max_size=2).map(tuple))
@example(b"\xc7\x04\xff\x00\x00\x00\x00", ())
@example(b"\x81\x91\x81\x01\x02\x03", ())
@settings(max_examples=500)
def test_random_bytes_are_malformed_or_a_message_and_never_anything_else(
    header: bytes, blobs: tuple[bytes, ...]
) -> None:
    for read in (lambda: decode(Frame(header, blobs)), lambda: Frame.from_bytes(header)):
        try:
            read()
        except MalformedMessage:
            pass


@given(everything, st.data())
@settings(max_examples=300)
def test_damaged_messages_are_malformed_or_messages(said: Everything, data: Any) -> None:
    frame = encode(said)
    damaged = bytearray(frame.header)
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] = data.draw(st.integers(0, 255))
    try:
        heard = decode(Frame(bytes(damaged), frame.blobs))
    except MalformedMessage:
        return
    encode(heard)


@given(everything, st.data())
@settings(max_examples=200)
def test_a_flipped_bit_on_a_socket_is_always_noticed(said: Everything, data: Any) -> None:
    flat = bytearray(encode(said).to_bytes())
    bit = data.draw(st.integers(0, len(flat) * 8 - 1))
    flat[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedMessage):
        Frame.from_bytes(bytes(flat))


def test_lengths_that_do_not_add_up_are_noticed() -> None:
    import zlib

    rest = struct.pack("<II", 5, 4_000_000_000) + b"hello"
    with pytest.raises(MalformedMessage):
        Frame.from_bytes(struct.pack("<III", zlib.crc32(rest), 1, len(rest)) + rest)


def _sample() -> Everything:
    return Everything(
        number=1,
        text="a",
        data=b"a",
        flag=True,
        ratio=0.5,
        blob=Blob(b"a"),
        colour=Colour.BLUE,
        term=Term(3),
        maybe=None,
        maybe_blob=None,
        leaf=Leaf(),
        maybe_leaf=None,
        leaves=(),
        pairs=(),
        labels={},
        either=1,
        tree=Leaf(),
        blobs=(),
    )

"""Two processes that take a message for different things find out before they talk."""

import attrs
import pytest

from kube_actors.actor import MalformedMessage
from kube_actors.actor.tcp.handshake import PROTOCOL, Hello, Refused, certified_name, check_hello
from kube_actors.actor.tcp.schema import differences, layout_of, schema_digests
from tests.actor.talk import wire_messages

OURS = Hello("a", 1, {"x": "1", "y": "2"})


def test_a_layout_names_fields_in_their_order_as_they_cross() -> None:
    assert wire_messages.Leaf is not None
    assert layout_of("wire.leaf") == "wire.leaf(number: int, text: str)"
    text = layout_of("wire.everything")
    assert "colour: enum['red', 'blue']" in text
    assert "term: int" in text
    assert "maybe_leaf: NoneType | wire.leaf" in text
    assert "blobs: tuple[blob, ...]" in text


def test_every_registered_message_has_a_layout() -> None:
    digests = schema_digests()
    assert {"wire.leaf", "wire.twin", "actor.unreachable"} <= set(digests)
    assert digests["wire.leaf"] != digests["wire.twin"]
    assert digests == schema_digests()


def test_only_what_both_know_can_differ() -> None:
    assert differences({"a": "1", "b": "2"}, {"b": "2", "c": "3"}) == []
    assert differences({"a": "1", "b": "2"}, {"a": "9", "b": "2"}) == ["a"]


@pytest.mark.parametrize(
    ("theirs", "expected", "certified", "why"),
    [
        (Hello("b", 1, {"x": "other"}), "", None, "lays out 1 messages differently (x)"),
        (Hello("b", 1, {}), "c", None, "calls itself b, but c was expected"),
        (Hello("b", 1, {}), "", "c", "calls itself b, but its certificate is for c"),
        (Hello("b", 1, {}), "", "", "its certificate is for no process"),
        (Hello("a", 2, {}), "", None, "has the same name"),
    ],
)
def test_a_stranger_is_refused_with_the_reason(
    theirs: Hello, expected: str, certified: str | None, why: str
) -> None:
    with pytest.raises(Refused) as refused:
        check_hello(OURS, theirs, expected=expected, certified=certified)
    assert why in str(refused.value)


def test_a_peer_that_fits_is_taken() -> None:
    check_hello(OURS, Hello("b", 1, {"y": "2", "z": "3"}), expected="b", certified="b")


def test_a_hello_is_read_as_it_was_said() -> None:
    assert Hello.from_bytes(OURS.to_bytes()) == OURS


def test_another_protocol_is_refused_whatever_else_it_says() -> None:
    with pytest.raises(Refused, match=f"protocol 99, this process speaks {PROTOCOL}"):
        Hello.from_bytes(b'{"protocol": 99}')


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"protocol": true}',
        b'{"protocol": 1, "name": "", "incarnation": 1, "schema": {}}',
        b'{"protocol": 1, "name": "a\\n", "incarnation": 1, "schema": {}}',
        b'{"protocol": 1, "name": "a", "incarnation": "1", "schema": {}}',
        b'{"protocol": 1, "name": "a", "incarnation": 1, "schema": {"x": 1}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_hello_is_malformed(said: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Hello.from_bytes(said)


def test_a_certificate_is_for_the_name_that_is_both_common_and_dns() -> None:
    subject = ((("commonName", "m1"),),)
    assert certified_name({"subject": subject, "subjectAltName": (("DNS", "m1"),)}) == "m1"
    assert certified_name({"subject": subject, "subjectAltName": (("DNS", "m2"),)}) == ""
    # An administrator's, which the same authority signed.
    assert certified_name({"subject": subject}) == ""
    assert certified_name({}) == ""


def test_a_hello_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        OURS.name = "b"  # type: ignore[misc]

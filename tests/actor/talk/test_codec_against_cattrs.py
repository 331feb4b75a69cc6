"""The codec against cattrs: both give the same value, and both refuse the same damage.

For every message class of the house. Damage is one change at any place: a field missing or one
too many, a value of another type (a bool for an int, an int for a float, text for bytes, a list
for a tuple …), no member of an enumeration, another tag, a number that is too large, a blob of
another length, too many or too few blobs. Some changes make another right message: then both
must read it alike. What is wrong with bytes that are no msgpack is ``wire``'s, not compared here.
"""

from collections.abc import Callable
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kube_actors.actor import message
from kube_actors.actor.talk import codec as codecs
from kube_actors.actor.talk import wire
from kube_actors.actor.talk.codec import Codec, taker
from tests.actor.talk.any_message import classes, damaged, messages, picture, plain
from tests.actor.talk.cattrs_wire import CattrsWire
from tests.actor.talk.wire_messages import Colour, Everything, Leaf

CLASSES = classes()
CATTRS = CattrsWire()
REFUSED = "refused"
UNSAID = (ValueError, OverflowError)
UNHEARD = (ValueError, LookupError, TypeError, StopIteration)
"""What ``wire`` makes a MalformedMessage of; anything else is a mistake of the codec."""

Reader = Codec | CattrsWire
few = settings(
    max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def said(by: Reader, sent: Any) -> Any:
    """Encode as ``wire`` does: the header and the blobs, or that it was refused."""
    blobs: list[bytes] = []
    try:
        return msgpack.packb(by.encoder(type(sent))(sent, blobs)), tuple(blobs)
    except UNSAID:
        return REFUSED


def heard(by: Reader, header: bytes, blobs: tuple[bytes, ...]) -> Any:
    """Decode as ``wire`` does: a picture of the message, or that it was refused."""
    take, left = taker(blobs)
    try:
        value = plain(header)
        got = by.decoder(value[0])(value, take)
    except UNHEARD:
        return REFUSED
    return REFUSED if list(left) else picture(got)


def agree_on_damage_heard(codec: Codec, cls: type, examples: settings) -> None:
    @examples
    @given(messages(cls), st.data())
    def check(value: Any, data: Any) -> None:
        header, blobs = said(CATTRS, value)
        broken = data.draw(damaged(plain(header)), "header")
        beside = data.draw(st.just(blobs) | damaged(blobs), "blobs")
        if type(beside) is not tuple:
            beside = blobs
        try:
            packed = msgpack.packb(broken)
        except (ValueError, OverflowError, TypeError):
            return  # It has no bytes.
        assert heard(codec, packed, beside) == heard(CATTRS, packed, beside)

    check()


def agree_on_damage_said(codec: Codec, cls: type, examples: settings) -> None:
    @examples
    @given(messages(cls).flatmap(damaged))
    def check(value: Any) -> None:
        if type(value) is cls:
            assert said(codec, value) == said(CATTRS, value)

    check()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_both_write_the_same_bytes_and_read_the_same_value(cls: type) -> None:
    @few
    @given(messages(cls))
    def check(value: Any) -> None:
        frame = wire.encode(value)
        assert (frame.header, frame.blobs) == said(CATTRS, value)
        assert heard(CATTRS, *frame) == picture(wire.decode(frame)) == picture(value)

    check()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_both_refuse_the_same_damage_when_they_read(cls: type) -> None:
    agree_on_damage_heard(wire._codec, cls, few)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_both_refuse_the_same_damage_when_they_write(cls: type) -> None:
    agree_on_damage_said(wire._codec, cls, few)


# -- what it is worth ------------------------------------------------------------------------


@message("wire.guarded")
class Guarded:
    number: int
    flag: bool
    data: bytes
    colour: Colour
    leaves: tuple[Leaf, ...]


Agree = Callable[[Codec, type, settings], None]
many = settings(few, max_examples=1000, phases=[Phase.generate], database=None)


@pytest.mark.parametrize(
    ("forgotten", "agree"),
    [
        *[(kind, agree_on_damage_heard) for kind in ("int", "bool", "bytes", "Colour", "tuple")],
        *[(kind, agree_on_damage_said) for kind in ("int", "bool", "bytes", "Colour", "Leaf")],
    ],
)
def test_a_codec_that_forgets_a_check_is_found(
    forgotten: str, agree: Agree, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = codecs._Source._check
    agree(Codec(), Guarded, settings(few, max_examples=50))

    def forget(source: Any, test: str, expected: str, value: str) -> None:
        if expected == forgotten:
            source._put("pass")
        else:
            checks(source, test, expected, value)

    monkeypatch.setattr(codecs._Source, "_check", forget)
    with pytest.raises((AssertionError, AttributeError, TypeError)):
        agree(Codec(), Guarded, many)


def test_a_codec_that_gives_another_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "as_float", lambda _, value: value)
    with pytest.raises(AssertionError):
        agree_on_damage_said(Codec(), Everything, many)

"""Envelopes as bytes: exact there and back, and nothing but MalformedMessage for anything else."""

import math
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.actor import Address, Frame, MalformedMessage
from kube_actors.actor.talk import CALL, KEEPALIVE, TELL, Envelope
from kube_actors.actor.talk.envelope import CREDIT
from kube_actors.actor.tcp.frames import HEAD_BYTES, LEAD_BYTES, FrameReader, size_of, to_bytes

MAX = 1 << 16

addresses = st.text(max_size=40).filter(lambda text: text.isprintable()).map(Address)
envelopes = st.builds(
    Envelope,
    st.integers(TELL, KEEPALIVE),
    addresses,
    addresses,
    st.integers(0, 2**64 - 1),
    st.builds(
        Frame, st.binary(max_size=200), st.lists(st.binary(max_size=50), max_size=4).map(tuple)
    ),
    st.floats(-1, 2.0**53),
)


@given(st.lists(envelopes, max_size=5), st.integers(1, 60))
def test_what_is_laid_out_is_read_again_however_it_is_cut(sent: list[Envelope], piece: int) -> None:
    data = b"".join(map(to_bytes, sent))
    reader = FrameReader(MAX)
    found = [
        each for at in range(0, len(data), piece) for each in reader.feed(data[at : at + piece])
    ]
    assert found == sent
    assert reader.held_bytes == 0


@given(envelopes)
def test_the_size_is_known_before(envelope: Envelope) -> None:
    size = len(to_bytes(envelope))
    texts = len(envelope.source.encode()) - len(envelope.source)
    texts += len(envelope.target.encode()) - len(envelope.target)
    assert size_of(envelope) == size - texts


@given(envelopes, st.data())
def test_a_flipped_bit_is_noticed(envelope: Envelope, data: st.DataObject) -> None:
    whole = bytearray(to_bytes(envelope))
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    reader = FrameReader(MAX)
    try:
        found = list(reader.feed(bytes(whole)))
    except MalformedMessage:
        return
    # A larger length waits for more; it never gives another envelope.
    assert found == []
    assert reader.held_bytes == len(whole)


@given(st.binary(max_size=300))
def test_foreign_bytes_give_nothing(data: bytes) -> None:
    reader = FrameReader(MAX)
    try:
        found = list(reader.feed(data))
    except MalformedMessage:
        return
    assert found == []
    assert reader.held_bytes <= MAX + LEAD_BYTES


@given(st.binary(min_size=HEAD_BYTES - LEAD_BYTES, max_size=200))
def test_a_sound_checksum_over_nonsense_is_refused_or_exact(body: bytes) -> None:
    """Somebody who speaks the protocol can still say nonsense."""
    data = struct.pack("<II", len(body), zlib.crc32(body)) + body
    try:
        found = list(FrameReader(MAX).feed(data))
    except MalformedMessage:
        return
    assert [to_bytes(each) for each in found] == [data]


def test_a_frame_that_is_too_large_is_refused_before_it_comes() -> None:
    reader = FrameReader(1000)
    with pytest.raises(MalformedMessage, match="4000"):
        list(reader.feed(struct.pack("<II", 4000, 0)))
    assert reader.held_bytes == 0


def test_the_limit_can_be_raised_between_two_frames_of_one_piece() -> None:
    small = to_bytes(Envelope(TELL, Address("a"), Address("b")))
    large = to_bytes(Envelope(TELL, Address("a"), Address("b"), 0, Frame(b"x" * 5000)))
    reader = FrameReader(1000)
    found = []
    for envelope in reader.feed(small + large):
        found.append(envelope)
        reader.frame_bytes_max = 10_000
    assert len(found) == 2


def test_only_a_deadline_may_be_infinite() -> None:
    endless = Envelope(CALL, Address("a"), Address("b"), 1, amount=math.inf)
    assert list(FrameReader(MAX).feed(to_bytes(endless))) == [endless]
    for amount in (math.inf, math.nan, -2.0):
        with pytest.raises(MalformedMessage):
            list(FrameReader(MAX).feed(to_bytes(endless._replace(kind=CREDIT, amount=amount))))


def test_an_address_too_long_for_its_length_cannot_be_laid_out() -> None:
    with pytest.raises(MalformedMessage):
        to_bytes(Envelope(TELL, Address("a" * 70_000), Address("b")))

"""Prefixes, timeouts and trailers: what gRPC adds to HTTP/2, without IO."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.etcd.grpc.framing import MessageReader, format_timeout, framed, parse_timeout
from kube_actors.etcd.grpc.link import CHUNK_BYTES, Link
from kube_actors.etcd.grpc.status import (
    Code,
    GrpcError,
    quote_text,
    read_trailers,
    trailers_of,
    unquote_text,
)


@given(st.lists(st.binary(max_size=40)), st.data())
def test_messages_come_out_whole_however_the_data_is_cut(
    messages: list[bytes], data: st.DataObject
) -> None:
    wire = b"".join(framed(message) for message in messages)
    reader, found = MessageReader(100), []
    while wire:
        cut = data.draw(st.integers(1, len(wire)))
        found += reader.feed(wire[:cut])
        wire = wire[cut:]
    assert found == messages
    assert not reader.partial


def test_a_long_message_is_gathered_in_place() -> None:
    """Else each of its thousand frames would copy all that came before: a minute for 32 MB."""
    wire = framed(bytes(1 << 20))
    reader = MessageReader(1 << 20)
    gathered = reader._buffer
    assert [reader.feed(wire[at : at + 4096]) for at in range(0, len(wire), 4096)][-1] == [
        bytes(1 << 20)
    ]
    assert reader._buffer is gathered


def test_what_waits_for_a_window_waits_in_pieces_that_cost_no_copy_of_the_rest() -> None:
    link = Link(client=True)
    stream = link.open(
        [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a")]
    )
    link.data(stream, bytes(1 << 20), end=True)
    waiting = link._outboxes[stream].chunks
    assert max(map(len, waiting)) <= CHUNK_BYTES
    assert sum(map(len, waiting)) == link.waiting(stream) == (1 << 20) - 65535


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\1\0\0\0\0", Code.UNIMPLEMENTED),
        (b"\2\0\0\0\0", Code.INTERNAL),
        (b"\0\0\0\0\x0b", Code.RESOURCE_EXHAUSTED),
        (b"\0\xff\xff\xff\xff", Code.RESOURCE_EXHAUSTED),
    ],
)
def test_a_prefix_that_no_message_has_is_refused(wire: bytes, code: Code) -> None:
    with pytest.raises(GrpcError) as refused:
        MessageReader(10).feed(wire)
    assert refused.value.code is code


@given(st.text())
def test_a_status_text_survives_its_trailers(text: str) -> None:
    assert unquote_text(quote_text(text)) == text.encode("utf-8", "replace").decode()
    assert all(0x20 <= byte < 0x7F for byte in quote_text(text))


def test_trailers_say_how_a_call_ended() -> None:
    assert read_trailers(trailers_of(Code.OK)) is None
    failed = read_trailers(trailers_of(Code.NOT_FOUND, "100 % gone"))
    assert failed is not None
    assert (failed.code, failed.text) == (Code.NOT_FOUND, "100 % gone")
    assert read_trailers([(b":status", b"503")]).code is Code.UNAVAILABLE  # type: ignore[union-attr]
    assert read_trailers([(b"grpc-status", b"many")]).code is Code.UNKNOWN  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(b"5S", 5.0), (b"100m", 0.1), (b"2H", 7200.0), (b"3M", 180.0), (b"10u", 1e-5), (b"8n", 8e-9)],
)
def test_timeouts_have_units(text: bytes, seconds: float) -> None:
    assert parse_timeout(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", [b"", b"S", b"5", b"-1S", b"5x", b"123456789S", b"1.5S"])
def test_a_timeout_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(GrpcError):
        parse_timeout(text)


@given(st.floats(0.001, 1e7))
def test_a_timeout_is_never_written_shorter_than_it_is(seconds: float) -> None:
    written = format_timeout(seconds)
    assert len(written) <= 9
    assert parse_timeout(written) >= seconds * (1 - 1e-9)

"""Bytes that are no HTTP/2, no gRPC or no message cost their own connection or call, no more.

After every attack the same server answers another client, and nothing of the attack is left.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamReset, TrailersReceived
from h2.exceptions import H2Error
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_actors.etcd.grpc.framing import framed
from kube_actors.etcd.grpc.link import Link, LinkBroken
from kube_actors.simulation import backend_options
from tests.etcd.grpc.echo import Echo
from tests.etcd.wires import pipe, wired

HEADERS = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/t.Echo/Each"),
    (b":authority", b"memory"),
    (b"content-type", b"application/grpc"),
    (b"te", b"trailers"),
]


def conversation() -> bytes:
    """Return the bytes of a client that makes some calls, with many kinds of frames."""
    link = Link(client=True)
    for number in range(3):
        stream = link.open(HEADERS)
        link.data(stream, framed(b"hello %d" % number))
        link.data(stream, framed(b"x" * 300), end=number != 1)
    link.reset(3)
    link.ping()
    wire = link.data_to_send()
    link.close()
    return wire + link.data_to_send()


WIRE = conversation()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Cut, flip, insert, repeat or reorder parts of a good conversation."""
    wire = bytearray(WIRE)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(24, len(wire)))
        end = draw(st.integers(at, min(len(wire), at + 60)))
        match draw(st.sampled_from(["cut", "flip", "insert", "repeat", "move", "drop"])):
            case "cut":
                del wire[at:]
            case "flip" if at < len(wire):
                wire[at] ^= draw(st.integers(1, 255))
            case "insert":
                wire[at:at] = draw(st.binary(max_size=40))
            case "repeat":
                wire[at:at] = wire[at:end]
            case "move":
                part = wire[at:end]
                del wire[at:end]
                wire[24:24] = part
            case "drop":
                del wire[at:end]
    return bytes(wire)


@settings(max_examples=300)
@given(damaged())
def test_a_damaged_conversation_is_read_or_refused_with_a_typed_error(wire: bytes) -> None:
    link = Link(client=False)
    with suppress(LinkBroken):
        for start in range(0, len(wire), 50):
            link.receive(wire[start : start + 50])
    assert len(link.data_to_send()) < 1 << 20


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(wire: bytes) -> None:
    link = Link(client=False)
    try:
        link.receive(wire)
        link.receive(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    except LinkBroken:
        return
    # Only a prefix of the preface may wait for more.
    assert b"PRI * HTTP/2.0".startswith(wire[:14])


def _on_virtual_time(run: Callable[[bytes], Any], wire: bytes) -> None:
    name, options = backend_options("asyncio", real_time=False)
    anyio.run(run, wire, backend=name, backend_options=options)


async def _attack(wire: bytes) -> None:
    echo = Echo()
    async with wired(echo.server()) as wires:
        near, far = pipe()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wires.server.serve_connection, far)
            for start in range(0, len(wire), 97):
                try:
                    await near.send(wire[start : start + 97])
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    break
            assert await wires.channel().unary("/t.Echo/Say", b"alive", 5) == b"alive"
            await near.aclose()
        assert echo.waiting == 0


@settings(max_examples=100)
@given(damaged())
def test_a_server_outlives_damaged_conversations(wire: bytes) -> None:
    _on_virtual_time(_attack, wire)


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_a_server_outlives_foreign_bytes(wire: bytes) -> None:
    _on_virtual_time(_attack, wire)


@settings(max_examples=100)
@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from([b":path", b"content-type", b"grpc-timeout", b"te", b"x-bin"]),
            st.binary(max_size=20).filter(lambda v: not set(v) & {0, 10, 13} and v.strip() == v),
        ),
        max_size=4,
    ),
    body=st.binary(max_size=60),
    ended=st.booleans(),
)
def test_a_server_outlives_requests_that_are_no_grpc(
    headers: list[tuple[bytes, bytes]], body: bytes, ended: bool
) -> None:
    given_ = dict(headers)
    asked = [(name, given_.pop(name, value)) for name, value in HEADERS]
    client = H2Connection(H2Configuration(header_encoding=None, validate_outbound_headers=False))
    client.initiate_connection()
    client.send_headers(1, [*asked, *given_.items()])
    client.send_data(1, body, end_stream=ended)
    _on_virtual_time(_attack, client.data_to_send())


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body", [b"\1\0\0\0\0", b"\0\xff\xff\xff\xff", b"\7\0\0\0\1x", framed(b"whole")[:-1]]
)
async def test_a_message_that_is_none_ends_its_call_and_not_the_connection(body: bytes) -> None:
    async with wired(Echo().server()) as wires:
        near, far = pipe()
        wires.tasks.start_soon(wires.server.serve_connection, far)
        client = H2Connection(H2Configuration(header_encoding=None))
        client.initiate_connection()
        client.send_headers(1, HEADERS)
        client.send_data(1, body, end_stream=True)
        client.send_headers(3, HEADERS)
        client.send_data(3, framed(b"fine"), end_stream=True)
        await near.send(client.data_to_send())
        status, echoed = b"", b""
        with anyio.fail_after(5):
            while not (status and echoed):
                for event in client.receive_data(await near.receive()):
                    match event:
                        case TrailersReceived(stream_id=1):
                            status = dict(event.headers)[b"grpc-status"]
                        case DataReceived(stream_id=3):
                            echoed += event.data
                        case StreamReset():
                            assert event.stream_id == 1
                    headers = getattr(event, "headers", None)
                    if getattr(event, "stream_id", 0) == 1 and headers:
                        status = dict(headers).get(b"grpc-status", status)
        await near.aclose()
        assert status != b"0"
        assert echoed == framed(b"fine")


def test_the_attacks_are_real() -> None:
    """Untouched, the conversation is understood to its end."""
    link = Link(client=False)
    happened = link.receive(WIRE)
    assert len(happened) > 10
    with pytest.raises(H2Error):
        H2Connection(H2Configuration(client_side=False)).receive_data(b"no preface at all......")

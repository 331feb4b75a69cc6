"""What a process hears from strangers closes their connection, in one line, and nobody else's."""

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kube_actors.actor import Address, Blob, Frame, MalformedMessage, Overloaded, TcpConfig, Tls
from kube_actors.actor.talk import TELL, Envelope
from kube_actors.actor.tcp.frames import HELD, HELLO, REFUSED, FrameReader, to_bytes
from kube_actors.actor.tcp.handshake import Hello
from kube_actors.actor.tcp.schema import schema_digests
from tests.actor.talk.wire_messages import Leaf, Node
from tests.actor.tcp.worlds import PATIENT, Certificates, End, answer_of, process, until

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

QUICK = TcpConfig(ping_s=0.05, silence_s=0.3, handshake_s=0.2, backoff_s=(0.01, 0.05))
HASTY = attrs.evolve(PATIENT, handshake_s=0.2, ping_s=0.05)
"""Quick with strangers only: who is connected stays so on a machine that is busy elsewhere."""


def lines(caplog: pytest.LogCaptureFixture, teller: str = "") -> list[str]:
    """Return what was logged, by one process if it is named, in order."""
    found = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    return [line for line in found if line.startswith(teller)]


@asynccontextmanager
async def mutual(
    tmp_path: Path, *, config: TcpConfig = PATIENT, listening: TcpConfig | None = None
) -> AsyncIterator[tuple[End, End, Certificates]]:
    """Two processes that trust each other, and whose connection must not be disturbed."""
    certificates = Certificates(tmp_path)
    async with (
        process("b", tls=certificates.tls("b"), config=listening or config) as b,
        process("a", tls=certificates.tls("a"), peers={"b": b.endpoint}, config=config) as a,
    ):
        await until(lambda: a.network.connected and b.network.connected)
        yield a, b, certificates
        assert a.network.connected == ("b",)
        assert b.network.statistics().connected == 1


async def knock(end: End, data: bytes) -> bytes:
    """Say something to a listener and read until it hangs up."""
    answer = b""
    async with await anyio.connect_tcp(*end.endpoint) as stream:
        await stream.send(data)
        with anyio.fail_after(60):
            try:
                while True:
                    answer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return answer


def stranger(certificates: Certificates, directory: Path, pair: Any) -> ssl.SSLContext:
    """Make a client context that trusts the authority and shows ``pair``, if any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(str(certificates.directory / "ca.crt"))
    context.check_hostname = False
    if pair is not None:
        (directory / "s.pem").write_bytes(pair.key_pem + pair.certificate_pem)
        context.load_cert_chain(directory / "s.pem")
    return context


REFUSED_BECAUSE = {
    "none": "peer did not return a certificate",
    "another authority": "its certificate is refused: unable to get local issuer certificate",
    "expired": "its certificate is refused: certificate has expired",
    "wrong name": "it calls itself c, but its certificate is for d",
}


@pytest.mark.parametrize("what", list(REFUSED_BECAUSE))
async def test_a_bad_certificate_is_refused_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    async with mutual(tmp_path / "ours") as (_, b, certificates):
        pair = {
            "none": lambda: None,
            "another authority": lambda: Certificates(tmp_path / "theirs").issue("c"),
            "expired": lambda: certificates.issue("c", now_s=1e9, valid_s=3600.0),
            "wrong name": lambda: certificates.issue("d"),
        }[what]()
        context = stranger(certificates, tmp_path, pair)
        hello = to_bytes(
            Envelope(HELLO, Address(""), Address(""), 0, Frame(Hello("c", 1, {}).to_bytes()))
        )
        before = len(lines(caplog, "b:"))
        for _ in range(3):
            with anyio.fail_after(60):
                try:
                    async with await anyio.connect_tcp(
                        *b.endpoint, ssl_context=context, tls_standard_compatible=False
                    ) as stream:
                        await stream.send(hello)
                        while True:
                            await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
                    pass
        said = lines(caplog, "b:")[before:]
        assert len(said) == 1, said
        assert REFUSED_BECAUSE[what] in said[0]


async def test_a_process_with_a_bad_certificate_hears_why_and_does_not_keep_asking(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same from the other side: the dialler's own log."""
    config = attrs.evolve(PATIENT, backoff_s=(0.01, 0.05))
    async with mutual(tmp_path / "ours", config=config) as (_, b, certificates):
        theirs = Certificates(tmp_path / "theirs")
        pair = theirs.issue("c")
        # It trusts ours, but only its own authority vouches for it.
        theirs.directory.joinpath("ca.crt").write_bytes(certificates.authority.certificate_pem)
        tls: Tls = theirs.tls("c", pair)
        async with process("c", tls=tls, peers={"b": b.endpoint}, config=config) as c:
            await until(lambda: lines(caplog, "c:"))
            assert "refused this process's certificate" in lines(caplog, "c:")[0]
            assert c.network.connected == ()
            assert len(lines(caplog, "c:")) == 1


async def test_a_process_that_bears_another_ones_certificate_is_told_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The other side is known to the dialler before it has refused the dialler."""
    config = attrs.evolve(PATIENT, backoff_s=(60.0, 60.0), refused_backoff_s=0.01)
    async with mutual(tmp_path / "ours", config=config) as (_, b, certificates):
        tls = certificates.tls("c", certificates.issue("d"))
        async with process("c", tls=tls, peers={"b": b.endpoint}, config=config):
            # It waits as whoever was refused does, not as after a connection that was lost.
            await until(lambda: b.network.statistics().refused >= 5)
            assert len(lines(caplog, "c:")) == 1
            assert "it calls itself c, but its certificate is for d" in lines(caplog, "c:")[0]
            assert len(lines(caplog, "b:")) == 1


async def test_processes_of_different_releases_refuse_each_other_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fast = attrs.evolve(PATIENT, refused_backoff_s=0.01)
    other = {**schema_digests(), "wire.leaf": "different"}
    async with (
        process("b", config=fast) as b,
        process("a", peers={"b": b.endpoint}, schema=other, config=fast) as a,
    ):
        await until(lambda: b.network.statistics().refused >= 5)
        assert a.network.connected == b.network.connected == ()
    # Which of the two looks first is chance; each says it once.
    for teller in ("a:", "b:"):
        said = lines(caplog, teller)
        assert sum("wire.leaf" in line for line in said) == 1, said
        assert len(said) <= 2, said


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(data=st.binary(min_size=1, max_size=400), secure=st.booleans())
async def test_foreign_bytes_are_hung_up_on(data: bytes, secure: bool, tmp_path: Path) -> None:
    if not secure:
        async with process("b", config=QUICK) as b:
            await knock(b, data)
            assert b.network.connected == ()
        return
    async with mutual(tmp_path, listening=HASTY) as (_, b, _):
        await knock(b, data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "it sent a frame of 542393671 bytes"),
        (to_bytes(Envelope(TELL, Address("a"), Address("b"))), "something else before its hello"),
        (b"\0\0", "it did not say who it is in time"),
    ],
)
async def test_the_reason_is_logged(
    caplog: pytest.LogCaptureFixture, data: bytes, why: str
) -> None:
    async with process("b", config=QUICK) as b:
        await knock(b, data)
        await until(lambda: lines(caplog))
    assert [line for line in lines(caplog) if why in line] == lines(caplog)
    assert lines(caplog)[0].startswith("b: 127.0.0.1: ")


class Peer:
    """Somebody who speaks the protocol by hand, in the clear."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self.stream = stream
        self.reader = FrameReader(1 << 20)
        self.heard: list[Envelope] = []

    async def say(self, kind: int, said: bytes) -> None:
        envelope = Envelope(kind, Address(""), Address(""), 0, Frame(said))
        await self.stream.send(to_bytes(envelope))

    async def hear(self) -> None:
        """Read until hung up on."""
        with anyio.fail_after(60):
            try:
                while True:
                    self.heard.extend(self.reader.feed(await self.stream.receive()))
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return


@asynccontextmanager
async def peer(end: End, name: str = "x", incarnation: int = 7) -> AsyncIterator[Peer]:
    async with await anyio.connect_tcp(*end.endpoint) as stream:
        found = Peer(stream)
        await found.say(HELLO, Hello(name, incarnation, {}).to_bytes())
        yield found


async def test_who_falls_silent_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with process("b", config=QUICK) as b, peer(b) as silent:
        await until(lambda: b.network.connected)
        await silent.hear()
        assert b.network.connected == ()
        assert any("silent for 0.3 s" in line for line in lines(caplog, "b: x"))


async def test_who_takes_nothing_in_loses_only_its_own() -> None:
    """Its queue is bounded: callers are told at once, the rest is dropped and counted."""
    config = attrs.evolve(PATIENT, queue_bytes_max=200_000)
    async with process("b", config=config) as b, peer(b) as deaf:
        await deaf.say(HELD, b'["sink"]')
        await b.network.wait_for(Address("sink"))
        async with b.system.client("client/b") as client:
            for _ in range(2000):
                client.tell("sink", Node((), b"x" * 10_000))  # type: ignore[arg-type]
                if b.network.statistics().overflowed:
                    break
                await anyio.lowlevel.checkpoint()
            assert b.network.statistics().overflowed
            # Larger than what may have become free since.
            with pytest.raises(Overloaded):
                await client.call("sink", Node((), b"x" * 190_000))  # type: ignore[arg-type]
            assert b.network.connected == ("x",)


async def test_what_the_socket_takes_in_pieces_arrives_whole() -> None:
    """Far more than a socket's buffers hold, to somebody who reads slowly."""
    messages = [bytes([number]) * 3_000_000 for number in range(8)]
    async with process("b") as b, peer(b) as slow:
        slow.reader = FrameReader(1 << 24)
        await slow.say(HELD, b'["sink"]')
        await b.network.wait_for(Address("sink"))
        async with b.system.client("client/b") as client:
            for data in messages:
                client.tell("sink", Node((), Blob(data)))
            came: list[bytes] = []
            with anyio.fail_after(60):
                while len(came) < len(messages):
                    found = slow.reader.feed(await slow.stream.receive(65_536))
                    came += [each.frame.blobs[0] for each in found if each.kind == TELL]
    assert came == messages


async def test_a_message_over_the_limit_fails_at_the_sender() -> None:
    config = attrs.evolve(PATIENT, frame_bytes_max=50_000)
    async with process("b", config=config) as b, peer(b) as other:
        await other.say(HELD, b'["sink"]')
        await b.network.wait_for(Address("sink"))
        async with b.system.client("client/b") as client:
            with pytest.raises(MalformedMessage, match="50000"):
                await client.call("sink", Node((), b"x" * 60_000))  # type: ignore[arg-type]
            assert b.network.connected == ("x",)


@pytest.mark.parametrize("said", [b"", b"\xff", b"{}", b"[1]"])
async def test_nonsense_about_addresses_closes_the_connection(
    caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    async with process("b") as b, peer(b) as other:
        await until(lambda: b.network.connected)
        await other.say(HELD, said)
        await other.hear()
        assert b.network.connected == ()
        assert lines(caplog)[0].startswith("b: x: it sent ")


async def test_an_address_that_a_process_may_not_have_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with process("b", may_hold=lambda name, address: address == name) as b:
        async with peer(b) as honest:
            await honest.say(HELD, b'["x"]')
            await b.network.wait_for(Address("x"))
        async with peer(b, name="y") as posing:
            await posing.say(HELD, b'["store/1"]')
            await posing.hear()
        assert not b.network.knows(Address("store/1"))
        assert "b: y: refused: it claims store/1, which y may not have" in lines(caplog)


async def test_who_claims_too_much_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        process("b", may_hold=lambda name, address: False) as b,
        process("a", peers={"b": b.endpoint}) as a,
        a.system.client("store/1"),
    ):
        await until(lambda: a.network.refusals)
        said = "it claims store/1, which a may not have"
        assert a.network.refusals == {"b": said}
        assert f"a: b: it closed the connection: {said}" in lines(caplog)


async def test_who_sends_as_somebody_else_is_hung_up_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def may_send(name: str, source: Address, target: Address) -> bool:
        return source == name

    came: list[Envelope] = []
    async with process("b", may_send=may_send) as b:
        b.network.attach(Address("store/1"), came.append, b.system.timers)
        for source in ("x", "controllers/1"):
            async with peer(b) as other:
                envelope = Envelope(TELL, Address(source), Address("store/1"))
                await other.stream.send(to_bytes(envelope))
                if source == "x":
                    await until(lambda: came)
                    continue
                await other.hear()
        assert [envelope.source for envelope in came] == ["x"]
        assert "b: x: it sent as controllers/1 to store/1, which x may not" in lines(caplog)


async def test_too_many_addresses_close_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with process("b", config=attrs.evolve(PATIENT, addresses_max=2)) as b, peer(b) as other:
        await other.say(HELD, b'["p", "q", "r"]')
        await other.hear()
        await until(lambda: b.network.connected == ())
        assert not b.network.knows(Address("p"))
        assert lines(caplog) == ["b: x: it has more than 2 addresses"]


async def test_two_lives_of_one_name_do_not_take_turns(caplog: pytest.LogCaptureFixture) -> None:
    async with process("b") as b, peer(b, incarnation=7) as first:
        await until(lambda: b.network.connected)
        async with peer(b, incarnation=8) as second:
            await second.hear()
            refusals = [each for each in second.heard if each.kind == REFUSED]
            assert refusals[0].frame.header == b"another process called x is connected"
        assert b.network.connected == ("x",)
        # The first is gone: now the name is free.
        await first.stream.aclose()
        await until(lambda: b.network.connected == ())
        async with peer(b, incarnation=8):
            await until(lambda: b.network.connected == ("x",))


async def test_both_may_dial_and_one_connection_stays() -> None:
    config = attrs.evolve(PATIENT, patience_s=0, backoff_s=(0.01, 0.05))
    async with process("b", config=config) as probe:
        where = probe.endpoint
    async with (
        process("a", peers={"b": where}, config=config) as a,
        process("b", listen=where, peers={"a": a.endpoint}, config=config) as b,
        a.system.client("client/a") as client,
        b.system.client("client/b") as other,
        anyio.create_task_group() as tasks,
    ):

        async def answer() -> None:
            while True:
                delivery = await other.receive()
                delivery.reply(delivery.message)

        tasks.start_soon(answer)
        await a.network.wait_for(Address("client/b"))
        await until(lambda: a.network.connected == ("b",) and b.network.connected == ("a",))
        assert await answer_of(client, "client/b", Leaf(1)) == Leaf(1)
        a.network.cut("b")
        await until(lambda: a.network.knows(Address("client/b")))
        await until(lambda: b.network.knows(Address("client/a")))
        assert await answer_of(client, "client/b", Leaf(2)) == Leaf(2)
        tasks.cancel_scope.cancel()

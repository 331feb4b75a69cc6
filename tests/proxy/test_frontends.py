"""Frontends over real sockets: balancing, half-close, draining, and nothing left behind."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

import anyio
import attrs
import pytest

from kube_actors.cluster import claim_block
from kube_actors.cluster.address_plan import BlockClaim
from kube_actors.proxy.frontends import Frontends
from kube_actors.proxy.limits import Limits
from kube_actors.proxy.routing import Frontend, Route
from tests.proxy.sockets import free_port, greeter, open_sockets, talk, udp_greeter, until

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

Backends = tuple[tuple[str, int], ...]
PATIENCE_S = 30


class Block:
    """Addresses of a private loopback block: ``virtual`` ones and ``pod`` ones."""

    def __init__(self, claim: BlockClaim) -> None:
        self._prefix = claim.plan.services.rsplit(".", 2)[0]

    def virtual(self, number: int = 1) -> str:
        return f"{self._prefix}.0.{number}"

    def pod(self, number: int) -> str:
        return f"{self._prefix}.32.{number}"


@pytest.fixture
def block() -> Iterator[Block]:
    claim = claim_block(101)
    yield Block(claim)
    claim.close()


class Proxy:
    """Frontends with their refusals noted."""

    def __init__(self, frontends: Frontends, refusals: list[tuple[Frontend, OSError]]) -> None:
        self.frontends = frontends
        self.refusals = refusals

    async def apply(self, routes: dict[Frontend, Route]) -> None:
        self.frontends.apply(routes)
        await listening(*[f for f, route in routes.items() if route.backends])


def known(frontend: Frontend) -> int:
    """Count the sockets that listen there, as the kernel tells."""
    address = "".join(f"{int(part):02X}" for part in reversed(frontend.address.split(".")))
    mine = f"{address}:{frontend.port:04X}"
    state = "0A" if frontend.protocol == "TCP" else "07"
    rows = Path(f"/proc/net/{frontend.protocol.lower()}").read_text().splitlines()[1:]
    return sum(row.split()[1] == mine and row.split()[3] == state for row in rows)


async def listening(*frontends: Frontend, proxies: int = 1) -> None:
    """Wait until the kernel knows the sockets of so many proxies, without connecting to them."""
    await until(lambda: all(known(frontend) >= proxies for frontend in frontends))


@asynccontextmanager
async def proxy(seed: int = 1, limits: Limits | None = None) -> AsyncIterator[Proxy]:
    refusals: list[tuple[Frontend, OSError]] = []

    def refused(frontend: Frontend, route: Route, error: OSError) -> None:
        refusals.append((frontend, error))

    async with anyio.create_task_group() as tasks:
        # However long a busy machine takes to connect, no backend is passed over for it.
        patient = attrs.evolve(limits or Limits(), connect_timeout_s=PATIENCE_S)
        frontends = Frontends(tasks, Random(seed), anyio.current_time, refused, patient)
        yield Proxy(frontends, refusals)
        tasks.cancel_scope.cancel()


def web(backends: Backends, affinity_s: float = 0.0) -> Route:
    return Route("default/web", "http", backends, affinity_s)


@asynccontextmanager
async def pods(block: Block, count: int) -> AsyncIterator[Backends]:
    async with AsyncExitStack() as stack:
        yield tuple(
            [
                await stack.enter_async_context(greeter(f"pod{n}", block.pod(n)))
                for n in range(1, count + 1)
            ]
        )


async def test_connections_are_balanced_over_all_backends(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with pods(block, 3) as backends, proxy() as made:
        await made.apply({frontend: web(backends)})
        answers = [await talk(frontend.address, frontend.port) for _ in range(9)]
    assert sorted(answers) == sorted([f"pod{n}:hi:bye" for n in (1, 2, 3)] * 3)


async def test_each_direction_closes_alone(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with pods(block, 1) as backends, proxy() as made:
        await made.apply({frontend: web(backends)})
        big = b"x" * 1_000_000
        answer = await talk(frontend.address, frontend.port, big)
    assert answer == f"pod1:{big.decode()}:bye"


async def test_a_backend_that_refuses_is_skipped(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    dead = (block.pod(9), free_port(block.pod(9)))
    async with pods(block, 1) as backends, proxy() as made:
        await made.apply({frontend: web((dead, *backends))})
        answers = {await talk(frontend.address, frontend.port) for _ in range(4)}
    assert answers == {"pod1:hi:bye"}


async def test_without_backends_clients_are_refused_and_with_dead_ones_reset(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    dead = (block.pod(9), free_port(block.pod(9)))
    async with proxy() as made:
        await made.apply({frontend: web(())})
        with pytest.raises(ConnectionRefusedError):
            await talk(frontend.address, frontend.port)
        await made.apply({frontend: web((dead,))})
        with pytest.raises(ConnectionResetError):
            await talk(frontend.address, frontend.port)


async def test_a_backend_that_dies_in_the_middle_is_not_taken_for_a_finished_answer(
    block: Block,
) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with proxy() as made:
        async with pods(block, 1) as backends:
            await made.apply({frontend: web(backends)})
            stream = await anyio.connect_tcp(frontend.address, frontend.port)
            assert await stream.receive() == b"pod1:"
            await stream.send(b"x" * 10)
            assert await stream.receive() == b"x" * 10
        made.frontends.apply({})
        async with stream:
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await stream.receive()


async def test_a_connection_survives_a_change_of_the_route(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with pods(block, 2) as (first, second), proxy() as made:
        await made.apply({frontend: web((first,))})
        async with await anyio.connect_tcp(frontend.address, frontend.port) as stream:
            assert await stream.receive() == b"pod1:"
            await made.apply({frontend: web((second,))})
            assert (await talk(frontend.address, frontend.port)).startswith("pod2:")
            await stream.send(b"still here")
            assert await stream.receive() == b"still here"


async def test_a_removed_frontend_refuses_at_once_and_drains(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with pods(block, 1) as backends, proxy(limits=Limits(drain_s=3.0)) as made:
        await made.apply({frontend: web(backends)})
        async with await anyio.connect_tcp(frontend.address, frontend.port) as stream:
            assert await stream.receive() == b"pod1:"
            made.frontends.apply({})
            await anyio.lowlevel.checkpoint()
            with anyio.fail_after(PATIENCE_S):
                while True:
                    try:
                        await talk(frontend.address, frontend.port)
                    except OSError:
                        break
            await stream.send(b"draining")
            assert await stream.receive() == b"draining"
            with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
                await stream.receive()


async def test_a_sticky_client_reaches_one_backend_through_any_proxy(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with pods(block, 3) as backends, proxy(1) as one, proxy(2) as two:
        for made in (one, two):
            await made.apply({frontend: web(backends, 60.0)})
        seen = {}
        # Whom a client gets also depends on the backends' ports, which are chance: so many clients
        # do not all get the same.
        for number in range(1, 21):
            source = block.pod(100 + number)
            seen[source] = {
                await talk(frontend.address, frontend.port, source=source) for _ in range(4)
            }
    assert all(len(answers) == 1 for answers in seen.values())
    assert len({next(iter(answers)) for answers in seen.values()}) > 1


async def test_proxies_share_a_virtual_address_and_one_may_leave(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with pods(block, 2) as (first, second), proxy(1) as one:
        await one.apply({frontend: web((first,))})
        async with proxy(2) as two:
            await two.apply({frontend: web((second,))})
            await listening(frontend, proxies=2)
            answers = {await talk(frontend.address, frontend.port) for _ in range(60)}
            assert answers == {"pod1:hi:bye", "pod2:hi:bye"}
        assert {await talk(frontend.address, frontend.port) for _ in range(10)} == {"pod1:hi:bye"}


async def test_datagrams_of_one_client_stay_with_one_backend(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "UDP")
    async with (
        udp_greeter("a", block.pod(1)) as first,
        udp_greeter("b", block.pod(2)) as second,
        proxy() as made,
    ):
        await made.apply({frontend: web((first, second))})
        names = []
        async with AsyncExitStack() as clients:
            # All at once, so that none gets the port, and the session, of one before.
            for _ in range(4):
                opened = await anyio.create_connected_udp_socket(*frontend_of(frontend))
                client = await clients.enter_async_context(opened)
                answers = {await ask(client) for _ in range(3)}
                assert len(answers) == 1
                names.append(answers.pop()[:1])
        assert sorted(names) == ["a", "a", "b", "b"]


async def test_a_session_ends_when_idle_and_when_its_backend_leaves(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "UDP")
    async with (
        udp_greeter("a", block.pod(1)) as first,
        udp_greeter("b", block.pod(2)) as second,
        proxy(limits=Limits(session_idle_s=2.0)) as made,
        await anyio.create_connected_udp_socket(*frontend_of(frontend)) as client,
    ):
        await made.apply({frontend: web((first,))})
        before = open_sockets()
        answer = await ask(client)
        assert (answer[:1], open_sockets()) == ("a", before + 1)
        await until(lambda: open_sockets() <= before)
        assert (await ask(client))[:1] == "a"
        await made.apply({frontend: web((second,))})
        assert (await ask(client))[:1] == "b"


async def test_sessions_are_bounded(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "UDP")
    async with (
        udp_greeter("a", block.pod(1)) as backend,
        proxy(limits=Limits(sessions_max=3)) as made,
    ):
        await made.apply({frontend: web((backend,))})
        before = open_sockets()
        for _ in range(8):
            async with await anyio.create_connected_udp_socket(*frontend_of(frontend)) as client:
                await ask(client)
        assert open_sockets() <= before + 3


async def test_connections_are_bounded_and_those_beyond_wait_their_turn(block: Block) -> None:
    frontend = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    async with pods(block, 1) as backends, proxy(limits=Limits(connections_max=2)) as made:
        await made.apply({frontend: web(backends)})
        address = (frontend.address, frontend.port)
        first, second = [await anyio.connect_tcp(*address) for _ in range(2)]
        assert [await first.receive(), await second.receive()] == [b"pod1:", b"pod1:"]
        async with await anyio.connect_tcp(*address) as third:
            with anyio.move_on_after(0.1) as waited:
                await third.receive()
            assert waited.cancelled_caught
            await first.aclose()
            with anyio.fail_after(PATIENCE_S):
                assert await third.receive() == b"pod1:"
        await second.aclose()


async def test_a_port_that_is_taken_is_said_and_tried_again(block: Block) -> None:
    port = free_port(block.virtual())
    frontend = Frontend(block.virtual(), port, "TCP")
    async with pods(block, 1) as backends, proxy() as made:
        async with greeter("other", block.virtual(), port):
            made.frontends.apply({frontend: web(backends)})
            await until(lambda: bool(made.refusals))
            assert made.refusals[0][0] == frontend
            assert made.frontends.bound == ()
            assert (await talk(*frontend_of(frontend))).startswith("other:")
        made.frontends.retry_failed()
        await listening(frontend)
        assert (await talk(*frontend_of(frontend))).startswith("pod1:")
        assert made.frontends.bound == (frontend,)


@pytest.mark.parametrize("checkpoints", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89])
async def test_cancelled_at_any_moment_it_leaves_no_socket(block: Block, checkpoints: int) -> None:
    tcp = Frontend(block.virtual(), free_port(block.virtual()), "TCP")
    udp = Frontend(block.virtual(2), free_port(block.virtual(2)), "UDP")
    async with pods(block, 1) as backends, udp_greeter("a", block.pod(2)) as datagrams:
        # The first loop of a process opens sockets of its own.
        await talk(*backends[0])
        before = open_sockets()
        with anyio.CancelScope() as scope:
            async with proxy() as made, anyio.create_task_group() as tasks:
                made.frontends.apply({tcp: web(backends), udp: web((datagrams,))})
                for _ in range(3):
                    tasks.start_soon(bother, tcp, udp)
                for _ in range(checkpoints):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()
                await anyio.sleep_forever()
        # The backend still has to notice that its client is gone.
        await until(lambda: open_sockets() <= before)


async def bother(tcp: Frontend, udp: Frontend) -> None:
    while True:
        try:
            await talk(*frontend_of(tcp))
            async with await anyio.create_connected_udp_socket(*frontend_of(udp)) as client:
                await ask(client)
        except (OSError, anyio.BrokenResourceError):
            await anyio.lowlevel.checkpoint()


async def ask(client: anyio.abc.ConnectedUDPSocket) -> str:
    with anyio.fail_after(PATIENCE_S):
        await client.send(b"hi")
        return (await client.receive()).decode()


def frontend_of(frontend: Frontend) -> tuple[str, int]:
    return frontend.address, frontend.port

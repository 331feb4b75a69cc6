"""Who says ``hasleader`` is not kept waiting by a member without one."""

from typing import Any, cast

import anyio
import pytest
from attrs import define

from kube_actors.etcd.grpc import Code, GrpcError
from kube_actors.etcd.services import LeaderGuard, Origin
from kube_actors.etcd.services.leader_guard import MISSES_MAX, POLL_S, WANTED

pytestmark = pytest.mark.anyio


@define
class FakeOrigin:
    """Stands for the member that is asked; and for its status."""

    read_only: bool = False

    async def recent(self) -> Any:
        return self


async def forever() -> None:
    await anyio.sleep_forever()


@pytest.mark.parametrize("lasting", [False, True])
async def test_without_a_leader_only_who_asks_for_one_is_refused(lasting: bool) -> None:
    guard = LeaderGuard(cast(Origin, FakeOrigin(read_only=True)))
    ran: list[int] = []

    async def handler() -> None:
        ran.append(1)

    await guard.run([(b":path", b"/x"), (b"hasleader", b"false")], handler, lasting=lasting)
    assert ran == [1]
    with pytest.raises(GrpcError) as refused:
        await guard.run([WANTED], handler, lasting=lasting)
    assert (refused.value.code, refused.value.text) == (Code.UNAVAILABLE, "etcdserver: no leader")
    assert ran == [1]


async def test_a_stream_ends_when_the_leader_is_gone_for_long() -> None:
    origin = FakeOrigin()
    guard = LeaderGuard(cast(Origin, origin))
    began_s = anyio.current_time()

    async def lose_it() -> None:
        for seconds, read_only in ((10.5, True), (POLL_S, False), (10.0, True)):
            await anyio.sleep(seconds)
            origin.read_only = read_only

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lose_it)
        with pytest.raises(GrpcError, match="no leader"):
            await guard.run([WANTED], forever, lasting=True)
    after_s = anyio.current_time() - began_s
    assert 21.5 + (MISSES_MAX - 1) * POLL_S < after_s <= 21.5 + MISSES_MAX * POLL_S


async def test_what_a_stream_ends_with_comes_out_as_it_is() -> None:
    guard = LeaderGuard(cast(Origin, FakeOrigin()))

    async def fails() -> None:
        raise GrpcError(Code.NOT_FOUND, "it is not there")

    async def ends() -> None:
        await anyio.sleep(1)

    await guard.run([WANTED], ends, lasting=True)
    with pytest.raises(GrpcError, match="it is not there"):
        await guard.run([WANTED], fails, lasting=True)

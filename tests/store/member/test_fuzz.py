"""Whatever is sent to a member, it answers or refuses in its own words, and goes on as before."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kube_actors.store.member.member  # registers every message of the store  # noqa: F401
from kube_actors.actor import ActorError, Blob, Frame, MalformedMessage, decode, encode
from kube_actors.simulation import backend_options
from kube_actors.store import (
    Compact,
    CompareTarget,
    CurrentRevision,
    GetHash,
    GetStatus,
    InvalidRequest,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseRevoke,
    LeaseTimeToLive,
    MemberConfig,
    OutcomeUnknown,
    Put,
    Range,
    SessionCancel,
    SessionOpen,
    SessionProgress,
    Txn,
    Watch,
    WatchSession,
)
from kube_actors.store.messages import (
    ActivateAlarm,
    Command,
    Compare,
    CompareResult,
    LeaseCheckpoint,
    ListAlarms,
    ListLeases,
    ListMembers,
)
from kube_actors.store.state import State, check_grant, check_txn, decode_state, encode_state
from tests.store.groups import Group, open_group, put
from tests.store.member.absurd import absurd

REQUESTS = [
    Txn,
    Range,
    Compact,
    LeaseGrant,
    LeaseRevoke,
    LeaseKeepAlive,
    LeaseTimeToLive,
    CurrentRevision,
    GetHash,
    GetStatus,
    ListLeases,
    ListMembers,
    ListAlarms,
    SessionOpen,
    SessionCancel,
    SessionProgress,
]
STREAMS = [Watch, WatchSession]
WRITES = (Txn, Compact, LeaseGrant, LeaseRevoke)


def store_messages() -> list[type]:
    """Return every message class of the store that is known by now."""
    classes: dict[str, type] = import_module("kube_actors.actor.message")._classes
    return [classes[tag] for tag in sorted(classes) if tag.startswith("store.")]


@given(st.binary(max_size=200), st.lists(st.binary(max_size=20), max_size=3).map(tuple))
def test_bytes_that_are_no_message_are_malformed(header: bytes, blobs: tuple[bytes, ...]) -> None:
    with pytest.raises(MalformedMessage):
        decode(Frame(header, blobs))


@settings(max_examples=300)
@given(st.sampled_from(store_messages()).flatmap(absurd), st.data())
def test_a_damaged_message_is_malformed_or_another_message(sent: Any, data: st.DataObject) -> None:
    try:
        frame = encode(sent)
    except MalformedMessage:
        return
    assert repr(decode(frame)) == repr(sent)
    header = bytearray(frame.header)
    for _ in range(data.draw(st.integers(1, 3))):
        header[data.draw(st.integers(0, len(header) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    for damaged in (bytes(header), bytes(header[: data.draw(st.integers(0, len(header)))])):
        try:
            decode(Frame(damaged, frame.blobs))
        except MalformedMessage:
            continue


def admitted(request: Any) -> bool:
    """Say whether a member would pass this on to the group."""
    try:
        if isinstance(request, Txn):
            check_txn(MemberConfig(member=1), request)
        elif isinstance(request, LeaseGrant):
            check_grant(request)
    except InvalidRequest:
        return False
    return True


COMMANDS = [Txn, Txn, Compact, LeaseGrant, LeaseRevoke, LeaseCheckpoint, ActivateAlarm]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(COMMANDS).flatmap(absurd).filter(admitted), max_size=8), st.data())
def test_no_command_in_the_log_can_stop_the_members_that_apply_it(
    requests: list[Any], data: st.DataObject
) -> None:
    state = State()
    state.apply(Command(1, 1, 1, 1, LeaseGrant(100, 7)))
    state.apply(Command(1, 1, 2, 1, put(b"a", b"1")))
    positive = st.sampled_from([1, 2, 3, 1 << 32, (1 << 64) - 1])
    for request in requests:
        member, incarnation, sequence, floor = (data.draw(positive) for _ in range(4))
        state.apply(Command(member, incarnation, sequence, floor, request))
    twin = State.restore(decode_state(b"".join(encode_state(state.freeze()))))
    assert twin.freeze() == state.freeze()


def nested(depth: int) -> Txn:
    txn = Txn((), (Put(b"deep", Blob(b"")),))
    for _ in range(depth):
        txn = Txn((), (txn,))
    return txn


@pytest.mark.parametrize("depth", [128, 200, 5000])
def test_a_bomb_of_nested_transactions_is_refused_at_the_door(depth: int) -> None:
    with pytest.raises((InvalidRequest, MalformedMessage)):
        check_txn(MemberConfig(member=1), decode(encode(nested(depth))))


async def ask(group: Group, request: Any) -> None:
    """Send a request both ways; nothing may come back but an answer or an error of ours."""
    with anyio.fail_after(30):
        if isinstance(request, Watch | WatchSession):
            async with group.actor.stream("store/2", request) as items:
                await anext(items)
        else:
            await group.actor.call("store/2", request, timeout_s=20)


async def survives(requests: list[Any]) -> None:
    async with open_group() as group:
        await group.client.txn(put(b"a", b"1"))
        await group.client.lease(LeaseGrant(100, 7))
        for request in requests:
            await group.settled()
            before = await group.at(2).hash()
            try:
                await ask(group, request)
            except OutcomeUnknown:
                raise
            except ActorError:
                assert await group.at(2).hash() == before, "refused, and yet it changed something"
            if not isinstance(request, WRITES):
                assert await group.at(2).hash() == before, "a read changed something"
        done = await group.at(2).txn(put(b"after"))
        assert done.succeeded
        await group.assert_equal()
        assert group.supervisor.statistics().restarts == 0


def run(function: Callable[..., Any], *args: Any) -> None:
    backend, options = backend_options("asyncio")
    anyio.run(function, *args, backend=backend, backend_options=options)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(REQUESTS + STREAMS).flatmap(absurd), min_size=1, max_size=12))
def test_no_request_however_absurd_harms_a_member(requests: list[Any]) -> None:
    run(survives, requests)


ALWAYS = Compare(b"a", CompareTarget.VERSION, CompareResult.EQUAL, 1)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "request_",
    [
        nested(127),
        nested(129),
        Txn((ALWAYS,) * 128, (Range(b"\0", b"\0", limit=-5),) * 128),
        Txn((), (Range(b"z", b"a"), Range(b"a", revision=-1))),
        Range(b"a", b"\0", revision=(1 << 64) - 1),
        Range(b"a", b"\0", limit=(1 << 64) - 1),
        LeaseGrant((1 << 64) - 1, -(1 << 63)),
        LeaseGrant(5, -(1 << 63)),
        Compact((1 << 64) - 1),
        Compact(-(1 << 63)),
        Watch(b"a", b"a", start_revision=(1 << 64) - 1),
        GetHash(-5),
        Txn((), (Put(b"a", Blob(b""), lease=(1 << 64) - 1),)),
    ],
)
async def test_the_limits_of_numbers_and_depths(request_: Any) -> None:
    await survives([request_])

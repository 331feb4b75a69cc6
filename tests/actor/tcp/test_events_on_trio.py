"""Sockets watched on trio: tasks that wait, are cancelled, or lose the socket under them."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from kube_actors.actor.tcp.events import Events, running_events

pytestmark = pytest.mark.trio


class Tasks:
    """A nursery where anyio's task group is meant, so that its tasks can be counted."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery

    def start_soon(self, run: Callable[..., Any], *args: Any, name: object = None) -> None:
        self.nursery.start_soon(run, *args, name=str(name))

    def names(self) -> list[str]:
        return sorted(task.name for task in self.nursery.child_tasks)


def events_in(tasks: Tasks) -> Events:
    return running_events(tasks)  # type: ignore[arg-type]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    with ours, theirs:
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def fill(sock: socket.socket) -> None:
    try:
        while True:
            sock.send(bytes(65536))
    except BlockingIOError:
        pass


async def test_a_socket_that_is_let_go_ends_its_waiters_in_silence(pair: Pair) -> None:
    ours, theirs = pair
    calls: list[str] = []
    async with trio.open_nursery() as nursery:
        tasks = Tasks(nursery)
        events = events_in(tasks)
        fill(ours)
        events.watch(ours, lambda: calls.append("readable"))
        events.when_writable(ours, lambda: calls.append("writable"))
        await wait_all_tasks_blocked()
        assert tasks.names() == ["tcp", "tcp read", "tcp write"]
        events.unwatch(ours)
        theirs.send(b"late")
        await wait_all_tasks_blocked()
        assert (tasks.names(), calls) == (["tcp"], [])
        nursery.cancel_scope.cancel()


async def test_others_who_wait_for_a_socket_hear_that_it_is_let_go(pair: Pair) -> None:
    ours, _ = pair
    async with trio.open_nursery() as nursery:
        events = events_in(Tasks(nursery))

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await trio.lowlevel.wait_readable(ours)
            nursery.cancel_scope.cancel()

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        events.unwatch(ours)


async def test_a_descriptor_that_is_used_again_belongs_to_its_new_socket(pair: Pair) -> None:
    """Two become readable at once, and the first to run puts a new socket in the other's place."""
    calls: list[str] = []
    (old, far), (fresh, _) = socket.socketpair(), pair
    other, far_of_other = socket.socketpair()
    made: list[socket.socket] = []
    async with trio.open_nursery() as nursery:
        tasks = Tasks(nursery)
        events = events_in(tasks)

        def replace(mine: socket.socket, gone: socket.socket) -> None:
            calls.append("first")
            mine.recv(9)
            events.unwatch(gone)
            descriptor = gone.fileno()
            gone.close()
            made.append(socket.socket(fileno=os.dup2(fresh.fileno(), descriptor)))
            events.watch(made[0], lambda: calls.append(made[0].recv(9).decode()))

        events.watch(old, lambda: replace(old, other))
        events.watch(other, lambda: replace(other, old))
        await wait_all_tasks_blocked()
        far.send(b"a")
        far_of_other.send(b"b")
        while not made:
            await trio.lowlevel.checkpoint()
        for sock in (old, other):
            events.unwatch(sock)
        await wait_all_tasks_blocked()
        assert (calls, tasks.names()) == (["first"], ["tcp", "tcp read"])
        pair[1].send(b"hello")
        await wait_all_tasks_blocked()
        assert calls == ["first", "hello"]
        nursery.cancel_scope.cancel()
    for sock in (old, other, far, far_of_other, *made):
        sock.close()


async def test_what_comes_in_the_turn_of_a_cancellation_stays_in_the_socket(pair: Pair) -> None:
    ours, theirs = pair
    heard: list[bytes] = []
    async with trio.open_nursery() as nursery:
        events_in(Tasks(nursery)).watch(ours, lambda: heard.append(ours.recv(9)))
        await wait_all_tasks_blocked()
        theirs.send(b"hello")
        nursery.cancel_scope.cancel()
    assert heard == []
    assert ours.recv(9) == b"hello"


async def test_two_that_are_readable_in_the_turn_of_a_cancellation_lose_nothing(
    pair: Pair,
) -> None:
    left, right = socket.socketpair()
    left.setblocking(False)
    heard: list[bytes] = []
    with left, right:
        async with trio.open_nursery() as nursery:
            events = events_in(Tasks(nursery))

            def read(sock: socket.socket) -> None:
                heard.append(sock.recv(9))
                nursery.cancel_scope.cancel()

            events.watch(pair[0], lambda: read(pair[0]))
            events.watch(left, lambda: read(left))
            await wait_all_tasks_blocked()
            pair[1].send(b"hello")
            right.send(b"world")
            await trio.sleep_forever()
        assert sorted(heard) == [b"hello", b"world"], "both were ready before the first ran"


async def test_the_deadline_around_the_tasks_ends_them_all(
    pair: Pair, autojump_clock: MockClock
) -> None:
    calls: list[str] = []
    with trio.move_on_after(30) as around:
        async with trio.open_nursery() as nursery:
            events = events_in(Tasks(nursery))
            events.watch(pair[0], lambda: calls.append("readable"))
            await wait_all_tasks_blocked()
            events.soon(lambda: calls.append("soon"))
    assert around.cancelled_caught
    assert calls == ["soon"]
    assert trio.current_time() == 30


async def test_what_a_callback_raises_ends_the_tasks(pair: Pair) -> None:
    ours, theirs = pair

    def fail() -> None:
        raise LookupError(ours.recv(9))

    with pytest.RaisesGroup(LookupError):
        async with trio.open_nursery() as nursery:
            events_in(Tasks(nursery)).watch(ours, fail)
            theirs.send(b"hello")
            await trio.sleep_forever()


async def test_what_is_due_runs_in_order_and_what_is_added_meanwhile_after_it() -> None:
    done: list[int] = []
    async with trio.open_nursery() as nursery:
        events = events_in(Tasks(nursery))

        def first() -> None:
            done.append(1)
            events.soon(lambda: done.append(3))

        await wait_all_tasks_blocked()
        events.soon(first)
        events.soon(lambda: done.append(2))
        await wait_all_tasks_blocked()
        assert done == [1, 2, 3]
        nursery.cancel_scope.cancel()

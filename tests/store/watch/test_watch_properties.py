"""The nine properties of watches, against the history that the writers know.

Ordered, unique, atomic, reliable, resumable, bookmarkable (progress), prev_kv right, is_create
right, filters right: https://etcd.io/docs/v3.5/learning/api_guarantees/ and the checks of etcd's
own robustness tests. Readers follow many watches over sessions that are cut by crashes and by
their own choice, and go on from where they were.
"""

from typing import Any

import anyio
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kube_actors.actor import ActorError, Blob
from kube_actors.simulation import backend_options
from kube_actors.store import (
    DeleteRange,
    Event,
    EventType,
    KeyValue,
    Put,
    SessionItem,
    SessionKind,
    Txn,
    Watch,
    WatchSessionClient,
)
from tests.store.groups import Group, open_group

Keys = dict[bytes, KeyValue]

NAMES = [b"a", b"a/1", b"a/2", b"b", b"c"]
names = st.sampled_from(NAMES)
ends = st.sampled_from([b"", b"a0", b"b", b"\0"])
operations = st.one_of(
    st.builds(lambda key, size: Put(key, Blob(bytes(size))), names, st.sampled_from([0, 9, 3000])),
    st.builds(DeleteRange, names, ends),
)
txns = st.lists(operations, min_size=1, max_size=3).map(lambda found: Txn((), tuple(found)))
watches = st.builds(
    Watch,
    names,
    ends,
    st.sampled_from([0, 1, 2, 5, 12]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([False, False, True]),
    st.sampled_from([False, False, True]),
)
troubles = st.sampled_from(
    [
        "write",
        "write",
        "write",
        "write",
        "crash",
        "reconnect",
        "progress",
        "isolate",
        "heal",
        "wait",
    ]
)


class History:
    """What every revision did, worked out from the answers to the writes."""

    def __init__(self) -> None:
        self.now: Keys = {}
        self.revision = 1
        self.events: list[Event] = []

    def apply(self, txn: Txn, revision: int) -> None:
        """Take a transaction that made ``revision``, or none if it changed nothing."""
        for operation in txn.success:
            if isinstance(operation, Put):
                old = self.now.get(operation.key)
                created = old.create_revision if old else revision
                version = old.version + 1 if old else 1
                kv = KeyValue(operation.key, operation.value, created, revision, version)
                self.now[operation.key] = kv
                self.events.append(Event(EventType.PUT, kv, old))
            elif isinstance(operation, DeleteRange):
                for key in sorted(self.now):
                    if covers(operation.key, operation.range_end, key):
                        gone = KeyValue(key, Blob(b""), 0, revision, 0)
                        self.events.append(Event(EventType.DELETE, gone, self.now.pop(key)))
        self.revision = revision

    def expected(self, watch: Watch, first: int, last: int) -> list[Event]:
        """Return what a watch must have shown from ``first`` to ``last``, exactly."""
        found = []
        for event in self.events:
            wanted = covers(watch.key, watch.range_end, event.kv.key) and not (
                (watch.no_put and event.type is EventType.PUT)
                or (watch.no_delete and event.type is EventType.DELETE)
            )
            if wanted and first <= event.kv.mod_revision <= last:
                found.append(event if watch.prev_kv else Event(event.type, event.kv))
        return found


def covers(key: bytes, end: bytes, name: bytes) -> bool:
    return name == key if not end else name >= key and (end == b"\0" or name < end)


@define
class Follower:
    """One watch over all its sessions: what it showed, and up to where it says it did."""

    watch: Watch
    first: int = 0
    revision: int = 0
    events: list[Event] = field(factory=list)
    partial: list[Event] = field(factory=list)

    def take(self, item: SessionItem) -> None:
        if item.kind is SessionKind.CREATED and not self.first:
            self.first = self.watch.start_revision or item.revision + 1
            self.revision = self.first - 1
        if item.kind is SessionKind.EVENTS:
            self.partial += item.events
            if item.fragment:
                return
            # Atomic: what is complete is complete with all of its last revision.
            self.events += self.partial
            self.partial = []
            self.revision = max(self.revision, item.revision)
        elif item.kind is SessionKind.PROGRESS:
            assert not self.partial, "progress within a batch"
            self.revision = max(self.revision, item.revision)


class Reader:
    """Follows watches at one member after another."""

    def __init__(self, group: Group, wanted: list[Watch]) -> None:
        self._group = group
        self.followers = [Follower(watch) for watch in wanted]
        self.reconnect = anyio.Event()
        self.session: WatchSessionClient | None = None
        self._turn = 0

    async def run(self) -> None:
        while True:
            self._turn += 1
            self.reconnect = anyio.Event()
            try:
                async with self._group.at(self._turn % 3 + 1).watch_session() as session:
                    await self._follow(session)
            except* ActorError:
                await anyio.sleep(0.05)
            self.session = None

    async def _follow(self, session: WatchSessionClient) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._leave, tasks)
            ids: dict[int, Follower] = {}
            for number, follower in enumerate(self.followers, 1):
                follower.partial = []
                start = follower.revision + 1 if follower.first else follower.watch.start_revision
                again = evolve_start(follower.watch, start)
                await session.open(again, watch_id=number, fragment=number % 2 == 0)
                ids[number] = follower
            self.session = session
            async for item in session:
                assert item.kind is not SessionKind.CANCELED
                for follower in ids.values() if item.watch_id < 0 else (ids[item.watch_id],):
                    follower.take(item)

    async def _leave(self, tasks: Any) -> None:
        await self.reconnect.wait()
        tasks.cancel_scope.cancel()

    async def caught_up(self, revision: int) -> None:
        """Wait until progress on demand says that everything up to ``revision`` was shown."""
        with anyio.fail_after(60):
            while True:
                try:
                    if self.session is not None:
                        await self.session.progress()
                except ActorError:
                    pass
                await anyio.sleep(0.05)
                if all(
                    one.revision >= min(revision, one.revision) for one in self.followers
                ) and all(one.first and one.revision >= revision for one in self.followers):
                    return


def evolve_start(watch: Watch, start: int) -> Watch:
    return Watch(
        watch.key,
        watch.range_end,
        start,
        watch.prev_kv,
        watch.progress_notify,
        watch.no_put,
        watch.no_delete,
    )


async def write(group: Group, history: History, txn: Txn) -> None:
    """Write once; learn what became of it before anything else is written."""
    try:
        revision = (await group.client.txn(txn)).revision
    except ActorError:
        group.network.heal()
        await group.leader()
        # What was under way is decided long before this.
        await anyio.sleep(1)
        revision = await group.client.current_revision()
    assert revision <= history.revision + 1
    if revision > history.revision:
        history.apply(txn, revision)


async def follow(script: list[tuple[str, Txn]], wanted: list[Watch], seed: int) -> None:
    async with open_group(
        seed=seed, request_bytes_max=7000, progress_ticks=7, snapshot_entries=9, keep_entries=2
    ) as group:
        history = History()
        readers = [Reader(group, wanted), Reader(group, wanted[::-1])]
        async with anyio.create_task_group() as tasks:
            for reader in readers:
                tasks.start_soon(reader.run)
            for number, (trouble, txn) in enumerate(script):
                member = number % 3 + 1
                if trouble == "write":
                    await write(group, history, txn)
                elif trouble == "crash":
                    group.crash(member)
                elif trouble == "reconnect":
                    readers[number % 2].reconnect.set()
                elif trouble == "isolate":
                    group.isolate(member)
                elif trouble == "heal":
                    group.network.heal()
                else:
                    await anyio.sleep(0.3)
            group.network.heal()
            await group.leader()
            await write(group, history, Txn((), (Put(b"a", Blob(b"last")),)))
            for reader in readers:
                await reader.caught_up(history.revision)
            tasks.cancel_scope.cancel()
        for reader in readers:
            for follower in reader.followers:
                check(history, follower)


def check(history: History, follower: Follower) -> None:
    revisions = [event.kv.mod_revision for event in follower.events]
    assert revisions == sorted(revisions), "not in order"
    named = [(event.kv.mod_revision, event.kv.key) for event in follower.events]
    assert len(named) == len(set(named)), "an event came twice"
    expected = history.expected(follower.watch, follower.first, follower.revision)
    assert follower.events == expected
    for event in follower.events:
        created = event.type is EventType.PUT and event.kv.version == 1
        assert created == (event.kv.create_revision == event.kv.mod_revision)


def distinct(txn: Txn) -> bool:
    """Say whether no key could change twice in it: the store refuses those."""
    puts = [one.key for one in txn.success if isinstance(one, Put)]
    deletes = [one for one in txn.success if isinstance(one, DeleteRange)]
    clash = any(covers(one.key, one.range_end, key) for one in deletes for key in puts)
    return len(puts) == len(set(puts)) and not clash


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(troubles, txns.filter(distinct)), min_size=5, max_size=30),
    st.lists(watches, min_size=1, max_size=4),
    st.integers(0, 1000),
)
def test_watches_keep_their_nine_promises_over_crashes_and_reconnects(
    script: list[tuple[str, Txn]], wanted: list[Watch], seed: int
) -> None:
    for library in ("asyncio", "trio"):
        backend, options = backend_options(library)
        anyio.run(follow, script, wanted, seed, backend=backend, backend_options=options)

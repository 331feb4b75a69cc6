"""A group of store members under test, with the verbs that break it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
import attrs

from kube_actors.actor import (
    Actor,
    ActorError,
    ActorSystem,
    Blob,
    Child,
    MemoryNetwork,
    Restart,
    Supervisor,
    Unreachable,
)
from kube_actors.store import (
    Compare,
    CompareResult,
    CompareTarget,
    Disk,
    Event,
    MemberConfig,
    MemberStatus,
    MemoryDisk,
    Put,
    Range,
    StoreClient,
    Txn,
    TxnDone,
    Watch,
    Watched,
    member_address,
    run_member,
)


def put(key: bytes, value: bytes = b"v", *, lease: int = 0) -> Txn:
    return Txn((), (Put(key, Blob(value), lease),))


def create(key: bytes, value: bytes) -> Txn:
    guard = Compare(key, CompareTarget.CREATE, CompareResult.EQUAL, 0)
    return Txn((guard,), (Put(key, Blob(value)),), (Range(key),))


class Group:
    """Members ``store/1`` and up; ``client`` prefers the first of them."""

    def __init__(
        self,
        system: ActorSystem,
        supervisor: Supervisor,
        network: MemoryNetwork,
        actor: Actor,
        disks: Sequence[Disk],
        configs: Sequence[MemberConfig],
    ) -> None:
        self.system = system
        self.supervisor = supervisor
        self.network = network
        self.actor = actor
        self.disks = disks
        self.configs = configs
        self.numbers = [config.member for config in configs]
        self.client = StoreClient(actor, [member_address(number) for number in self.numbers])

    def join(self, number: int, *, disk: Disk | None = None, address: str = "") -> None:
        """Start a member that was added under this number, at its address or its own."""
        disk = disk or MemoryDisk()
        config = attrs.evolve(self.configs[0], member=number, joining=True)
        run = partial(run_member, config=config, disk=disk)
        address = address or member_address(number)
        self.supervisor.start(Child(address, run, restart=Restart.TRANSIENT))
        self.disks = [*self.disks, disk]
        self.numbers = [*self.numbers, number]

    def left(self, *numbers: int) -> None:
        """Do not expect these members any more."""
        self.numbers = [one for one in self.numbers if one not in numbers]
        self.client = self.at(*self.numbers)

    def has_ended(self, number: int) -> bool:
        """Say whether a member has ended by itself: it returned, so nobody starts it again."""
        return member_address(number) not in self.supervisor

    async def ended(self, number: int) -> None:
        """Wait until a member has ended by itself."""
        with anyio.fail_after(5):
            while not self.has_ended(number):  # noqa: ASYNC110
                await anyio.sleep(0.05)

    def at(self, *members: int) -> StoreClient:
        """Return a client of only these members."""
        return StoreClient(self.actor, [member_address(number) for number in members])

    async def status(self, member: int) -> MemberStatus:
        return await self.at(member).status()

    async def leader(self, *among: int) -> int:
        """Wait until one of these members leads and the others follow it; return its number."""
        members = among or tuple(self.numbers)
        with anyio.fail_after(60):
            while True:
                found = {one.leader for one in await self._statuses(members)}
                if len(found) == 1 and (leader := found.pop()) in members:
                    return leader
                await anyio.sleep(0.01)

    async def healthy(self) -> None:
        """Wait until every member follows one leader and says that it takes writes."""
        with anyio.fail_after(60):
            while True:
                seen = await self._statuses(self.numbers)
                if len({one.leader for one in seen}) == 1 and not any(
                    one.read_only for one in seen
                ):
                    return
                await anyio.sleep(0.01)

    async def settled(self, *among: int) -> None:
        """Wait until these members have applied the same."""
        members = among or tuple(self.numbers)
        with anyio.fail_after(60):
            while True:
                seen = await self._statuses(members)
                indexes = {(one.applied_index, one.commit_index) for one in seen}
                if len(indexes) == 1 and seen[0].applied_index == seen[0].commit_index:
                    return
                await anyio.sleep(0.01)

    async def _statuses(self, members: Sequence[int]) -> list[MemberStatus]:
        """Ask these members; no answer at all unless all of them answer."""
        try:
            return [await self.status(member) for member in members]
        except ActorError:
            return []

    async def assert_equal(self) -> None:
        """Every member holds the same, to the bit."""
        await self.settled()
        hashes = [await self.at(member).hash() for member in self.numbers]
        assert len({(one.revision, one.compact_revision, one.hash) for one in hashes}) == 1

    def kill(self, *members: int) -> None:
        for member in members:
            self.supervisor.kill(member_address(member))

    def crash(self, member: int) -> None:
        """Let a member die of an error; its supervisor starts it again."""
        self.supervisor.crash(member_address(member))

    def revive(self, *members: int) -> None:
        for member in members:
            self.supervisor.revive(member_address(member))

    def isolate(self, *members: int) -> None:
        """Cut these members off from the other members; clients still reach everybody."""
        inside = [member_address(member) for member in members]
        outside = [member_address(one) for one in self.numbers if one not in members]
        self.network.partition(inside, outside)


@asynccontextmanager
async def open_group(
    members: int = 3,
    *,
    disks: Sequence[Disk] | None = None,
    seed: int = 0,
    **options: object,
) -> AsyncIterator[Group]:
    network = MemoryNetwork(seed)
    disks = disks or [MemoryDisk() for _ in range(members)]
    configs = [
        MemberConfig(member=number, members=members, **options)  # type: ignore[arg-type]
        for number in range(1, members + 1)
    ]
    async with (
        ActorSystem(network, seed=seed) as system,
        Supervisor(system, name="test", intensity=1000) as supervisor,
        system.client("client/test") as actor,
    ):
        for config, disk in zip(configs, disks, strict=True):
            run = partial(run_member, config=config, disk=disk)
            address = member_address(config.member)
            supervisor.start(Child(address, run, restart=Restart.TRANSIENT))
        yield Group(system, supervisor, network, actor, disks, configs)


class WatchLog:
    """Follows one watch across members and leaders, by revision, as a reader should."""

    def __init__(self, client: StoreClient, watch: Watch) -> None:
        self._client = client
        self._watch = watch
        self.events: list[Event] = []
        self.revision = watch.start_revision - 1
        self.reconnects = 0

    async def run(self) -> None:
        while True:
            try:
                watch = Watch(self._watch.key, self._watch.range_end, self.revision + 1)
                async with self._client.watch(watch) as items:
                    async for item in items:
                        self._take(item)
            except Unreachable:
                await anyio.sleep(0.05)
            except ActorError:
                self.reconnects += 1

    def _take(self, watched: Watched) -> None:
        for event in watched.events:
            assert event.kv.mod_revision > self.revision, "an event came twice or late"
        self.events += watched.events
        assert watched.revision >= self.revision or not watched.events
        self.revision = max(self.revision, watched.revision)


async def write_until_it_works(client: StoreClient, key: bytes, value: bytes) -> None:
    """Write as a client does that minds neither a refusal nor a doubt."""
    with anyio.fail_after(30):
        while True:
            try:
                await client.txn(put(key, value))
                return
            except ActorError:
                await anyio.sleep(0.02)


def revision_of(done: TxnDone) -> int:
    assert done.succeeded
    return done.revision

"""Do all members hold the same? The leader compares hashes of one revision, now and then.

Replicas that apply the same log hold the same data unless a disk, a memory bank or a bug changed
some of it (https://etcd.io/docs/v3.5/op-guide/data_corruption/). Hashes are compared only where
revision and compaction agree. Whoever differs from the majority is named in a CORRUPT alarm; if
no hash has a majority, everybody compared is. Hashing goes in slices, so nobody stops answering.
"""

from collections.abc import Callable

import anyio

from kube_actors.actor import ActorError, Delivery
from kube_actors.store.group.address_book import AddressBook
from kube_actors.store.group.peers import Peers
from kube_actors.store.group.replica import Replica
from kube_actors.store.messages import (
    ActivateAlarm,
    AlarmKind,
    Compacted,
    FutureRevision,
    GetHash,
    Hashed,
)
from kube_actors.store.state import Applied, Keyspace

SLICE_KEYS = 512
ATTEMPTS = 3
"""How often a member that has not come as far as the leader yet is asked."""


async def hash_in_slices(keyspace: Keyspace, revision: int) -> Hashed:
    """Hash what ``Keyspace.hash`` does, with pauses. Raises Compacted, FutureRevision."""
    keyspace.check_revision(revision)
    revision = revision or keyspace.revision
    while keyspace.untrimmed:
        keyspace.trim(SLICE_KEYS)
        await anyio.lowlevel.checkpoint()
    keyspace.trim()
    compact_revision = keyspace.compact_revision
    digest, name = keyspace.hash_slice(b"", revision, SLICE_KEYS)
    while name is not None:
        await anyio.lowlevel.checkpoint()
        if keyspace.compact_revision != compact_revision:
            raise Compacted(keyspace.compact_revision)
        digest, name = keyspace.hash_slice(name, revision, SLICE_KEYS, digest)
    return Hashed(revision, compact_revision, digest)


async def answer_hash(applied: Applied, delivery: Delivery) -> None:
    """Answer a ``GetHash``."""
    request: GetHash = delivery.message
    for _ in range(ATTEMPTS):
        try:
            delivery.reply(await hash_in_slices(applied.state.keyspace, request.revision))
            return
        except Compacted as error:
            if request.revision:
                delivery.fail(error.with_traceback(None))
                return
        except ActorError as error:
            delivery.fail(error.with_traceback(None))
            return
    delivery.fail(Compacted(applied.state.keyspace.compact_revision))


def corrupt_members(hashes: dict[int, int]) -> list[int]:
    """Return the members whose hash is not that of a majority of those compared."""
    count: dict[int, int] = {}
    for digest in hashes.values():
        count[digest] = count.get(digest, 0) + 1
    right = max(count, key=lambda digest: count[digest])
    if 2 * count[right] <= len(hashes):
        return sorted(hashes) if len(count) > 1 else []
    return sorted(member for member, digest in hashes.items() if digest != right)


class CorruptionCheck:
    """When this member leads: compares, soon after it began to and then every so often."""

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        addresses: AddressBook,
        propose: Callable[[ActivateAlarm], None],
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._addresses = addresses
        self._propose = propose
        self._due_tick = 0
        self._led = False
        self._checking = False

    def tick(self) -> None:
        """Begin a check when one is due."""
        replica, config, now = self._replica, self._replica.config, self._peers.ticks
        leads = replica.raft.is_leader
        if leads and not self._led:
            self._due_tick = now + 2 * config.election_ticks
        self._led = leads
        due = leads and config.corrupt_check_ticks and now >= self._due_tick
        if due and not self._checking and len(replica.roster.members().members) > 1:
            self._checking = True
            self._due_tick = now + config.corrupt_check_ticks
            replica.spawn(self._check)

    async def _check(self) -> None:
        try:
            await self._compare()
        except ActorError:
            pass  # Compacted meanwhile: the next check will tell.
        finally:
            self._checking = False

    async def _compare(self) -> None:
        replica = self._replica
        own = await hash_in_slices(replica.applied.state.keyspace, 0)
        hashes = {replica.number: own.hash}
        for info in replica.roster.members().members:
            if info.id != replica.number and self._peers.answers(info.id):
                other = await self._ask(info.id, own.revision)
                if other is not None and other.compact_revision == own.compact_revision:
                    hashes[info.id] = other.hash
        for number in corrupt_members(hashes):
            if replica.applied.state.alarms.is_raised(AlarmKind.CORRUPT, number):
                continue
            text = f"its hash at revision {own.revision} is {hashes[number]:08x}, others' are not"
            self._propose(ActivateAlarm(number, AlarmKind.CORRUPT, text))

    async def _ask(self, number: int, revision: int) -> Hashed | None:
        config = self._replica.config
        wait_s = config.tick_s * config.election_ticks
        for _ in range(ATTEMPTS):
            try:
                answer = await self._replica.actor.call(
                    self._addresses.address(number), GetHash(revision), timeout_s=20 * wait_s
                )
            except FutureRevision:
                await anyio.sleep(wait_s)
            except ActorError:
                return None
            else:
                return answer if isinstance(answer, Hashed) else None
        return None

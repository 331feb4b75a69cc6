"""Bugs planted in a control plane, to see that the simulated cluster finds each of them.

Every one is a mistake that somebody has made: a precondition left out, an acknowledgement too
early, a read that asks nobody, a watch that goes on one revision too late.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio
import pytest
from attrs import evolve, frozen

from kube_actors.actor import ActorError
from kube_actors.apiserver.cache import feed
from kube_actors.apiserver.cache.read_index import ReadIndex
from kube_actors.apiserver.subresources import binding
from kube_actors.apiserver.verbs import allocation
from kube_actors.client import LeaderElector
from kube_actors.client.election.lease_record import LeaseRecord, Observation
from kube_actors.controllers import garbage
from kube_actors.controllers.workloads.deployment import rollout
from kube_actors.controllers.workloads.job.counting import JobPod
from kube_actors.raft import HardState
from kube_actors.scheduler.snapshot import Snapshot
from kube_actors.simulation.cluster import Plan
from kube_actors.simulation.cluster.faults import Shape
from kube_actors.simulation.cluster.scenarios import READ_ONLY
from kube_actors.store import MemberConfig, MemoryDisk, StoreClient, TxnDone, Watch
from kube_actors.store.disk import Recovered
from kube_actors.store.group import rebuild
from kube_actors.store.member.upkeep import Upkeep

Patch = pytest.MonkeyPatch
SMALL = Plan(shape=Shape(nodes=3, faults_s=12.0), settle_s=40.0)
BUSY = Plan(shape=Shape(nodes=3, faults_s=12.0, verbs=("pause",)), users=4, settle_s=20.0)
LINKS = Plan(shape=Shape(nodes=1, faults_s=15.0, verbs=("partition", "isolate", "delay")), users=0)
BRIEF = evolve(BUSY, settle_s=6.0)
CROWDED = evolve(BUSY, pods_fit=8)
CRASHES = Plan(shape=Shape(nodes=1, faults_s=15.0, verbs=("crash",)), users=2, settle_s=40.0)
CLOCKS = Plan(
    shape=Shape(nodes=1, faults_s=12.0, verbs=("clock-ahead", "clock-behind", "clock-drift")),
    users=0,
    settle_s=20.0,
)
DISKS = Plan(
    shape=Shape(nodes=1, faults_s=15.0, verbs=("disk-rot", "disk-lost", "disk-misdirected")),
    users=0,
    settle_s=20.0,
)
ROT = evolve(DISKS, shape=evolve(DISKS.shape, verbs=("disk-rot",)))
DARK = evolve(READ_ONLY, settle_s=5.0)
ROLLOUT = Plan(shape=Shape(nodes=3, faults_s=10.0), roll_only=True, registers=False)


@frozen
class Mutant:
    """``promises``: those of which one must be found broken within the first ``seeds`` seeds."""

    name: str
    plant: Callable[[Patch], None]
    promises: tuple[str, ...]
    seeds: int
    plan: Plan = SMALL


def _bind_twice(patch: Patch) -> None:
    async def lead_at_once(self: LeaderElector, lead: Callable[[], Awaitable[None]]) -> None:
        await lead()

    patch.setattr(LeaderElector, "run", lead_at_once)
    patch.setattr(binding, "check_bindable", lambda *_: None)


def _watch_too_late(patch: Patch) -> None:
    def late(key: bytes, end: bytes, *, start_revision: int) -> Watch:
        # Right at first, and one event too late when the watch is taken up again.
        return Watch(key, end, start_revision=start_revision + (start_revision > 60))

    patch.setattr(feed, "Watch", late)


def _rollout_at_once(patch: Patch) -> None:
    def all_at_once(strategy: Any, new: Any, old: Any) -> dict[str, int]:
        return {size.name: 0 for size in old}

    patch.setattr(rollout, "scale_down_old", all_at_once)


def _surge_without_end(patch: Patch) -> None:
    patch.setattr(rollout, "new_size", lambda strategy, new, old: strategy.replicas)


def _count_what_runs(patch: Patch) -> None:
    """A Job's pods that have been made and do not run yet are made again."""
    runs = property(lambda pod: not pod.deleting and pod.phase == "Running")
    patch.setattr(JobPod, "active", runs)


def _bind_where_it_is_full(patch: Patch) -> None:
    """What was just decided is not counted before the API says so."""
    patch.setattr(Snapshot, "assume", lambda self, pod, node_name: None)


def _address_unreserved(patch: Patch) -> None:
    """The first address that is not seen to be taken is given, and nobody reserves it."""
    real = allocation._place

    def place(call: Any, new: Any, old: Any) -> allocation.Placed:
        real(call, new, old)
        return allocation.NOTHING

    def first_free(call: Any, bounds: tuple[int, int], free: Any) -> int:
        return next(number for number in range(*bounds) if free(number))

    patch.setattr(allocation, "_place", place)
    patch.setattr(allocation, "_first_free", first_free)


def _looks_beside_itself_only(patch: Patch) -> None:
    """An owner is looked for in the namespace of its dependent, where a Node never is."""
    real = garbage.reconcile

    def reconcile(state: Any, round_: Any) -> Any:
        owners = tuple(
            evolve(owner, node=None, deleted=True) if owner.reference.kind == "Node" else owner
            for owner in state.owners
        )
        return real(evolve(state, owners=owners), round_)

    patch.setattr(garbage, "reconcile", reconcile)


def _garbage_stays(patch: Patch) -> None:
    patch.setattr(garbage, "reconcile", lambda state, round_: ())


def _acknowledge_early(patch: Patch) -> None:
    real = StoreClient.txn

    async def txn(self: StoreClient, request: Any) -> TxnDone:
        try:
            return await real(self, request)
        except ActorError:
            return TxnDone(1, True, ())

    patch.setattr(StoreClient, "txn", txn)


def _read_without_asking(patch: Patch) -> None:
    async def wait(self: ReadIndex) -> None:
        await anyio.lowlevel.checkpoint()

    patch.setattr(ReadIndex, "wait", wait)


def _lease_by_stamps(patch: Patch) -> None:
    """A candidate compares its own clock with the stamp of another machine's."""

    def observe(self: LeaderElector, lease: Any) -> None:
        record = LeaseRecord.of(lease)
        age_s = 0.0
        if record.renewed:
            age_s = self._clock.now() - datetime.fromisoformat(record.renewed).timestamp()
        self._lease = lease
        self._observed = Observation(record, self._clock.steady() - age_s)

    patch.setattr(LeaderElector, "_observe", observe)


def _serves_what_is_damaged(patch: Patch) -> None:
    """A damaged log is opened up to the damage, and its member goes on."""
    real = MemoryDisk.open

    async def open_what_is_left(self: MemoryDisk) -> Recovered:
        if self._corrupt:
            self._corrupt = False
            del self._entries[len(self._entries) // 2 :]
            self._hard_state = HardState(self._hard_state.term, self._hard_state.vote, 0)
        return await real(self)

    patch.setattr(MemoryDisk, "open", open_what_is_left)


def _rebuilt_under_its_number(patch: Patch) -> None:
    """A place whose log is lost begins again empty, as who it was, and nobody says a word."""

    async def replace(actor: Any, config: MemberConfig, old: int) -> int:
        await anyio.lowlevel.checkpoint()
        return old

    patch.setattr(rebuild, "_replace", replace)
    patch.setattr(Upkeep, "_introduce", lambda self: None)


def _forgetful_disk(patch: Patch) -> None:
    async def save(self: MemoryDisk, hard_state: Any, entries: Any) -> None:
        await anyio.lowlevel.checkpoint()

    patch.setattr(MemoryDisk, "save", save)


MUTANTS = (
    Mutant(
        "schedules without being elected, and binds what is bound",
        _bind_twice,
        ("pod-bound-once",),
        3,
    ),
    Mutant("watches from one too far", _watch_too_late, ("watch-complete",), 2, CRASHES),
    Mutant("ignores maxUnavailable", _rollout_at_once, ("rollout-availability",), 3, ROLLOUT),
    Mutant("ignores maxSurge", _surge_without_end, ("rollout-surge",), 2, ROLLOUT),
    Mutant("counts what runs only", _count_what_runs, ("job-parallelism",), 2, BUSY),
    Mutant(
        "forgets its decisions", _bind_where_it_is_full, ("node-not-overcommitted",), 3, CROWDED
    ),
    Mutant("reserves no address", _address_unreserved, ("service-address-unique",), 2, BUSY),
    Mutant("looks beside itself only", _looks_beside_itself_only, ("dependents-stay",), 1, BUSY),
    Mutant("lets dependents lie", _garbage_stays, ("dependents-go",), 2, BRIEF),
    Mutant("acknowledges early", _acknowledge_early, ("acknowledged-write-kept",), 2, DARK),
    Mutant("reads without asking", _read_without_asking, ("registers-linearizable",), 5, LINKS),
    Mutant("leads by another's clock", _lease_by_stamps, ("lease-exclusive",), 4, CLOCKS),
    Mutant(
        "serves what is damaged",
        _serves_what_is_damaged,
        ("acknowledged-write-kept", "store-history-whole", "store-members-equal", "crash"),
        3,
        ROT,
    ),
    Mutant(
        "is rebuilt under its old number",
        _rebuilt_under_its_number,
        ("acknowledged-write-kept", "store-history-whole", "store-heals", "crash"),
        4,
        DISKS,
    ),
    Mutant(
        "forgets what was synced",
        _forgetful_disk,
        ("acknowledged-write-kept", "store-history-whole", "crash"),
        3,
        DARK,
    ),
)

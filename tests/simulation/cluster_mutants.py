"""Bugs planted in a control plane, to see that the simulated cluster finds each of them.

Every one is a mistake that somebody has made: a precondition left out, an acknowledgement too
early, a read that asks nobody, a watch that goes on one revision too late.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from attrs import evolve, frozen

from kube_actors.actor import ActorError
from kube_actors.apiserver import feed
from kube_actors.apiserver.cache.read_index import ReadIndex
from kube_actors.apiserver.subresources import binding
from kube_actors.client import LeaderElector
from kube_actors.controllers import garbage, rollout
from kube_actors.simulation.cluster_scenarios import READ_ONLY
from kube_actors.simulation.cluster_weather import Shape
from kube_actors.simulation.cluster_world import Plan
from kube_actors.store import MemoryDisk, StoreClient, TxnDone, Watch

Patch = pytest.MonkeyPatch
SMALL = Plan(shape=Shape(nodes=3, faults_s=12.0), settle_s=40.0)
BUSY = Plan(shape=Shape(nodes=3, faults_s=12.0, verbs=("pause",)), users=4, settle_s=20.0)
LINKS = Plan(shape=Shape(nodes=1, faults_s=15.0, verbs=("partition", "isolate", "delay")), users=0)
CRASHES = Plan(shape=Shape(nodes=1, faults_s=15.0, verbs=("crash", "kill")), users=2, settle_s=40.0)
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
    Mutant("watches from one too far", _watch_too_late, ("watch-complete",), 4, CRASHES),
    Mutant("ignores maxUnavailable", _rollout_at_once, ("rollout-availability",), 3, ROLLOUT),
    Mutant("lets dependents lie", _garbage_stays, ("dependents-go",), 3, BUSY),
    Mutant("acknowledges early", _acknowledge_early, ("acknowledged-write-kept",), 5),
    Mutant("reads without asking", _read_without_asking, ("registers-linearizable",), 5, LINKS),
    Mutant(
        "forgets what was synced",
        _forgetful_disk,
        ("acknowledged-write-kept", "store-history-whole", "crash"),
        3,
        DARK,
    ),
)

"""The phase without faults: what was asked must come true, with the dead still dead.

It ends as soon as all is well and stays so for a moment; after the plan's patience whatever is
still missing is a breach of its promise.
"""

from typing import TYPE_CHECKING

import anyio

from kube_actors.actor import Actor, ActorError
from kube_actors.api import StatusError
from kube_actors.simulation.cluster.clients import register
from kube_actors.simulation.cluster.judges import unfinished
from kube_actors.simulation.cluster.observers import hashes
from kube_actors.store.messages import Hashed

if TYPE_CHECKING:
    from kube_actors.simulation.cluster.world import ClusterWorld

LOOK_S = 0.5
QUIET_LOOKS = 6
"""How often in a row nothing may be missing before the world is believed to be at rest."""


async def recover(world: "ClusterWorld") -> None:
    """Wait until everything is as it was asked; take note of what is not in time."""
    until_s = anyio.current_time() + world.plan.settle_s
    quiet, missing = 0, [("store-heals", "nothing was tried")]
    async with world.client("client/liveness") as client:
        fresh = reached = 0
        while quiet < QUIET_LOOKS and anyio.current_time() < until_s:
            await anyio.sleep(LOOK_S)
            missing = []
            if fresh < 2:
                try:
                    await client.apply(register(f"fresh-{fresh}", fresh))
                    found = await client.get("configmaps", f"fresh-{fresh}", "default")
                    assert found["data"]["value"] == str(fresh)
                    fresh += 1
                except (StatusError, ActorError) as error:
                    missing.append(("store-heals", f"a fresh write or read failed: {error}"))
            world.settle()
            missing += _missing(world, reached)
            reached = world.history.revision
            missing += await _unmet(world)
            quiet = 0 if missing else quiet + 1
        for promise, text in missing:
            text = f"after {world.plan.settle_s:g} s without faults: {text}"
            world.breaches.found(promise, text)
        world.settle(final=True)
        await _compare_members(world, client.actor)


def _missing(world: "ClusterWorld", reached: int) -> list[tuple[str, str]]:
    """Say what is missing; who lacks only what came after revision ``reached`` is on its way."""
    dead_nodes = tuple(name.removeprefix("node/") for name in world.dead)
    found = unfinished(world.history, dead_nodes)
    for number in world.living:
        told = world.history.told.get(number, 0)
        if told < reached:
            text = f"store/{number} is at revision {told} of {reached}"
            found.append(("store-heals", text))
    for watch in world.watches:
        dead = f"master/{watch.name.rpartition('-')[2]}" in world.dead
        change = None if dead else watch.missing()
        if change is not None and change.revision <= reached:
            text = f"{watch.name} never delivered {change.key} at revision {change.revision}"
            found.append(("watch-complete", text))
    return found


async def _unmet(world: "ClusterWorld") -> list[tuple[str, str]]:
    found = []
    for expectation in world.plan.expectations:
        try:
            await expectation(world)
        except AssertionError as error:
            found.append(("expectation", str(error) or "the expectation is not met"))
        except (StatusError, ActorError) as error:
            found.append(("expectation", f"{type(error).__name__}: {error}"))
    return found


async def _compare_members(world: "ClusterWorld", actor: Actor) -> None:
    """``store-members-equal``, and every member has caught up."""
    revision = world.history.revision
    # Whoever is a sync behind gets there.
    await anyio.sleep(LOOK_S)
    found = await hashes(actor, world.living, revision)
    said = {n: f"{a.hash:x}" if isinstance(a, Hashed) else a for n, a in found.items()}
    if len(set(said.values())) > 1:
        text = f"at revision {revision} members have {said}"
        world.breaches.found("store-members-equal", text)

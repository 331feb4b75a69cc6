"""The phase without faults: what was asked must come true, with the dead still dead.

It ends as soon as all is well and stays so for a moment; after the plan's patience whatever is
still missing is a breach of its promise.
"""

from collections.abc import Awaitable, Callable, Sequence

import anyio
from attrs import frozen

from kube_actors.actor import Actor, ActorError
from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.simulation.cluster.clients import register
from kube_actors.simulation.cluster.history import History
from kube_actors.simulation.cluster.judges import WatchJudge, unfinished
from kube_actors.simulation.cluster.observers import hashes
from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.store.messages import Hashed

LOOK_S = 0.5
QUIET_LOOKS = 6
"""How often in a row nothing may be missing before the world is believed to be at rest."""


@frozen
class Aftermath:
    """What is left when the faults have stopped, and what is asked of it.

    ``dead`` names the machines that stay without power, ``living`` the masters by number.
    ``settle`` judges what can be judged by now, all of it if it is the last time. An expectation
    raises AssertionError as long as it is not met; ``patience_s`` is how long that may be.
    """

    history: History
    breaches: Breaches
    watches: Sequence[WatchJudge]
    dead: tuple[str, ...]
    living: tuple[int, ...]
    settle: Callable[[bool], None]
    expectations: tuple[Callable[[], Awaitable[None]], ...]
    patience_s: float


async def recover(client: Client, left: Aftermath) -> None:
    """Wait until everything is as it was asked; take note of what is not in time."""
    until_s = anyio.current_time() + left.patience_s
    quiet, missing = 0, [("store-heals", "nothing was tried")]
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
        left.settle(False)
        missing += _missing(left, reached)
        reached = left.history.revision
        missing += await _unmet(left)
        quiet = 0 if missing else quiet + 1
    for promise, text in missing:
        text = f"after {left.patience_s:g} s without faults: {text}"
        left.breaches.found(promise, text)
    left.settle(True)
    await _compare_members(left, client.actor)


def _missing(left: Aftermath, reached: int) -> list[tuple[str, str]]:
    """Say what is missing; who lacks only what came after revision ``reached`` is on its way."""
    dead_nodes = tuple(name.removeprefix("node/") for name in left.dead)
    found = unfinished(left.history, dead_nodes)
    for number in left.living:
        told = left.history.told.get(number, 0)
        if told < reached:
            text = f"store/{number} is at revision {told} of {reached}"
            found.append(("store-heals", text))
    for watch in left.watches:
        dead = f"master/{watch.name.rpartition('-')[2]}" in left.dead
        change = None if dead else watch.missing()
        if change is not None and change.revision <= reached:
            text = f"{watch.name} never delivered {change.key} at revision {change.revision}"
            found.append(("watch-complete", text))
    return found


async def _unmet(left: Aftermath) -> list[tuple[str, str]]:
    found = []
    for expectation in left.expectations:
        try:
            await expectation()
        except AssertionError as error:
            found.append(("expectation", str(error) or "the expectation is not met"))
        except (StatusError, ActorError) as error:
            found.append(("expectation", f"{type(error).__name__}: {error}"))
    return found


async def _compare_members(left: Aftermath, actor: Actor) -> None:
    """``store-members-equal``, and every member has caught up."""
    revision = left.history.revision
    # Whoever is a sync behind gets there.
    await anyio.sleep(LOOK_S)
    found = await hashes(actor, left.living, revision)
    said = {n: f"{a.hash:x}" if isinstance(a, Hashed) else a for n, a in found.items()}
    if len(set(said.values())) > 1:
        text = f"at revision {revision} members have {said}"
        left.breaches.found("store-members-equal", text)

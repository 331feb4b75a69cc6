"""The users of a simulated cluster: they write, read and watch, and keep what they were told.

Each goes through one apiserver of its own, so that servers are compared. What a server
acknowledged and what a register answered is kept for the judges; a refusal is no news.
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import anyio
import orjson

from kube_actors.actor import ActorError, ActorSystem, Overloaded, Unreachable
from kube_actors.api import StatusError
from kube_actors.client import ApiRequest, Client
from kube_actors.cluster import ADMIN_GROUP, ADMIN_USER
from kube_actors.simulation.cluster.history import History, Object
from kube_actors.simulation.cluster.judges import WatchJudge
from kube_actors.simulation.cluster.network_log import LoggedNetwork
from kube_actors.simulation.cluster.promises import Breaches
from kube_actors.simulation.linearizability import Event

REGISTERS = 3
NAMESPACE = "default"
_NOT_ACTED = (409, 404, 422, 429, 503)


@asynccontextmanager
async def visiting(
    system: ActorSystem, who: str, apiservers: Iterable[int]
) -> AsyncGenerator[Client, None]:
    """Give a client with an actor of its own, for as long as the block lasts."""
    async with system.client(who) as actor:
        servers = tuple(f"apiserver/{number}" for number in apiservers)
        yield Client(actor, servers, user=ADMIN_USER, groups=(ADMIN_GROUP,))


class Acknowledged:
    """``acknowledged-write-kept``: every object that a write gave back stands in the history."""

    def __init__(self, history: History, breaches: Breaches) -> None:
        self._history = history
        self._breaches = breaches
        self._waiting: list[tuple[int, str, str, str]] = []
        self.count = 0

    def note(self, who: str, resource: str, answer: Object) -> None:
        """Keep what a server answered to a write."""
        meta = answer.get("metadata") or {}
        revision = meta.get("resourceVersion")
        if revision and meta.get("uid"):
            key = f"/registry/{resource}/{meta.get('namespace') or '-'}/{meta['name']}"
            self._waiting.append((int(revision), key, meta["uid"], who))
            self.count += 1

    def settle(self, *, final: bool = False) -> None:
        """Judge what the history has reached; at the end, all of it."""
        left = []
        for entry in self._waiting:
            revision, key, uid, who = entry
            if revision > self._history.revision:
                if final:
                    self._lost(who, key, revision, f"the store is at {self._history.revision}")
                left.append(entry)
                continue
            changes = self._history.changes.get(revision, ())
            there = next((c for c in changes if c.key == key), None)
            if there is None:
                found = ", ".join(c.key for c in changes) or "nothing"
                self._lost(who, key, revision, f"that revision changed {found}")
            elif there.object is not None and there.object["metadata"]["uid"] != uid:
                self._lost(who, key, revision, "it is another object there")
        self._waiting = left

    def _lost(self, who: str, key: str, revision: int, why: str) -> None:
        text = f"{who} was told of {key} at revision {revision}: {why}"
        self._breaches.found("acknowledged-write-kept", text, lane=who)


class Registers:
    """Clients that write, read and swap a few registers; ``events`` is their history."""

    def __init__(self, network: LoggedNetwork) -> None:
        self.events: list[Event] = []
        self._network = network
        self._numbers = 0

    def begin(self, name: str) -> None:
        """A register was made, holding 0."""
        self._note(f"maker.{name}", "invoke", "write", 0, name)
        self._note(f"maker.{name}", "ok", "write", 0, name)

    async def use(self, client: Client, who: str, draw: Random, acked: Acknowledged) -> None:
        """Be one client of the registers until cancelled."""
        seen: dict[str, Object] = {}
        turn = 0
        while True:
            await anyio.sleep(draw.uniform(0.05, 0.6))
            turn += 1
            name = f"register-{draw.randrange(REGISTERS)}"
            process = f"{who}.{turn}"
            choice = draw.random()
            if choice < 0.4:
                seen[name] = await self._read(client, process, name) or seen.get(name, {})
            elif choice < 0.7 or not seen.get(name):
                await self._write(client, process, name, None, acked)
            else:
                await self._write(client, process, name, seen.pop(name), acked)

    async def _read(self, client: Client, process: str, name: str) -> Object | None:
        self._note(process, "invoke", "read", None, name)
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}"
        try:
            response = await client.raw(ApiRequest("GET", path))
        except ActorError:
            response = None
        # A read that says that it may be stale promises nothing: the cluster is read-only.
        if response is None or response.status != 200 or response.warnings:
            self._note(process, "fail", "read", None, name)
            return None
        found: Object = orjson.loads(response.body)
        self._note(process, "ok", "read", int(found["data"]["value"]), name)
        return found

    async def _write(
        self, client: Client, process: str, name: str, old: Object | None, acked: Acknowledged
    ) -> None:
        """Write whatever stands there, or only over ``old``: a compare-and-swap."""
        self._numbers += 1
        number = self._numbers
        wanted = register(name, number)
        function: str = "write"
        value: Any = number
        if old is not None:
            wanted["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
            function, value = "cas", (int(old["data"]["value"]), number)
        self._note(process, "invoke", function, value, name)
        outcome = "ok"
        try:
            answer = await client.update(wanted)
            acked.note(process, "core/configmaps", answer)
        except StatusError as error:
            outcome = "fail" if error.code in _NOT_ACTED else "info"
        except (Unreachable, Overloaded):
            outcome = "fail"
        except ActorError:
            outcome = "info"
        self._note(process, outcome, function, value, name)

    def _note(self, process: str, type: str, function: str, value: Any, key: str) -> None:
        self.events.append(Event(process, type, function, value, key, f"{len(self.events) + 1}"))
        recording = self._network.recording
        if recording is not None:
            lane = process.partition(".")[0]
            text = f"{type} {function} {key} {value}"
            recording.event(self._network.steps, anyio.current_time(), lane, "operation", text)


def register(name: str, value: int) -> Object:
    """Write a register as a ConfigMap."""
    meta: Object = {"name": name, "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta,
        "data": {"value": str(value)},
    }


async def watch_for_ever(client: Client, kind: str, judge: WatchJudge) -> None:
    """List and watch one resource until cancelled, going on where the last watch ended."""
    revision = ""
    while True:
        try:
            if not revision:
                listed = await client.list(kind)
                revision = listed["metadata"]["resourceVersion"]
                judge.listed(int(revision))
            async with client.watch(kind, resource_version=revision, bookmarks=True) as events:
                async for event in events:
                    revision = str(_accept(event.type, bytes(event.object), judge))
        except StatusError as error:
            if error.code == 410:
                revision = ""
            await anyio.sleep(0.2)
        except ActorError:
            await anyio.sleep(0.2)


def _accept(type: str, data: bytes, judge: WatchJudge) -> int:
    meta = orjson.loads(data)["metadata"]
    revision = int(meta["resourceVersion"])
    key = f"/registry/{judge.resource}/{meta.get('namespace') or '-'}/{meta.get('name')}"
    judge.saw(revision, "" if type == "BOOKMARK" else key)
    return revision

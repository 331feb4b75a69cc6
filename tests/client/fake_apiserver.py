"""An API server small enough to reason about: it stores, lists, patches and watches, no more.

Several of them share one ``FakeStore``, as real ones share the real store. It validates nothing.
Faults are switches: ``refuse`` answers every request with a Status, ``ring`` bounds how far back a
watch may begin.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
from attrs import define, field

from kube_actors.actor import Actor, ActorSystem, Blob, Child, Delivery, Supervisor
from kube_actors.api import BUILTIN, Kind, Object, StatusError
from kube_actors.api import errors as api_errors
from kube_actors.api.patches import json_patch, merge_patch, strategic_merge_patch
from kube_actors.api.selectors import fields_of, parse_field_selector, parse_label_selector
from kube_actors.client import ApiRefused, ApiRequest, ApiResponse, WatchBatch, WatchEvent
from kube_actors.client.discovery import kinds_of

WIDGETS = {
    "kind": "APIResourceList",
    "groupVersion": "example.com/v1",
    "resources": [
        {"name": "widgets", "kind": "Widget", "namespaced": True, "shortNames": ["wd"]},
        {"name": "widgets/status", "kind": "Widget", "namespaced": True},
    ],
}
DISCOVERY: Object = {
    "/livez": {},
    "/apis": {"groups": [{"name": "example.com", "versions": [{"version": "v1"}]}]},
    "/apis/example.com/v1": WIDGETS,
}
KINDS = BUILTIN.with_kinds(kinds_of(WIDGETS))
Key = tuple[str, str, str]


@define
class Change:
    revision: int
    type: str
    resource: str
    obj: Object
    before: Object | None = None


@define
class FakeStore:
    revision: int = 10
    objects: dict[Key, Object] = field(factory=dict)
    changes: list[Change] = field(factory=list)
    ring_start: int = 10
    uids: int = 0
    refuse: StatusError | None = None
    refuse_watch: StatusError | None = None
    requests: list[ApiRequest] = field(factory=list)
    changed: anyio.Event = field(factory=anyio.Event)
    silent: bool = False
    watch_max_s: float = 1e9

    def put(self, kind: Kind, obj: Object, *, before: Object | None = None) -> Object:
        self.revision += 1
        meta = dict(obj["metadata"])
        meta.setdefault("uid", f"uid-{self._next_uid()}")
        meta["resourceVersion"] = str(self.revision)
        if before is not None:
            meta["uid"] = before["metadata"]["uid"]
        obj = {**obj, "metadata": meta}
        self.objects[self.key(kind, obj)] = obj
        self._note("MODIFIED" if before is not None else "ADDED", kind, obj, before)
        return obj

    def drop(self, kind: Kind, obj: Object) -> None:
        self.revision += 1
        del self.objects[self.key(kind, obj)]
        meta = {**obj["metadata"], "resourceVersion": str(self.revision)}
        self._note("DELETED", kind, {**obj, "metadata": meta}, obj)

    def _next_uid(self) -> int:
        self.uids += 1
        return self.uids

    def _note(self, type_: str, kind: Kind, obj: Object, before: Object | None) -> None:
        self.changes.append(Change(self.revision, type_, kind.group_resource, obj, before))
        self.changed.set()
        self.changed = anyio.Event()

    def compact(self) -> None:
        """Forget all history."""
        self.changes.clear()
        self.ring_start = self.revision
        self.changed.set()
        self.changed = anyio.Event()

    @staticmethod
    def key(kind: Kind, obj: Object) -> Key:
        meta = obj["metadata"]
        return kind.group_resource, meta.get("namespace", ""), meta["name"]


@define
class Target:
    kind: Kind
    namespace: str
    name: str
    subresource: str


def target_of(path: str) -> Target:
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    kind = KINDS.by_resource(group, version, rest[0])
    if kind is None:
        raise api_errors.no_such_path()
    return Target(kind, namespace, *([*rest[1:], "", ""])[:2])


class FakeApiServer:
    def __init__(self, actor: Actor, store: FakeStore) -> None:
        self.actor = actor
        self.store = store

    async def run(self) -> None:
        while True:
            delivery = await self.actor.receive()
            if delivery.expects == "stream":
                self.actor.spawn(self._watch, delivery)
            else:
                delivery.reply(self._answer(delivery.message))

    def _answer(self, request: ApiRequest) -> ApiResponse:
        self.store.requests.append(request)
        try:
            if self.store.refuse is not None:
                raise self.store.refuse
            return ApiResponse(200, Blob(orjson.dumps(self._serve(request))))
        except StatusError as error:
            return ApiResponse(error.code, Blob(orjson.dumps(error.status())))

    def _selected(self, target: Target, query: dict[str, str]) -> Callable[[Object], bool]:
        labels = parse_label_selector(query.get("labelSelector", ""))
        fields = parse_field_selector(query.get("fieldSelector", ""))

        def matches(obj: Object) -> bool:
            meta = obj["metadata"]
            return (
                (not target.namespace or meta.get("namespace") == target.namespace)
                and labels.matches(meta.get("labels"))
                and fields.matches(fields_of(target.kind, obj))
            )

        return matches

    def _items(self, target: Target, matches: Callable[[Object], bool]) -> list[Object]:
        resource = target.kind.group_resource
        return [o for key, o in self.store.objects.items() if key[0] == resource and matches(o)]

    def _serve(self, request: ApiRequest) -> Any:
        if request.path in DISCOVERY:
            return DISCOVERY[request.path]
        target = target_of(request.path)
        query = dict(request.query)
        kind, key = target.kind, (target.kind.group_resource, target.namespace, target.name)
        if not target.name and request.method == "GET":
            return {
                "kind": kind.list_kind,
                "apiVersion": kind.api_version,
                "metadata": {"resourceVersion": str(self.store.revision)},
                "items": self._items(target, self._selected(target, query)),
            }
        body = orjson.loads(request.body) if request.body else None
        if request.method == "POST" and not target.subresource:
            return self._create(target, body)
        live = self.store.objects.get(key)
        if live is None:
            raise api_errors.not_found(kind, target.name)
        match request.method:
            case "GET":
                return live
            case "POST":
                return self._bind(target, live, body)
            case "PUT":
                return self._update(target, live, body)
            case "PATCH":
                return self.store.put(kind, _patched(request, live, body, kind), before=live)
            case _:
                self.store.drop(kind, live)
                return {"kind": "Status", "apiVersion": "v1", "status": "Success"}

    def _create(self, target: Target, body: Object) -> Object:
        meta = {**body["metadata"]}
        if target.namespace:
            meta["namespace"] = target.namespace
        if (target.kind.group_resource, target.namespace, meta["name"]) in self.store.objects:
            raise api_errors.already_exists(target.kind, meta["name"])
        return self.store.put(target.kind, {**body, "metadata": meta})

    def _bind(self, target: Target, live: Object, body: Object) -> Object:
        spec = {**live.get("spec", {}), "nodeName": body["target"]["name"]}
        return self.store.put(target.kind, {**live, "spec": spec}, before=live)

    def _update(self, target: Target, live: Object, body: Object) -> Object:
        version = body["metadata"].get("resourceVersion")
        if version and version != live["metadata"]["resourceVersion"]:
            raise api_errors.conflict(target.kind, target.name)
        return self.store.put(target.kind, body, before=live)

    async def _watch(self, delivery: Delivery) -> None:
        request = delivery.message
        self.store.requests.append(request)
        query = dict(request.query)
        target = target_of(request.path)
        refusal = self.store.refuse or self.store.refuse_watch
        revision = int(query.get("resourceVersion") or 0)
        if refusal is None and revision and revision < self.store.ring_start:
            refusal = api_errors.too_old(revision, self.store.ring_start)
        if refusal is not None:
            delivery.fail(ApiRefused(refusal.code, Blob(orjson.dumps(refusal.status()))))
            return
        writer = delivery.open()
        matches = self._selected(target, query)
        try:
            if query.get("sendInitialEvents") == "true":
                revision = self.store.revision
                for obj in self._items(target, matches):
                    await writer.send(_batch("ADDED", obj))
                await writer.send(_bookmark(target.kind, revision, initial=True))
            with anyio.move_on_after(self.store.watch_max_s):
                await self._follow(writer.send, target, matches, revision)
            writer.close()
        except anyio.BrokenResourceError:
            return

    async def _follow(
        self,
        send: Callable[[WatchBatch], Awaitable[None]],
        target: Target,
        matches: Callable[[Object], bool],
        revision: int,
    ) -> None:
        while True:
            changed = self.store.changed
            if self.store.silent:
                await anyio.sleep_forever()
            if revision < self.store.ring_start and not self.store.changes:
                error = api_errors.too_old(revision, self.store.ring_start)
                event = WatchEvent("ERROR", Blob(orjson.dumps(error.status())), revision)
                await send(WatchBatch((event,)))
                return
            for change in [each for each in self.store.changes if each.revision > revision]:
                revision = change.revision
                type_ = _seen_as(change, target, matches)
                if type_:
                    await send(_batch(type_, change.obj, revision))
            with anyio.move_on_after(60):
                await changed.wait()
                continue
            await send(_bookmark(target.kind, max(revision, self.store.revision)))


def _seen_as(change: Change, target: Target, matches: Callable[[Object], bool]) -> str:
    if change.resource != target.kind.group_resource:
        return ""
    was = change.before is not None and matches(change.before)
    is_ = change.type != "DELETED" and matches(change.obj)
    if was and is_:
        return "MODIFIED"
    return "ADDED" if is_ else "DELETED" if was else ""


def _batch(type_: str, obj: Object, revision: int = 0) -> WatchBatch:
    revision = revision or int(obj["metadata"]["resourceVersion"])
    return WatchBatch((WatchEvent(type_, Blob(orjson.dumps(obj)), revision),))


def _bookmark(kind: Kind, revision: int, *, initial: bool = False) -> WatchBatch:
    meta: Object = {"resourceVersion": str(revision)}
    if initial:
        meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}
    return WatchBatch((WatchEvent("BOOKMARK", Blob(orjson.dumps(obj)), revision),))


def _patched(request: ApiRequest, live: Object, patch: Any, kind: Kind) -> Object:
    made: Object
    if request.content_type == "application/json-patch+json":
        made = json_patch(live, patch)
    elif request.content_type == "application/strategic-merge-patch+json":
        made = strategic_merge_patch(live, patch, kind)
    else:
        made = merge_patch(live, patch)
    return made


def start_apiserver(supervisor: Supervisor, number: int, store: FakeStore) -> None:
    async def run(actor: Actor) -> None:
        await FakeApiServer(actor, store).run()

    supervisor.start(Child(f"apiserver/{number}", run))


@define
class World:
    """A system, fake API servers and the store behind them."""

    system: ActorSystem
    supervisor: Supervisor
    store: FakeStore
    apiservers: tuple[str, ...]

    def kill(self, number: int) -> None:
        """Take an API server away until ``revive``."""
        self.supervisor.kill(f"apiserver/{number}")

    def revive(self, number: int) -> None:
        self.supervisor.revive(f"apiserver/{number}")

    def add(self, obj: Object) -> Object:
        return self.store.put(BUILTIN.of(obj), obj)

    def change(self, kind: str, namespace: str, name: str, **fields: Any) -> Object:
        found = BUILTIN.find(kind)
        live = self.store.objects[found.group_resource, namespace, name]
        return self.store.put(found, {**live, **fields}, before=live)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        found = BUILTIN.find(kind)
        self.store.drop(found, self.store.objects[found.group_resource, namespace, name])

    def live(self, kind: str, namespace: str, name: str) -> Object | None:
        return self.store.objects.get((BUILTIN.find(kind).group_resource, namespace, name))


@asynccontextmanager
async def open_world() -> AsyncIterator[World]:
    """Three API servers on one store."""
    store = FakeStore()
    async with ActorSystem(seed=7) as system, Supervisor(system, name="test") as supervisor:
        for number in (1, 2, 3):
            start_apiserver(supervisor, number, store)
        addresses = ("apiserver/1", "apiserver/2", "apiserver/3")
        yield World(system, supervisor, store, addresses)


def config_map(name: str, namespace: str = "default", **data: str) -> Object:
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def pod(name: str, node: str = "", namespace: str = "default", **labels: str) -> Object:
    meta = {"name": name, "namespace": namespace, "labels": labels}
    spec = {"nodeName": node} if node else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}

"""The verbs of the API as methods, for actors and for the code that embeds a cluster.

A ``kind`` is a ``Kind`` or any text that kubectl would take for one. Failures that the server
tells are ``StatusError``; that no server answered, or that a write's outcome is not known, is an
``ActorError``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import orjson

from kube_actors.actor import Actor, Address, Blob
from kube_actors.api import BUILTIN, Kind, Kinds, Object, UnknownKind
from kube_actors.client.apply import apply_all
from kube_actors.client.conditions import Predicate
from kube_actors.client.discovery import discover
from kube_actors.client.door import Door, status_of
from kube_actors.client.messages import ApiRequest, ApiResponse
from kube_actors.client.paths import path_of
from kube_actors.client.waiting import wait_for
from kube_actors.client.watch import Watch

PatchType = Literal["merge", "json", "strategic"]
_PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
Objects = list[Object]
Query = tuple[tuple[str, str], ...]


def _query(**options: str | int | bool | None) -> Query:
    """Options that are empty, zero, False or None are left out."""
    return tuple(
        (name, "true" if value is True else str(value)) for name, value in options.items() if value
    )


class Client:
    """One user's way to the API through any of ``apiservers``."""

    def __init__(
        self,
        actor: Actor,
        apiservers: Sequence[Address | str],
        *,
        user: str = "system:admin",
        groups: Sequence[str] = ("system:masters",),
        kinds: Kinds = BUILTIN,
        door: Door | None = None,
    ) -> None:
        addresses = tuple(Address(each) for each in apiservers)
        self.door = door or Door(actor, addresses, user, tuple(groups))
        self.kinds = kinds

    @property
    def actor(self) -> Actor:
        return self.door.actor

    def hurried(self, *, attempt_s: float, patience_s: float = 0.0) -> "Client":
        """The same client with less patience: for those who must know soon that it failed."""
        door = self.door.hurried(attempt_s=attempt_s, patience_s=patience_s)
        return Client(self.actor, door.apiservers, kinds=self.kinds, door=door)

    async def kind(self, kind: Kind | str) -> Kind:
        """Find a kind, asking the server for custom ones; raises ``UnknownKind``."""
        if isinstance(kind, Kind):
            return kind
        try:
            return self.kinds.find(kind)
        except UnknownKind:
            self.kinds = await discover(self._get_path, self.kinds)
            return self.kinds.find(kind)

    async def kind_of(self, obj: Mapping[str, Any]) -> Kind:
        """Find the kind that ``obj`` says it is; raises ``UnknownKind``."""
        try:
            return self.kinds.of(obj)
        except UnknownKind:
            self.kinds = await discover(self._get_path, self.kinds)
            return self.kinds.of(obj)

    async def raw(self, request: ApiRequest) -> ApiResponse:
        """Send any request; the response may be a failure. Raises ``ActorError``."""
        return await self.door.request(request)

    async def _call(self, request: ApiRequest) -> Any:
        response = await self.door.request(request)
        if response.status >= 400:
            raise status_of(response)
        return orjson.loads(response.body)

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        query: Query = (),
        content_type: str = "application/json",
    ) -> Object:
        payload = Blob(orjson.dumps(body))
        answer: Object = await self._call(ApiRequest(method, path, query, content_type, payload))
        return answer

    async def _get_path(self, path: str) -> Object:
        answer: Object = await self._call(ApiRequest("GET", path))
        return answer

    async def get(
        self,
        kind: Kind | str,
        name: str,
        namespace: str | None = None,
        *,
        subresource: str = "",
        resource_version: str = "",
    ) -> Object:
        """Give the latest; with ``resource_version`` "0" whatever the server has at hand."""
        found = await self.kind(kind)
        path = path_of(found, _place(found, namespace), name, subresource)
        query = _query(resourceVersion=resource_version)
        answer: Object = await self._call(ApiRequest("GET", path, query))
        return answer

    async def list(
        self,
        kind: Kind | str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        limit: int = 0,
        continue_: str = "",
    ) -> Object:
        """Give the List; no namespace means all of them."""
        found = await self.kind(kind)
        query = _query(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            resourceVersion=resource_version,
            limit=limit,
        ) + _query(**{"continue": continue_})
        answer: Object = await self._call(ApiRequest("GET", path_of(found, namespace), query))
        return answer

    async def create(
        self, obj: Object, *, namespace: str | None = None, dry_run: bool = False
    ) -> Object:
        kind = await self.kind_of(obj)
        path = path_of(kind, _place(kind, namespace, obj))
        return await self._send("POST", path, obj, _query(dryRun="All" if dry_run else ""))

    async def update(self, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        """Replace; with a resourceVersion in ``obj`` it is refused when that is not the latest."""
        kind = await self.kind_of(obj)
        path = path_of(kind, _place(kind, None, obj), obj["metadata"]["name"], subresource)
        return await self._send("PUT", path, obj, _query(dryRun="All" if dry_run else ""))

    async def update_status(self, obj: Object) -> Object:
        return await self.update(obj, subresource="status")

    async def patch(
        self,
        kind: Kind | str,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        type: PatchType = "merge",
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        found = await self.kind(kind)
        path = path_of(found, _place(found, namespace), name, subresource)
        query = _query(dryRun="All" if dry_run else "")
        return await self._send("PATCH", path, patch, query, _PATCH_TYPES[type])

    async def delete(
        self,
        kind: Kind | str,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_s: int | None = None,
        propagation: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Object:
        """Give the Status, or the object if it goes only later."""
        found = await self.kind(kind)
        options = _delete_options(grace_period_s, propagation, uid, resource_version)
        return await self._send("DELETE", path_of(found, _place(found, namespace), name), options)

    async def delete_collection(
        self,
        kind: Kind | str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        grace_period_s: int | None = None,
        propagation: str | None = None,
    ) -> Object:
        found = await self.kind(kind)
        query = _query(labelSelector=label_selector, fieldSelector=field_selector)
        options = _delete_options(grace_period_s, propagation, None, None)
        return await self._send("DELETE", path_of(found, namespace), options, query)

    async def bind(self, namespace: str, pod: str, node: str, *, uid: str = "") -> Object:
        """Give the pod to the node; refused (409) when it has one, or is not ``uid``."""
        meta = {"name": pod, "namespace": namespace, **({"uid": uid} if uid else {})}
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": meta, "target": target}
        path = path_of(BUILTIN.find("pods"), namespace, pod, "binding")
        return await self._send("POST", path, binding)

    async def evict(
        self, namespace: str, pod: str, *, grace_period_s: int | None = None, uid: str | None = None
    ) -> Object:
        """Delete the pod unless a disruption budget forbids it now (429)."""
        eviction: Object = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        }
        if grace_period_s is not None or uid:
            eviction["deleteOptions"] = _delete_options(grace_period_s, None, uid, None)
        path = path_of(BUILTIN.find("pods"), namespace, pod, "eviction")
        return await self._send("POST", path, eviction)

    async def scale(
        self, kind: Kind | str, name: str, replicas: int, namespace: str | None = None
    ) -> Object:
        patch = {"spec": {"replicas": replicas}}
        return await self.patch(kind, name, patch, namespace, subresource="scale")

    async def logs(
        self,
        namespace: str,
        pod: str,
        *,
        container: str = "",
        previous: bool = False,
        timestamps: bool = False,
        tail_lines: int | None = None,
        limit_bytes: int | None = None,
        since_s: int | None = None,
    ) -> str:
        """Give what the container has written so far."""
        query = _query(
            container=container,
            previous=previous,
            timestamps=timestamps,
            tailLines=None if tail_lines is None else str(tail_lines),
            limitBytes=limit_bytes,
            sinceSeconds=since_s,
        )
        path = path_of(BUILTIN.find("pods"), namespace, pod, "log")
        response = await self.door.request(ApiRequest("GET", path, query, accept="*/*"))
        if response.status >= 400:
            raise status_of(response)
        return bytes(response.body).decode(errors="replace")

    async def apply(
        self, manifest: Object | Sequence[Object] | str | Path, *, namespace: str | None = None
    ) -> Objects:
        """Create what is not there and bring the rest to what the manifest says.

        ``manifest`` is an object, several, YAML or JSON text of many documents, or the path of a
        file or directory. Like ``kubectl apply``: fields that left the manifest since the last
        apply are removed, fields that others set stay. Raises ``MalformedManifest``.
        """
        return await apply_all(self, manifest, namespace)

    async def wait_for(
        self,
        target: str,
        condition: str | Predicate,
        *,
        timeout_s: float = 30.0,
        namespace: str | None = None,
    ) -> Object | None:
        """Wait until ``target`` is as wanted; see ``waiting.wait_for``."""
        return await wait_for(self, target, condition, timeout_s=timeout_s, namespace=namespace)

    def watch(
        self,
        kind: Kind | str,
        namespace: str | None = None,
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = False,
        initial_events: bool = False,
        timeout_s: int = 0,
        credit: int = 64,
        accept: str = "application/json",
    ) -> Watch:
        """Watch at one server until it ends the watch; see ``Watch``.

        With ``initial_events`` what is there comes first, ended by a bookmark that carries
        ``k8s.io/initial-events-end``; ``timeout_s`` 0 is the server's own. Raises ``UnknownKind``:
        find custom kinds with ``kind``.
        """
        found = kind if isinstance(kind, Kind) else self.kinds.find(kind)
        query = _query(
            watch="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            allowWatchBookmarks=bookmarks or initial_events,
            sendInitialEvents=initial_events,
            resourceVersionMatch="NotOlderThan" if initial_events else "",
            timeoutSeconds=timeout_s,
        )
        request = ApiRequest("GET", path_of(found, namespace), query, accept=accept)
        return Watch(self.door, request, credit=credit)


def _place(kind: Kind, namespace: str | None, obj: Mapping[str, Any] | None = None) -> str | None:
    """The namespace that is meant: the one given, the object's own, else ``default``."""
    if not kind.namespaced:
        return None
    own = (obj or {}).get("metadata", {}).get("namespace")
    return namespace or own or "default"


def _delete_options(
    grace_period_s: int | None,
    propagation: str | None,
    uid: str | None,
    resource_version: str | None,
) -> Object:
    options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
    if grace_period_s is not None:
        options["gracePeriodSeconds"] = grace_period_s
    if propagation:
        options["propagationPolicy"] = propagation
    conditions = {"uid": uid, "resourceVersion": resource_version}
    preconditions = {name: value for name, value in conditions.items() if value}
    if preconditions:
        options["preconditions"] = preconditions
    return options

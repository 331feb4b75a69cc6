"""The verbs of the API on objects of any kind: get, list, watch, create, update, patch, delete.

A ``kind`` is a ``Kind`` or any text that kubectl would take for one. Failures that the server
tells are ``StatusError``; that no server answered, or that a write's outcome is not known, is an
``ActorError``.
"""

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from kube_actors.actor import Actor, Blob
from kube_actors.api import Kind, Kinds, Object, UnknownKind
from kube_actors.client.discovery import discover
from kube_actors.client.door import Door, status_of
from kube_actors.client.messages import ApiRequest, ApiResponse
from kube_actors.client.paths import path_of
from kube_actors.client.watch import Watch

PatchType = Literal["merge", "json", "strategic"]
_PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
Query = tuple[tuple[str, str], ...]


def query_of(**options: str | int | bool | None) -> Query:
    """Make a query; options that are empty, zero, False or None are left out."""
    return tuple(
        (name, "true" if value is True else str(value)) for name, value in options.items() if value
    )


class Verbs:
    """What one user may ask of any kind, through one door; ``kinds`` grows by what is found."""

    def __init__(self, door: Door, kinds: Kinds) -> None:
        self.door = door
        self.kinds = kinds

    @property
    def actor(self) -> Actor:
        """Who asks: requests are its calls, and delays are drawn from its random source."""
        return self.door.actor

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
        query = query_of(resourceVersion=resource_version)
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
        query = query_of(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            resourceVersion=resource_version,
            limit=limit,
        ) + query_of(**{"continue": continue_})
        answer: Object = await self._call(ApiRequest("GET", path_of(found, namespace), query))
        return answer

    async def create(
        self, obj: Object, *, namespace: str | None = None, dry_run: bool = False
    ) -> Object:
        """Give the object as it was made; one without a namespace goes to ``default``."""
        kind = await self.kind_of(obj)
        path = path_of(kind, _place(kind, namespace, obj))
        return await self._send("POST", path, obj, query_of(dryRun="All" if dry_run else ""))

    async def update(self, obj: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        """Replace; with a resourceVersion in ``obj`` it is refused when that is not the latest."""
        kind = await self.kind_of(obj)
        path = path_of(kind, _place(kind, None, obj), obj["metadata"]["name"], subresource)
        return await self._send("PUT", path, obj, query_of(dryRun="All" if dry_run else ""))

    async def update_status(self, obj: Object) -> Object:
        """Replace through the status subresource: the server keeps the spec it has."""
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
        """Patch what is there; a uid or resourceVersion in a merge patch guards it (409)."""
        found = await self.kind(kind)
        path = path_of(found, _place(found, namespace), name, subresource)
        query = query_of(dryRun="All" if dry_run else "")
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
        options = delete_options(grace_period_s, propagation, uid, resource_version)
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
        """Delete all that match both selectors; no namespace means all of them."""
        found = await self.kind(kind)
        query = query_of(labelSelector=label_selector, fieldSelector=field_selector)
        options = delete_options(grace_period_s, propagation, None, None)
        return await self._send("DELETE", path_of(found, namespace), options, query)

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
        query = query_of(
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


def delete_options(
    grace_period_s: int | None,
    propagation: str | None,
    uid: str | None,
    resource_version: str | None,
) -> Object:
    """Make a ``DeleteOptions`` that says only what was asked for."""
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

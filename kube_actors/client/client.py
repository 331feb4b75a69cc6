"""How a component asks the cluster: requests over the channel to any apiserver that answers.

The first apiserver is preferred; one that does not answer is left for the next. A read is tried
again elsewhere; a write only when the apiserver surely did not receive it, otherwise the caller
learns that its outcome is unknown and decides. Refusals are ``StatusError``s with Kubernetes' words.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    Address,
    Blob,
    DeadlineExceeded,
    Overloaded,
    Unreachable,
)
from kube_actors.api.errors import StatusError, from_status
from kube_actors.client.applying import apply_object, read_manifests
from kube_actors.client.messages import ApiRefused, ApiRequest, ApiResponse, WatchBatch, WatchEvent
from kube_actors.client.target import KindLike, collection_path, kind_of, object_path, place_of

Object = dict[str, Any]
Objects = list[Object]
Query = tuple[tuple[str, str], ...]

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}
READ_METHODS = ("GET",)


class Client:
    """Speaks to the apiservers as ``user`` in ``groups``; ``timeout_s`` bounds one attempt."""

    def __init__(
        self,
        actor: Actor,
        apiservers: Sequence[Address],
        *,
        user: str = "system:admin",
        groups: Sequence[str] = ("system:masters",),
        timeout_s: float = 30.0,
    ) -> None:
        if not apiservers:
            raise ValueError("a client needs at least one apiserver")
        self.actor = actor
        self._apiservers = tuple(apiservers)
        self._preferred = 0
        self._user = user
        self._groups = tuple(groups)
        self._timeout_s = timeout_s

    async def get(
        self, kind: KindLike, name: str, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        return await self._object("GET", object_path(kind_of(kind), name, namespace, subresource))

    async def list(
        self,
        kind: KindLike,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        limit: int = 0,
        continue_: str = "",
    ) -> Object:
        """Return a ``…List`` object; without ``namespace``, of all namespaces."""
        query = _query(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            resourceVersion=resource_version,
            limit=str(limit) if limit else "",
        ) + _query(**{"continue": continue_})
        return await self._object("GET", collection_path(kind_of(kind), namespace), query)

    async def create(
        self, obj: Object, *, namespace: str | None = None, dry_run: bool = False
    ) -> Object:
        kind, _, own = place_of(obj)
        path = collection_path(kind, own or namespace or "default")
        return await self._object("POST", path, _query(dryRun="All" if dry_run else ""), obj)

    async def update(self, obj: Object, *, subresource: str = "") -> Object:
        kind, name, namespace = place_of(obj)
        return await self._object("PUT", object_path(kind, name, namespace, subresource), (), obj)

    async def update_status(self, obj: Object) -> Object:
        return await self.update(obj, subresource="status")

    async def patch(
        self,
        kind: KindLike,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        type: str = "merge",
        subresource: str = "",
    ) -> Object:
        """Patch with ``type`` "merge", "strategic" or "json"."""
        path = object_path(kind_of(kind), name, namespace, subresource)
        return await self._object("PATCH", path, (), patch, PATCH_TYPES[type])

    async def delete(
        self,
        kind: KindLike,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_s: int | None = None,
        propagation: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Object:
        """Delete; ``propagation`` is Background, Foreground or Orphan."""
        options = _delete_options(grace_period_s, propagation, uid, resource_version)
        return await self._object(
            "DELETE", object_path(kind_of(kind), name, namespace), (), options
        )

    async def delete_collection(
        self,
        kind: KindLike,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        propagation: str | None = None,
    ) -> Object:
        query = _query(labelSelector=label_selector, fieldSelector=field_selector)
        options = _delete_options(None, propagation, None, None)
        path = collection_path(kind_of(kind), namespace)
        return await self._object("DELETE", path, query, options)

    async def bind(self, namespace: str, pod: str, node: str, *, uid: str = "") -> None:
        """Bind a pod to a node; with ``uid`` only that very pod."""
        metadata = {"name": pod, "namespace": namespace} | ({"uid": uid} if uid else {})
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": metadata,
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self._object(
            "POST", object_path(kind_of("pods"), pod, namespace, "binding"), (), binding
        )

    async def evict(self, namespace: str, pod: str) -> None:
        """Evict a pod; 429 when a disruption budget forbids it now."""
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        }
        path = object_path(kind_of("pods"), pod, namespace, "eviction")
        await self._object("POST", path, (), eviction)

    async def scale(self, kind: KindLike, name: str, namespace: str, replicas: int) -> Object:
        patch = {"spec": {"replicas": replicas}}
        return await self.patch(kind, name, patch, namespace, subresource="scale")

    async def logs(self, namespace: str, pod: str, **query: str) -> str:
        """Return a pod's log; ``query`` is that of the log subresource (container, tailLines …)."""
        path = object_path(kind_of("pods"), pod, namespace, "log")
        answer = await self.raw(self._request("GET", path, _query(**query)))
        return bytes(answer.body).decode(errors="replace")

    async def apply(
        self, manifest: Mapping[str, Any] | str | Path, *, namespace: str = "default"
    ) -> Objects:
        """Create or update every object of a dict, YAML text, file or directory, as kubectl does.

        An update is a three-way merge with what the last apply recorded in the object's
        ``kubectl.kubernetes.io/last-applied-configuration`` annotation.
        """
        return [await apply_object(self, obj, namespace) for obj in await read_manifests(manifest)]

    @asynccontextmanager
    async def watch(
        self,
        kind: KindLike,
        namespace: str | None = None,
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = True,
        initial_events: bool = False,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """Open a watch at one apiserver; raises StatusError when it is refused.

        The iterator ends, or raises an ActorError, when that apiserver goes away.
        """
        query = _query(
            watch="1",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
            allowWatchBookmarks="true" if bookmarks else "",
            sendInitialEvents="true" if initial_events else "",
            resourceVersionMatch="NotOlderThan" if initial_events else "",
        )
        request = self._request("GET", collection_path(kind_of(kind), namespace), query)
        address = self._apiservers[self._preferred]
        try:
            async with self.actor.stream(address, request) as batches:
                yield _events(batches)
        except ApiRefused as refused:
            raise from_status(orjson.loads(refused.body), refused.status) from None
        except (Unreachable, ActorCrashed, Overloaded, DeadlineExceeded):
            self._turn_from(address)
            raise

    async def raw(self, request: ApiRequest) -> ApiResponse:
        """Send one request and return any answer below 400; raises StatusError or ActorError."""
        answer = await self._send(request)
        if answer.status >= 400:
            raise _error(answer)
        return answer

    async def _object(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        answer = await self.raw(self._request(method, path, query, body, content_type))
        found = orjson.loads(answer.body)
        assert isinstance(found, dict)
        return found

    def _request(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: Any = None,
        content_type: str = "application/json",
    ) -> ApiRequest:
        return ApiRequest(
            method=method,
            path=path,
            query=query,
            content_type=content_type,
            body=Blob(b"" if body is None else orjson.dumps(body)),
            user=self._user,
            groups=self._groups,
        )

    async def _send(self, request: ApiRequest) -> ApiResponse:
        error: Exception | None = None
        for _ in self._apiservers:
            address = self._apiservers[self._preferred]
            try:
                answer = await self.actor.call(address, request, timeout_s=self._timeout_s)
            except (Unreachable, Overloaded) as failed:
                error = failed
            except (ActorCrashed, DeadlineExceeded) as failed:
                self._turn_from(address)
                if request.method not in READ_METHODS:
                    raise
                error = failed
                continue
            else:
                assert isinstance(answer, ApiResponse)
                return answer
            self._turn_from(address)
        assert error is not None
        raise error

    def _turn_from(self, address: Address) -> None:
        # Another task may have turned already: turning twice would come back to the dead one.
        if self._apiservers[self._preferred] == address:
            self._preferred = (self._preferred + 1) % len(self._apiservers)


def _query(**items: str) -> Query:
    return tuple((name, value) for name, value in items.items() if value)


def _delete_options(
    grace_period_s: int | None, propagation: str | None, uid: str | None, version: str | None
) -> Object | None:
    preconditions = {k: v for k, v in (("uid", uid), ("resourceVersion", version)) if v}
    options: Object = {}
    if grace_period_s is not None:
        options["gracePeriodSeconds"] = grace_period_s
    if propagation is not None:
        options["propagationPolicy"] = propagation
    if preconditions:
        options["preconditions"] = preconditions
    if not options:
        return None
    return {"apiVersion": "v1", "kind": "DeleteOptions", **options}


def _error(answer: ApiResponse) -> StatusError:
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        body = {"message": bytes(answer.body).decode(errors="replace")}
    return from_status(body, answer.status)


async def _events(batches: AsyncIterator[Any]) -> AsyncIterator[WatchEvent]:
    async for batch in batches:
        assert isinstance(batch, WatchBatch)
        for event in batch.events:
            yield event

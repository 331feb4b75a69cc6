"""Fetches what pods refer to: ConfigMaps, Secrets, services, service account tokens.

Every container start reads them afresh; when no apiserver answers, what the pod was last given is
good enough, so a crashed container restarts while the control plane is away. Objects mounted as
volumes are watched, and a change calls ``changed`` with the uids of the pods that mount them.
"""

from collections.abc import Callable, Iterable

import anyio
import orjson
from anyio.abc import TaskGroup
from attrs import define, field

from kube_actors.actor import ActorError, Blob
from kube_actors.api import Object, StatusError
from kube_actors.client import ApiRequest, Client, Informer
from kube_actors.node.env import Reference
from kube_actors.node.pods.entry import PodEntry
from kube_actors.node.volumes import Token

SYNC_S = 5.0
ATTEMPT_S = 5.0
_NOT_FOUND = 404


class ReferencesUnavailable(Exception):
    """No apiserver answered and nothing was known from before."""


@define(eq=False)
class _Mounted:
    """A watched object and the pods that mount it."""

    scope: anyio.CancelScope
    pods: dict[str, None] = field(factory=dict)


class ReferencedObjects:
    """One per kubelet whose runtime uses files."""

    def __init__(self, client: Client, tasks: TaskGroup, changed: Callable[[str], None]) -> None:
        self._client = client.hurried(attempt_s=ATTEMPT_S)
        self._tasks = tasks
        self._changed = changed
        self._services: Informer[object] | None = None
        self._mounted: dict[tuple[str, Reference], _Mounted] = {}

    async def objects(
        self, entry: PodEntry, references: Iterable[Reference]
    ) -> dict[Reference, Object]:
        """Return those that exist. Raises ReferencesUnavailable."""
        known = entry.resolved = entry.resolved or {}
        found: dict[Reference, Object] = {}
        for reference in references:
            try:
                obj = await self._client.get(reference.kind, reference.name, entry.namespace)
            except StatusError as error:
                if error.code == _NOT_FOUND:
                    known.pop(reference, None)
                    continue
                obj = self._remembered(entry, reference, error)
            except ActorError as error:
                obj = self._remembered(entry, reference, error)
            found[reference] = known[reference] = obj
        return found

    async def services(self) -> tuple[Object, ...]:
        """Return all services; those known by now when the view is not complete in time."""
        if self._services is None:
            self._services = Informer(self._client, "services", project=lambda obj: obj)
            self._tasks.start_soon(self._services.run)
        with anyio.move_on_after(SYNC_S):
            await self._services.wait_synced()
        return tuple(obj for obj in self._services.values() if isinstance(obj, dict))

    async def tokens(self, pod: Object, tokens: Iterable[Token]) -> dict[Token, str]:
        """Ask for service account tokens; one that cannot be issued is left out."""
        account = pod["spec"].get("serviceAccountName") or "default"
        namespace = pod["metadata"]["namespace"]
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        issued: dict[Token, str] = {}
        for token in tokens:
            spec = {
                "audiences": [token.audience] if token.audience else [],
                "expirationSeconds": token.expiration_s,
                "boundObjectRef": {
                    "kind": "Pod",
                    "apiVersion": "v1",
                    "name": pod["metadata"]["name"],
                    "uid": pod["metadata"]["uid"],
                },
            }
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
            request = ApiRequest("POST", path, body=Blob(orjson.dumps(body)))
            try:
                response = await self._client.raw(request)
            except (StatusError, ActorError):
                continue
            if response.status < 300:
                issued[token] = orjson.loads(response.body)["status"]["token"]
        return issued

    def mount(self, entry: PodEntry, references: Iterable[Reference]) -> None:
        """Watch these for the pod from now on."""
        for reference in references:
            key = (entry.namespace, reference)
            mounted = self._mounted.get(key)
            if mounted is None:
                mounted = self._mounted[key] = _Mounted(anyio.CancelScope())
                self._tasks.start_soon(self._watch, key, mounted)
            mounted.pods[entry.uid] = None

    def unmount(self, entry: PodEntry) -> None:
        """Forget the pod's mounts; what nobody mounts is no longer watched."""
        for key, mounted in list(self._mounted.items()):
            mounted.pods.pop(entry.uid, None)
            if not mounted.pods:
                del self._mounted[key]
                mounted.scope.cancel()

    async def _watch(self, key: tuple[str, Reference], mounted: _Mounted) -> None:
        namespace, reference = key

        def notify(old: object, new: object) -> None:
            for uid in list(mounted.pods):
                self._changed(uid)

        with mounted.scope:
            informer = Informer(
                self._client,
                reference.kind,
                namespace=namespace,
                field_selector=f"metadata.name={reference.name}",
                project=lambda obj: str(obj["metadata"]["resourceVersion"]),
            )
            informer.subscribe(notify)
            await informer.run()

    def _remembered(self, entry: PodEntry, reference: Reference, error: Exception) -> Object:
        known = (entry.resolved or {}).get(reference)
        if known is None:
            name = f"{reference.kind.lower()} {entry.namespace}/{reference.name}"
            raise ReferencesUnavailable(f"cannot read {name}: {error}") from error
        return known

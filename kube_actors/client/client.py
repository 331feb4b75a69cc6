"""The client that actors and the code that embeds a cluster hold.

Besides the API's verbs it has what is made of them: pods' own subresources, ``apply`` as kubectl
does it, and waiting until an object is as wanted. Failures are those of ``Verbs``.
"""

from collections.abc import Sequence
from pathlib import Path

from kube_actors.actor import Actor, Address
from kube_actors.api import BUILTIN, Kind, Kinds, Object
from kube_actors.client.apply import apply_all
from kube_actors.client.conditions import Predicate
from kube_actors.client.door import Door, status_of
from kube_actors.client.messages import ApiRequest
from kube_actors.client.paths import path_of
from kube_actors.client.verbs import Verbs, delete_options, query_of
from kube_actors.client.waiting import wait_for

Objects = list[Object]


class Client(Verbs):
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
        super().__init__(door or Door(actor, addresses, user, tuple(groups)), kinds)

    def hurried(self, *, attempt_s: float, patience_s: float = 0.0) -> "Client":
        """The same client with less patience: for those who must know soon that it failed."""
        door = self.door.hurried(attempt_s=attempt_s, patience_s=patience_s)
        return Client(self.actor, door.apiservers, kinds=self.kinds, door=door)

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
            eviction["deleteOptions"] = delete_options(grace_period_s, None, uid, None)
        path = path_of(BUILTIN.find("pods"), namespace, pod, "eviction")
        return await self._send("POST", path, eviction)

    async def scale(
        self, kind: Kind | str, name: str, replicas: int, namespace: str | None = None
    ) -> Object:
        """Set how many replicas are wanted; gives the ``Scale``."""
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
        query = query_of(
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

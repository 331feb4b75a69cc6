"""Keeps the node in the API: registers it, renews its Lease, repeats its status.

A failed heartbeat is tried again soon, and the lease's version is read afresh when somebody else
wrote it. A Node that was deleted is registered again, as a new one.
"""

import anyio

from kube_actors.actor import ActorError, Clock
from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.node.config import KubeletConfig
from kube_actors.node.registration import (
    LEASE_NAMESPACE,
    adopted_node,
    new_node,
    node_lease,
    node_status,
    slot_after,
)

RETRY_S = 0.2
RETRY_S_MAX = 5.0
_NOT_FOUND, _CONFLICT = 404, 409


class NodeReporter:
    """``due_at`` is when ``report`` should run next (unix seconds)."""

    def __init__(self, config: KubeletConfig, client: Client, clock: Clock) -> None:
        self._config = config
        # An API server that is cut off must not hold a heartbeat until the lease has expired.
        attempt_s = min(10.0, config.lease_renew_s / 2)
        self._client = client.hurried(attempt_s=attempt_s)
        self._clock = clock
        self._uid = ""
        self._lease_version = ""
        self._status_at = 0.0
        self._failures = 0
        self.due_at = 0.0

    async def register(self) -> None:
        """Create or adopt the Node, then its Lease; retries until the API takes it."""
        done = await self.report()
        while not done:
            await anyio.sleep(self.due_at - self._clock.now())
            done = await self.report()

    async def report(self) -> bool:
        """Send what is due; False when it failed and ``due_at`` is the next try."""
        config = self._config
        try:
            now = self._clock.now()
            if not self._uid or now >= self._status_at or await self._is_doubted():
                await self._report_node(now)
                self._status_at = now + config.status_report_s
            await self._renew()
        except (StatusError, ActorError) as error:
            if isinstance(error, StatusError) and error.code == _NOT_FOUND:
                self._uid = ""
            self._failures += 1
            delay = min(RETRY_S * 2 ** min(self._failures, 10), RETRY_S_MAX, config.lease_renew_s)
            self.due_at = self._clock.now() + delay
            return False
        self._failures = 0
        self.due_at = slot_after(self._clock.now(), config.lease_renew_s, config.node_name)
        return True

    async def _is_doubted(self) -> bool:
        """Whether somebody set a condition of ours: after a silence, node lifecycle does."""
        node = await self._client.get("nodes", self._config.node_name)
        conditions = (node.get("status") or {}).get("conditions") or ()
        return any(condition.get("status") == "Unknown" for condition in conditions)

    async def _report_node(self, now: float) -> None:
        node = None
        if not self._uid:
            try:
                node = await self._client.create(new_node(self._config, now))
            except StatusError as error:
                if error.code != _CONFLICT:
                    raise
        if node is None:
            node = await self._client.get("nodes", self._config.node_name)
            adopted = adopted_node(self._config, node)
            node = await self._client.update(adopted) if adopted is not None else node
        elif (node.get("status") or {}).get("conditions"):
            self._uid = node["metadata"]["uid"]
            return
        self._uid = node["metadata"]["uid"]
        status = node_status(self._config, node.get("status") or {}, now)
        await self._client.update_status({**node, "status": status})

    async def _renew(self) -> None:
        now = self._clock.now()
        lease = node_lease(self._config, self._uid, now, self._lease_version)
        try:
            if self._lease_version:
                lease = await self._client.update(lease)
            else:
                lease = await self._client.create(lease)
        except StatusError as error:
            if error.code == _NOT_FOUND and self._lease_version:
                self._lease_version = ""
                raise
            if error.code != _CONFLICT:
                raise
            found = await self._client.get("leases", self._config.node_name, LEASE_NAMESPACE)
            version = found["metadata"]["resourceVersion"]
            lease = await self._client.update(node_lease(self._config, self._uid, now, version))
        self._lease_version = lease["metadata"]["resourceVersion"]

"""Writes pod statuses: the newest only, one at a time, until the API has it.

A status that changes while its predecessor waits is written once. The task lives only while there
is something to write; failures are retried with growing patience, and other pods go first
meanwhile. What was acknowledged is kept with the pod until its view has caught up.
"""

from collections.abc import Callable

import anyio
import orjson
from anyio.abc import TaskGroup

from kube_actors.actor import ActorError
from kube_actors.api import Object, StatusError
from kube_actors.client import Client
from kube_actors.node.pods.entry import PodEntry, Reported

ATTEMPT_S = 10.0
RETRY_S = 0.1
RETRY_S_MAX = 5.0
_NOT_FOUND, _CONFLICT = 404, 409


class StatusWriter:
    """``written`` is called with the pod's uid after each acknowledged or refused status."""

    def __init__(self, client: Client, tasks: TaskGroup, written: Callable[[str], None]) -> None:
        self._client = client.hurried(attempt_s=ATTEMPT_S)
        self._tasks = tasks
        self._written = written
        self._queue: dict[str, PodEntry] = {}
        self._running = False

    def submit(self, entry: PodEntry, status: bytes, version: int) -> None:
        """Have ``status``, decided on ``version`` of the pod, written; the newest wins."""
        entry.wanted, entry.wanted_on = status, version
        self._queue[entry.uid] = entry
        if not self._running:
            self._running = True
            self._tasks.start_soon(self._run)

    def withdraw(self, entry: PodEntry) -> None:
        """The API has this status already, or the pod is gone."""
        entry.wanted = None
        self._queue.pop(entry.uid, None)

    async def _run(self) -> None:
        failures = 0
        while self._queue:
            uid, entry = next(iter(self._queue.items()))
            del self._queue[uid]
            try:
                done = await self._write(entry)
            except ActorError:
                done = False
            failures = 0 if done else failures + 1
            if not done:
                if entry.wanted is not None:
                    self._queue.setdefault(uid, entry)
                await anyio.sleep(min(RETRY_S * 2 ** min(failures - 1, 10), RETRY_S_MAX))
        self._running = False

    async def _write(self, entry: PodEntry) -> bool:
        """Return False to try again later."""
        wanted = entry.wanted
        if wanted is None:
            return True
        pod = entry.object()
        if int(pod["metadata"]["resourceVersion"]) != entry.wanted_on:
            # Somebody else wrote meanwhile: what they said must not be overwritten.
            entry.wanted = None
            self._written(entry.uid)
            return True
        pod["status"] = orjson.loads(wanted)
        try:
            written = await self._client.update_status(pod)
        except StatusError as error:
            return await self._refused(entry, wanted, error)
        self._acknowledged(entry, wanted, written)
        return True

    async def _refused(self, entry: PodEntry, wanted: bytes, error: StatusError) -> bool:
        """The pod is gone, or the view is behind: look, and decide again on what is there."""
        if error.code == _NOT_FOUND:
            entry.wanted = None
            self._written(entry.uid)
            return True
        if error.code != _CONFLICT:
            return False
        try:
            newest = await self._client.get("pods", entry.name, entry.namespace)
        except StatusError as missing:
            if missing.code == _NOT_FOUND:
                entry.wanted = None
                return True
            return False
        if newest["metadata"]["uid"] != entry.uid:
            entry.wanted = None
            return True
        version = int(newest["metadata"]["resourceVersion"])
        if version == entry.wanted_on:
            # Whoever answered is behind: no reason to decide otherwise, only to wait.
            return False
        entry.reported = Reported(version, orjson.dumps(newest))
        if entry.wanted is wanted:
            entry.wanted = None
        self._written(entry.uid)
        return True

    def _acknowledged(self, entry: PodEntry, wanted: bytes, written: Object) -> None:
        version = int(written["metadata"]["resourceVersion"])
        entry.reported = Reported(version, orjson.dumps(written))
        entry.acknowledged, entry.acknowledged_on = hash(wanted), version
        if entry.wanted is wanted:
            entry.wanted = None
        self._written(entry.uid)

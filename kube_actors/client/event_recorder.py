"""Says what happens as Events, without ever making the one who says it wait.

Events wait in a bounded queue: when it is full the new one is dropped and counted. One that says
the same as before raises the count of the first. One object cannot flood the cluster: after a
burst it gets one event in five minutes.
"""

from collections import OrderedDict
from collections.abc import Mapping

import anyio
from attrs import define, frozen

from kube_actors.actor import ActorError, Clock
from kube_actors.api import Object, StatusError
from kube_actors.client.client import Client

QUEUE_MAX = 1000
REMEMBERED_MAX = 4096
BURST = 25
REFILL_S = 300.0
_TRIES_MAX = 5
_RETRY_S = 1.0
_NAME_MAX = 253 - 17

Reference = Mapping[str, str]
_Subject = tuple[str, str, str, str, str]
_Sameness = tuple[_Subject, str, str, str]


@frozen
class _Said:
    about: Reference
    type: str
    reason: str
    message: str
    timestamp: str


@define
class _Remembered:
    """An event that exists: where it is and how often it was said."""

    namespace: str
    name: str
    count: int = 1


@define
class _Bucket:
    tokens: float
    filled_s: float


def _subject(about: Reference) -> _Subject:
    names = ("apiVersion", "kind", "namespace", "name", "uid")
    return tuple(about.get(each, "") for each in names)  # type: ignore[return-value]


class EventRecorder:
    """Spawn ``run``; it writes what ``record`` takes in."""

    def __init__(self, client: Client, component: str, clock: Clock, *, host: str = "") -> None:
        self._client = client
        self._component = component
        self._clock = clock
        self._host = host
        self._queue: list[_Said] = []
        self._wake: anyio.Event | None = None
        self._known: OrderedDict[_Sameness, _Remembered] = OrderedDict()
        self._buckets: OrderedDict[_Subject, _Bucket] = OrderedDict()
        self.dropped = 0

    def record(self, about: Reference, type: str, reason: str, message: str) -> None:
        """Say something about an object.

        ``about`` has apiVersion, kind, namespace, name, uid and maybe fieldPath; ``type`` is
        Normal or Warning.
        """
        if len(self._queue) >= QUEUE_MAX or not self._allowed(_subject(about)):
            self.dropped += 1
            return
        said = _Said(dict(about), type, reason, message[:1024], self._clock.timestamp())
        self._queue.append(said)
        if self._wake is not None:
            self._wake.set()

    def _allowed(self, subject: _Subject) -> bool:
        now_s = self._clock.now()
        bucket = self._buckets.setdefault(subject, _Bucket(BURST, now_s))
        self._buckets.move_to_end(subject)
        if len(self._buckets) > REMEMBERED_MAX:
            self._buckets.popitem(last=False)
        bucket.tokens = min(BURST, bucket.tokens + (now_s - bucket.filled_s) / REFILL_S)
        bucket.filled_s = now_s
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    async def run(self) -> None:
        """Write events until cancelled."""
        while True:
            wake = self._wake = anyio.Event()
            while self._queue:
                await self._write(self._queue.pop(0))
            await wake.wait()

    async def _write(self, said: _Said) -> None:
        for _ in range(_TRIES_MAX):
            try:
                await self._write_once(said)
                return
            except ActorError:
                await anyio.sleep(_RETRY_S * (1 + self._client.actor.random.random()))
            except StatusError as error:
                if error.code < 500 and error.code != 429:
                    # Its namespace is going, or it may not be said: saying it again is no use.
                    break
                await anyio.sleep(_RETRY_S * (1 + self._client.actor.random.random()))
        self.dropped += 1

    async def _write_once(self, said: _Said) -> None:
        same = (_subject(said.about), said.type, said.reason, said.message)
        known = self._known.get(same)
        if known is not None:
            self._known.move_to_end(same)
            patch = {"count": known.count + 1, "lastTimestamp": said.timestamp}
            try:
                await self._client.patch("events", known.name, patch, known.namespace)
                known.count += 1
                return
            except StatusError as error:
                if error.code != 404:
                    raise
                # It expired: tell it anew.
                del self._known[same]
        event = self._event(said)
        await self._client.create(event)
        meta = event["metadata"]
        self._known[same] = _Remembered(meta["namespace"], meta["name"])
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)

    def _event(self, said: _Said) -> Object:
        about = dict(said.about)
        namespace = about.get("namespace") or "default"
        hexadecimal = f"{self._client.actor.random.getrandbits(64):016x}"
        source = {"component": self._component}
        if self._host:
            source["host"] = self._host
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "namespace": namespace,
                "name": f"{about.get('name', '')[:_NAME_MAX]}.{hexadecimal}",
            },
            "involvedObject": {name: value for name, value in about.items() if value},
            "type": said.type,
            "reason": said.reason,
            "message": said.message,
            "source": source,
            "firstTimestamp": said.timestamp,
            "lastTimestamp": said.timestamp,
            "count": 1,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

"""Waiting until an object is as wanted, by watching it rather than asking again and again."""

from contextlib import suppress

import anyio
import orjson

from kube_actors.actor import ActorError
from kube_actors.api import Kind, Object, StatusError
from kube_actors.client.backoff import Backoff
from kube_actors.client.conditions import Condition, Predicate, parse_condition, summary
from kube_actors.client.verbs import Verbs
from kube_actors.client.watch import INITIAL_EVENTS_END


class _Waiting:
    """One wait; remembers the last state for the account of a failure."""

    def __init__(
        self, client: Verbs, kind: Kind, name: str, namespace: str | None, condition: Condition
    ) -> None:
        self._client = client
        self._kind = kind
        self._name = name
        self._namespace = namespace
        self._condition = condition
        self.last: Object | None = None
        self.trouble = ""

    async def run(self) -> Object | None:
        backoff = Backoff(self._client.actor.random, max_s=1.0)
        while True:
            try:
                if await self._watch_once():
                    return self.last
            except (StatusError, ActorError) as error:
                if isinstance(error, StatusError) and error.code in {400, 401, 403, 404}:
                    raise
                self.trouble = str(error)
                await anyio.sleep(backoff.next_s())

    async def _watch_once(self) -> bool:
        watch = self._client.watch(
            self._kind,
            self._namespace,
            field_selector=f"metadata.name={self._name}",
            initial_events=True,
        )
        there: Object | None = None
        known = False
        async with watch as events:
            async for event in events:
                if event.type == "BOOKMARK":
                    body = orjson.loads(event.object)
                    notes = body.get("metadata", {}).get("annotations") or {}
                    if INITIAL_EVENTS_END not in notes:
                        continue
                    known = True
                elif event.type == "DELETED":
                    there = None
                else:
                    there = orjson.loads(event.object)
                if known:
                    self.trouble = ""
                    self.last = there
                    if self._condition.holds(there):
                        return True
        return False


async def wait_for(
    client: Verbs,
    target: str,
    condition: str | Predicate,
    *,
    timeout_s: float = 30.0,
    namespace: str | None = None,
) -> Object | None:
    """Wait until ``target`` (``deployment/web``) is as wanted; gives it, None if it is gone.

    ``condition`` is a condition's type (``Available``), with a status (``Ready=False``),
    ``create``, ``delete``, ``jsonpath={.status.phase}=Running``, or a predicate of the object.
    Raises TimeoutError saying how the object stands, ``StatusError`` when it may not be watched.
    """
    kind_text, slash, name = target.rpartition("/")
    if not slash or not name:
        raise ValueError(f"a target is kind/name, not {target!r}")
    wanted = parse_condition(condition)
    waiting: _Waiting | None = None
    with suppress(TimeoutError), anyio.fail_after(timeout_s):
        kind = await client.kind(kind_text)
        place = (namespace or "default") if kind.namespaced else None
        waiting = _Waiting(client, kind, name, place, wanted)
        return await waiting.run()
    told = "the API did not answer" if waiting is None else summary(waiting.last)
    if waiting is not None and waiting.trouble:
        told += f"; {waiting.trouble}"
    raise TimeoutError(
        f"timed out after {timeout_s:g} s waiting for {wanted.text} on {target}: {told}"
    )

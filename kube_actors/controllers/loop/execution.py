"""Carries out effects through the API server and turns its errors into policy.

The taxonomy is the policy: gone already is done; a conflict or a name that something else has means
the view was old, so the key is asked again; a namespace on its way out takes no new objects and
needs none; anything else is a failure that is remembered, told by an event, and tried again with
backoff. What was written is reported so that the loop can wait until its view shows it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol

import anyio
from attrs import Factory, define

from kube_actors.actor import ActorError
from kube_actors.api import BUILTIN, Object, StatusError
from kube_actors.controllers.loop.controller import Failure
from kube_actors.controllers.loop.effects import (
    Announce,
    Create,
    Delete,
    DeleteAll,
    Effect,
    Emit,
    Look,
    Patch,
    Question,
    Reference,
    RequeueAfter,
    Survey,
    Together,
    Update,
)
from kube_actors.controllers.loop.fences import Written
from kube_actors.controllers.loop.records import controller_uid

Single = Create | Update | Patch | Delete | DeleteAll


class Api(Protocol):
    """What execution needs of the client."""

    async def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """Read one object; raises StatusError (404) when it is not there."""

    async def list(self, kind: str, namespace: str | None = None) -> Object:
        """Give the List of a kind; no namespace means all of them."""

    async def create(self, obj: Object) -> Object:
        """Make an object; raises StatusError (AlreadyExists) for a name that is taken."""

    async def update(self, obj: Object, *, subresource: str = "") -> Object:
        """Replace an object or its subresource; a resourceVersion in it guards it (409)."""

    async def patch(
        self,
        kind: str,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        type: Literal["merge", "json", "strategic"] = "merge",
        subresource: str = "",
    ) -> Object:
        """Patch an object; a uid or resourceVersion in a merge patch guards it (409)."""

    async def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_s: int | None = None,
        propagation: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Object:
        """Ask an object to go; gives the object while it stays, else a Status."""

    async def delete_collection(self, kind: str, namespace: str | None = None) -> Any:
        """Ask every object of a kind in a namespace to go."""


Record = Callable[[Reference, str, str, str], None]
"""(about, type, reason, message) → an event; never waits."""


@define
class Outcome:
    """What came of some effects; ``failure`` is the first one."""

    failure: Failure | None = None
    written: list[Written] = Factory(list)
    answers: dict[Question, Any] = Factory(dict)
    requeue_after_s: float | None = None

    def wake_after(self, delay_s: float) -> None:
        """Ask for the key again after ``delay_s``; of several the shortest holds."""
        if self.requeue_after_s is None or delay_s < self.requeue_after_s:
            self.requeue_after_s = delay_s


class Executor:
    """Executes effects one list at a time; several may run at once."""

    def __init__(self, api: Api, record: Record) -> None:
        self._api = api
        self._record = record

    async def execute(self, effects: Sequence[Effect]) -> Outcome:
        """Execute in order until the first failure."""
        outcome = Outcome()
        for effect in effects:
            if isinstance(effect, RequeueAfter):
                outcome.wake_after(effect.delay_s)
            elif outcome.failure is not None:
                continue
            elif isinstance(effect, Emit):
                self._record(effect.regarding, effect.type, effect.reason, effect.message)
            elif isinstance(effect, Together):
                await self._together(effect, outcome)
            elif isinstance(effect, Look | Survey):
                await self._ask(effect, outcome)
            else:
                await self._single(effect, outcome)
        return outcome

    async def _together(self, together: Together, outcome: Outcome) -> None:
        effects = together.effects
        size = 1 if together.slow_start else len(effects)
        done = 0
        while done < len(effects) and outcome.failure is None:
            batch = effects[done : done + size]
            await self._batch(batch, together.at_most, outcome)
            done += len(batch)
            size *= 2

    async def _batch(
        self, batch: Sequence[Create | Patch | Delete], at_most: int, outcome: Outcome
    ) -> None:
        if len(batch) == 1:
            await self._single(batch[0], outcome)
            return
        left = iter(batch)

        async def work(left: Iterator[Create | Patch | Delete]) -> None:
            for effect in left:
                await self._single(effect, outcome)

        async with anyio.create_task_group() as group:
            for _ in range(min(at_most, len(batch))):
                group.start_soon(work, left)

    async def _ask(self, question: Question, outcome: Outcome) -> None:
        try:
            if isinstance(question, Survey):
                found = await self._api.list(question.kind, question.namespace)
                outcome.answers[question] = tuple(found.get("items") or ())
            else:
                outcome.answers[question] = await self._look(
                    question.kind, question.namespace, question.name
                )
        except (StatusError, ActorError) as error:
            name = question.name if isinstance(question, Look) else ""
            self._failed(outcome, "get", question.kind, name, error)

    async def _look(self, kind: str, namespace: str, name: str) -> Object | None:
        try:
            return await self._api.get(kind, name, namespace or None)
        except StatusError as error:
            if error.code == 404:
                return None
            raise

    async def _single(self, effect: Single, outcome: Outcome) -> None:
        verb, kind, name = _described(effect)
        announce = getattr(effect, "announce", None)
        try:
            written = await self._write(effect)
        except (StatusError, ActorError) as error:
            if _is_settled(effect, error):
                return
            if announce is not None and announce.failed_reason:
                text = announce.failed_message.format(error=_text(error), name=name)
                self._record(announce.regarding, "Warning", announce.failed_reason, text)
            self._failed(outcome, verb, kind, name, error)
            return
        if written is not None:
            outcome.written.append(written)
        self._announce_done(announce, written.name if written is not None else name)

    def _announce_done(self, announce: Announce | None, name: str) -> None:
        if announce is not None and announce.done_reason:
            text = announce.done_message.format(name=name)
            self._record(announce.regarding, "Normal", announce.done_reason, text)

    async def _write(self, effect: Single) -> Written | None:
        if isinstance(effect, Create):
            return await self._create(effect)
        if isinstance(effect, Patch):
            answer = await self._api.patch(
                effect.kind,
                effect.name,
                effect.body,
                effect.namespace or None,
                type=effect.type,
                subresource=effect.subresource,
            )
            return _written(effect.kind, answer)
        if isinstance(effect, Delete):
            return await self._delete(effect)
        if isinstance(effect, Update):
            answer = await self._api.update(effect.object, subresource=effect.subresource)
            return _written(effect.object["kind"], answer)
        await self._api.delete_collection(effect.kind, effect.namespace or None)
        return None

    async def _create(self, effect: Create) -> Written | None:
        obj = effect.object
        try:
            return _written(obj["kind"], await self._api.create(obj), created=True)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            meta = obj["metadata"]
            there = await self._look(obj["kind"], meta.get("namespace", ""), meta["name"])
            if there is None or not (effect.exists_ok or _same_controller(there, obj)):
                raise
            return _written(obj["kind"], there, created=True)

    async def _delete(self, effect: Delete) -> Written | None:
        answer = await self._api.delete(
            effect.kind,
            effect.name,
            effect.namespace or None,
            grace_period_s=effect.grace_period_s,
            propagation=effect.propagation or None,
            uid=effect.uid or None,
            resource_version=effect.resource_version or None,
        )
        meta = answer.get("metadata") or {}
        version = meta.get("resourceVersion") if meta.get("uid") else None
        plural = BUILTIN.find(effect.kind).group_resource
        where = (plural, effect.namespace, effect.name, effect.uid)
        return Written(*where, resource_version=int(version or 0), gone=True)

    def _failed(
        self, outcome: Outcome, verb: str, kind: str, name: str, error: StatusError | ActorError
    ) -> None:
        if outcome.failure is None:
            reason = error.reason if isinstance(error, StatusError) else type(error).__name__
            outcome.failure = Failure(verb, kind, name, reason, _text(error))


def _written(kind: str, obj: Object, created: bool = False) -> Written:
    meta = obj["metadata"]
    return Written(
        BUILTIN.find(kind).group_resource,
        meta.get("namespace", ""),
        meta["name"],
        meta.get("uid", ""),
        int(meta.get("resourceVersion") or 0),
        created=created,
    )


def _described(effect: Single) -> tuple[str, str, str]:
    """Give verb, kind and name for a failure's account."""
    if isinstance(effect, Create):
        return "create", effect.object["kind"], effect.object["metadata"].get("name", "")
    if isinstance(effect, Update):
        kind = effect.object.get("kind", "Namespace")
        return "update", kind, effect.object["metadata"]["name"]
    if isinstance(effect, DeleteAll):
        return "delete", effect.kind, ""
    return ("patch" if isinstance(effect, Patch) else "delete"), effect.kind, effect.name


def _is_settled(effect: Single, error: StatusError | ActorError) -> bool:
    """Tell whether the error says that nothing is left to do."""
    if not isinstance(error, StatusError):
        return False
    if isinstance(effect, Create):
        return any(cause.type == "NamespaceTerminating" for cause in error.causes)
    if isinstance(effect, Delete):
        # 409 with a uid precondition: another object has the name now, ours is gone.
        replaced = error.code == 409 and effect.uid != "" and effect.resource_version == ""
        return error.code == 404 or replaced
    if isinstance(effect, Patch):
        return error.code == 404 and effect.gone_ok
    return False


def _same_controller(there: Object, wanted: Object) -> bool:
    uid = controller_uid(wanted)
    return uid != "" and uid == controller_uid(there)


def _text(error: StatusError | ActorError) -> str:
    return error.message if isinstance(error, StatusError) else str(error) or type(error).__name__

"""A world of plain dictionaries in which controllers are decided and their effects applied at once.

It has no time but what a test sets, no loop and no lag: what it shows about a controller is its
decisions alone. Writes follow the API server's rules where controllers depend on them: uid and
version guards, generations, finalizers, graceful deletion of bound pods.
"""

import copy
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from kube_actors.api import BUILTIN
from kube_actors.controllers.loop import (
    Controller,
    Create,
    Delete,
    DeleteAll,
    Effect,
    Emit,
    Failure,
    Look,
    Patch,
    RequeueAfter,
    Round,
    Survey,
    Together,
    Update,
)
from kube_actors.controllers.nodes.liveness import node_record

START_S = 1_767_225_600.0
MERGE_KEYS = {"ownerReferences": "uid", "conditions": "type"}
FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
Place = tuple[str, str, str]


class Refused(Exception):
    """The API server would have refused this effect."""


def timestamp(now_s: float) -> str:
    return datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class World:
    def __init__(self, *objects: dict[str, Any]) -> None:
        self.now_s = START_S
        self.revision = 0
        self.objects: dict[Place, dict[str, Any]] = {}
        self.events: list[str] = []
        self.refuse: dict[str, str] = {}
        self.failures: dict[str, Failure] = {}
        self.deleted_uids: set[str] = set()
        self.changed_s: dict[Place, float] = {}
        self._slept: dict[tuple[str, str], tuple[int, float, float]] = {}
        for obj in objects:
            self.create(obj)

    # What the API server does.

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        obj = copy.deepcopy(obj)
        kind = BUILTIN.of(obj)
        meta = obj["metadata"]
        if kind.namespaced:
            meta.setdefault("namespace", "default")
        place = (kind.group_resource, meta.get("namespace", ""), meta["name"])
        if kind.kind in self.refuse:
            raise Refused(self.refuse[kind.kind])
        if place in self.objects:
            raise Refused("AlreadyExists")
        self.revision += 1
        meta.setdefault("uid", f"uid-{self.revision}")
        meta.setdefault("generation", 1)
        meta.setdefault("creationTimestamp", timestamp(self.now_s))
        if kind.kind == "Pod":
            obj.setdefault("status", {}).setdefault("phase", "Pending")
        self._store(place, obj)
        return obj

    def _store(self, place: Place, obj: dict[str, Any]) -> None:
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        if self._heartbeat(self.objects.get(place)) != self._heartbeat(obj):
            self.changed_s[place] = self.now_s
        self.objects[place] = obj

    def _heartbeat(self, obj: dict[str, Any] | None) -> Any:
        if obj is None:
            return None
        if obj["kind"] == "Node":
            return node_record(obj).heartbeat
        return obj.get("spec")

    def place(self, kind: str, namespace: str, name: str) -> Place:
        return (BUILTIN.find(kind).group_resource, namespace, name)

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        return self.objects[self.place(kind, namespace, name)]

    def all(self, kind: str) -> list[dict[str, Any]]:
        resource = BUILTIN.find(kind).group_resource
        return [obj for place, obj in sorted(self.objects.items()) if place[0] == resource]

    def patch(self, effect: Patch) -> None:
        place = self.place(effect.kind, effect.namespace, effect.name)
        old = self.objects.get(place)
        if old is None:
            if effect.gone_ok:
                return
            raise Refused("NotFound")
        body = effect.body
        if effect.type == "json":
            new = {**old, "data": body[0]["value"]}
        else:
            for guard in ("uid", "resourceVersion"):
                wanted = body.get("metadata", {}).get(guard)
                if wanted is not None and wanted != old["metadata"][guard]:
                    raise Refused("Conflict")
            new = merged(old, body, effect.type == "strategic")
        if effect.subresource == "status":
            assert set(body) <= {"metadata", "status"}
            new["spec"] = old.get("spec")
        elif "status" in old:
            new["status"] = old["status"]
        annotated = new["metadata"].get("annotations") != old["metadata"].get("annotations")
        told = old["kind"] == "Deployment" and annotated and effect.subresource != "status"
        if told or new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if new == old:
            return
        self._store(place, new)
        self._reap(place)

    def edit(self, kind: str, name: str, body: dict[str, Any], namespace: str = "default") -> None:
        """Merge-patch by hand, as kubectl would."""
        subresource = "status" if set(body) == {"status"} else ""
        self.patch(Patch(kind, namespace, name, body, subresource=subresource))

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str = "default",
        propagation: str = "",
        grace: int | None = None,
        uid: str = "",
    ) -> None:
        place = self.place(kind, namespace, name)
        old = self.objects.get(place)
        if old is None or (uid and old["metadata"]["uid"] != uid):
            return
        new = copy.deepcopy(old)
        meta = new["metadata"]
        finalizer = FINALIZERS.get(propagation)
        if finalizer:
            meta["finalizers"] = [*meta.get("finalizers", []), finalizer]
        bound = kind in ("Pod", "pods") and (new.get("spec") or {}).get("nodeName")
        meta.setdefault("deletionTimestamp", timestamp(self.now_s))
        self._store(place, new)
        if not (bound and grace != 0):
            self._reap(place)

    def _reap(self, place: Place) -> None:
        """Remove what is being deleted and held by nothing."""
        obj = self.objects[place]
        meta = obj["metadata"]
        held = meta.get("finalizers") or (obj.get("spec") or {}).get("finalizers")
        bound = place[0] == "pods" and (obj.get("spec") or {}).get("nodeName")
        if meta.get("deletionTimestamp") and not held:
            if bound and not self._forced:
                return
            del self.objects[place]
            self.revision += 1
            self.deleted_uids.add(meta["uid"])
            self.changed_s[place] = self.now_s

    _forced = False

    # What kubelets do.

    def run(self, *names: str, node: str = "node-1") -> None:
        """Bind and make ready the named pods, or every active one."""
        for obj in self.all("pods"):
            if names and obj["metadata"]["name"] not in names:
                continue
            if obj["metadata"].get("deletionTimestamp"):
                continue
            obj = copy.deepcopy(obj)
            obj.setdefault("spec", {}).setdefault("nodeName", node)
            status = obj.setdefault("status", {})
            if status.get("phase") == "Running":
                continue
            status["phase"] = "Running"
            status["podIP"] = f"10.0.0.{len(self.objects)}"
            status["conditions"] = [
                {"type": "Ready", "status": "True", "lastTransitionTime": timestamp(self.now_s)}
            ]
            self._store(
                self.place("pods", obj["metadata"]["namespace"], obj["metadata"]["name"]), obj
            )

    def finish(self) -> None:
        """Let every terminating pod end."""
        for place, obj in sorted(self.objects.items()):
            if place[0] == "pods" and obj["metadata"].get("deletionTimestamp"):
                self._forced = True
                self._reap(place)
                self._forced = False

    # What the loop does, without waiting.

    def decide(self, controller: Controller[Any], key: str) -> tuple[Effect, ...]:
        """Decide one key, answering its questions, and give the effects without applying them."""
        known: dict[Any, Any] = {}
        for _ in range(8):
            state = controller.gather(WorldView(self, controller), key)
            if state is None:
                return ()
            round_ = Round(self.now_s, timestamp(self.now_s), self.failures.get(key), known)
            effects = controller.reconcile(state, round_)
            asked = [e for e in effects if isinstance(e, Look | Survey) and e not in known]
            if not asked:
                return effects
            for question in asked:
                known[question] = self._answer(question)
        raise AssertionError(f"{controller.name} keeps asking about {key}")

    def _answer(self, question: Look | Survey) -> Any:
        if isinstance(question, Look):
            return self.objects.get(self.place(question.kind, question.namespace, question.name))
        return tuple(
            obj
            for obj in self.all(question.kind)
            if obj["metadata"].get("namespace") == question.namespace
        )

    def apply(self, controller: Controller[Any], key: str, effects: Iterable[Effect]) -> None:
        try:
            for effect in effects:
                self._apply(effect)
        except Refused as error:
            before = self.failures.get(key)
            attempts = 1 if before is None else before.attempts + 1
            self.failures[key] = Failure(
                "create", self._failing, "", str(error), str(error), attempts
            )
        else:
            self.failures.pop(key, None)

    _failing = ""

    def _apply(self, effect: Effect) -> None:
        if isinstance(effect, Together):
            for one in effect.effects:
                self._apply(one)
        elif isinstance(effect, Create):
            self._failing = effect.object["kind"]
            self.create(effect.object)
        elif isinstance(effect, Patch):
            self._failing = effect.kind
            self.patch(effect)
        elif isinstance(effect, Delete):
            if effect.grace_period_s == 0:
                self._forced = True
            self.delete(
                effect.kind,
                effect.name,
                effect.namespace,
                effect.propagation,
                effect.grace_period_s,
                effect.uid,
            )
            self._forced = False
        elif isinstance(effect, DeleteAll):
            for obj in self.all(effect.kind):
                if obj["metadata"].get("namespace") == effect.namespace:
                    self.delete(effect.kind, obj["metadata"]["name"], effect.namespace)
        elif isinstance(effect, Update):
            assert effect.subresource == "finalize"
            name = effect.object["metadata"]["name"]
            place = self.place("Namespace", "", name)
            self.objects[place] = {**self.objects[place], "spec": effect.object["spec"]}
            self._reap(place)
        elif isinstance(effect, Emit):
            self.events.append(f"{effect.regarding.kind} {effect.reason}: {effect.message}")
        else:
            assert isinstance(effect, RequeueAfter), effect

    def keys(self, controller: Controller[Any]) -> list[str]:
        view = WorldView(self, controller)
        found: dict[str, None] = {}
        for watch in controller.watches:
            for record in view.values(watch.kind):
                found |= dict.fromkeys(watch.keys(view, None, record))
        return list(found)

    def step(self, controller: Controller[Any]) -> bool:
        """Decide and apply every key once; tell whether anything changed."""
        before = self.revision
        for key in self.keys(controller):
            effects = self.decide(controller, key)
            self._check_woken(controller.name, key, effects)
            self.apply(controller, key, effects)
        return self.revision != before

    def _check_woken(self, name: str, key: str, effects: tuple[Effect, ...]) -> None:
        """Where only time has passed, a change must have been asked for by a ``RequeueAfter``.

        This world decides every key at every step; the loop decides a key when something happens
        to it or when it has asked to be woken.
        """
        changes = [effect for effect in effects if not isinstance(effect, RequeueAfter)]
        revision, decided_s, wake_s = self._slept.get((name, key), (-1, 0.0, 0.0))
        if changes and revision == self.revision and decided_s < self.now_s:
            assert wake_s <= self.now_s or key in self.failures, (
                f"{name} {key} would have slept until {wake_s - self.now_s:g} s from now: {changes}"
            )
        delays = [effect.delay_s for effect in effects if isinstance(effect, RequeueAfter)]
        due_s = self.now_s + min(delays, default=math.inf)
        self._slept[name, key] = (self.revision, self.now_s, due_s)

    def settle(self, *controllers: Controller[Any], steps_max: int = 60) -> None:
        """Step until nothing changes any more."""
        for _ in range(steps_max):
            changed = [self.step(controller) for controller in controllers]
            if True not in changed:
                return
        raise AssertionError("the controllers do not come to rest")


class WorldView:
    """The world through one controller's projections, always up to date."""

    def __init__(self, world: World, controller: Controller[Any]) -> None:
        self._world = world
        self._watches = {watch.kind: watch for watch in controller.watches}

    def get(self, kind: str, namespace: str, name: str) -> Any:
        obj = self._world.objects.get(self._world.place(kind, namespace, name))
        return None if obj is None else self._watches[kind].project(obj)

    def values(self, kind: str) -> Sequence[Any]:
        return [self._watches[kind].project(obj) for obj in self._world.all(kind)]

    def indexed(self, kind: str, index: str, value: str) -> Sequence[Any]:
        function = self._watches[kind].indexes[index]
        return [record for record in self.values(kind) if value in function(record)]

    def changed_at_s(self, kind: str, namespace: str, name: str) -> float | None:
        return self._world.changed_s.get(self._world.place(kind, namespace, name))

    def was_deleted(self, uid: str) -> bool:
        return uid in self._world.deleted_uids


def merged(old: Any, patch: Any, strategic: bool, member: str = "") -> Any:
    """Merge patches as the API server does, lists by key when ``strategic``."""
    if strategic and isinstance(patch, list) and member in MERGE_KEYS:
        return _merged_list(old or [], patch, MERGE_KEYS[member])
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value, strategic, key)
    return result


def _merged_list(old: list[Any], patch: list[Any], key: str) -> list[Any]:
    result = list(old)
    for entry in patch:
        places = [place for place, one in enumerate(result) if one.get(key) == entry[key]]
        if entry.get("$patch") == "delete":
            for place in reversed(places):
                del result[place]
        elif places:
            result[places[0]] = {**result[places[0]], **entry}
        else:
            result.append(entry)
    return result

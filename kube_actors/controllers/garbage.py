"""Deletes what has lost its owners, and carries out the three ways of deleting an owner.

The graph is made of metadata only: for every object its owners' uids. An object none of whose
owners exists goes (*background*). An owner deleted in the *foreground* waits until the dependents
that block it have gone; one deleted with *orphan* first lets its dependents go free. An owner that
the view does not show is looked up live before anything is deleted on its account, and every delete
is bound to the uid and version that were judged (pkg/controller/garbagecollector).
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import BUILTIN, Kind, Kinds, Object
from kube_actors.controllers.loop import (
    Controller,
    Delete,
    Effect,
    Key,
    Look,
    OwnerReference,
    Patch,
    Record,
    RequeueAfter,
    Round,
    Together,
    View,
    Watch,
    identity,
    owners_of,
)

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
UNKNOWN_KIND_RECHECK_S = 30.0
_NEEDED_VERBS = ("list", "watch", "delete", "patch")


@frozen
class GraphNode(Record):
    """An object's place in the graph; ``kind`` is its group resource."""

    kind: str
    owners: tuple[OwnerReference, ...]
    finalizers: tuple[str, ...]
    deleting: bool

    @property
    def in_foreground(self) -> bool:
        """Whether it waits for the dependents that block it, before it goes."""
        return self.deleting and FOREGROUND in self.finalizers

    @property
    def orphaning(self) -> bool:
        """Whether it frees its dependents before it goes."""
        return self.deleting and ORPHAN in self.finalizers

    @property
    def key(self) -> Key:
        """The queue's key: ``<group resource> <namespace>/<name>``, for kinds share one queue."""
        return f"{self.kind} {self.namespace}/{self.name}"


@frozen
class Owner:
    """An owner as far as the view knows it; ``question`` finds out live (None: unknown kind)."""

    reference: OwnerReference
    node: GraphNode | None
    deleted: bool
    question: Look | None


@frozen
class GraphState:
    """An object, its owners and its dependents."""

    node: GraphNode
    owners: tuple[Owner, ...] = ()
    dependents: tuple[GraphNode, ...] = ()


def graph_kinds(kinds: Kinds) -> tuple[Kind, ...]:
    """Give the kinds whose objects can own or be owned, each resource once; events cannot."""
    chosen: dict[str, Kind] = {}
    for kind in kinds.all():
        usable = kind.plural != "events" and all(verb in kind.verbs for verb in _NEEDED_VERBS)
        if usable:
            chosen.setdefault(kind.group_resource, kind)
    return tuple(chosen.values())


def reconcile(state: GraphState, round_: Round) -> tuple[Effect, ...]:
    """Decide what an object's owners and its own deletion mean for it."""
    node = state.node
    if node.orphaning:
        return _let_go(state)
    if node.in_foreground:
        blocking = [one for one in state.dependents if _blocks(one, node.uid)]
        return (_without_finalizer(node, FOREGROUND),) if not blocking else ()
    if node.deleting or not node.owners:
        return ()
    questions = tuple(
        owner.question
        for owner in state.owners
        if owner.node is None
        and not owner.deleted
        and owner.question is not None
        and not round_.asked(owner.question)
    )
    if questions:
        return questions
    solid, dangling, waiting = _sorted(state.owners, round_)
    unknown = any(owner.question is None and owner.node is None for owner in state.owners)
    later = (RequeueAfter(UNKNOWN_KIND_RECHECK_S),) if unknown else ()
    if not dangling and not waiting:
        return later
    if solid:
        return (_without_owners(node, {*dangling, *waiting}), *later)
    if waiting and state.dependents:
        if any(dependent.in_foreground for dependent in state.dependents):
            # A circle of blocking owners would wait for itself for ever.
            return (_unblocked(node),)
        return (_delete(node, "Foreground"),)
    if ORPHAN in node.finalizers:
        return (_delete(node, "Orphan"),)
    if FOREGROUND in node.finalizers:
        return (_delete(node, "Foreground"),)
    return (_delete(node, "Background"),)


def _sorted(owners: Sequence[Owner], round_: Round) -> tuple[list[str], list[str], list[str]]:
    """Sort owners' uids into those that stay, that are gone, and that wait for dependents."""
    solid: list[str] = []
    dangling: list[str] = []
    waiting: list[str] = []
    for owner in owners:
        uid = owner.reference.uid
        if owner.node is not None:
            (waiting if owner.node.in_foreground else solid).append(uid)
        elif owner.deleted:
            dangling.append(uid)
        elif owner.question is None:
            solid.append(uid)
        else:
            found = round_.answers[owner.question]
            meta = {} if found is None else found["metadata"]
            if meta.get("uid") != uid:
                dangling.append(uid)
            elif meta.get("deletionTimestamp") and FOREGROUND in (meta.get("finalizers") or ()):
                waiting.append(uid)
            else:
                solid.append(uid)
    return solid, dangling, waiting


def _blocks(dependent: GraphNode, owner_uid: str) -> bool:
    return any(owner.uid == owner_uid and owner.block_owner_deletion for owner in dependent.owners)


def _guarded(node: GraphNode, meta: dict[str, Any]) -> Patch:
    body = {"metadata": {**node.guard, **meta}}
    return Patch(node.kind, node.namespace, node.name, body, gone_ok=True)


def _reference(owner: OwnerReference) -> dict[str, Any]:
    result: dict[str, Any] = {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
    }
    if owner.controller:
        result["controller"] = True
    if owner.block_owner_deletion:
        result["blockOwnerDeletion"] = True
    return result


def _without_owners(node: GraphNode, uids: Iterable[str]) -> Patch:
    gone = frozenset(uids)
    rest = [_reference(owner) for owner in node.owners if owner.uid not in gone]
    return _guarded(node, {"ownerReferences": rest or None})


def _unblocked(node: GraphNode) -> Patch:
    owners = [{**_reference(owner), "blockOwnerDeletion": False} for owner in node.owners]
    return _guarded(node, {"ownerReferences": owners})


def _without_finalizer(node: GraphNode, finalizer: str) -> Patch:
    rest = [name for name in node.finalizers if name != finalizer]
    return _guarded(node, {"finalizers": rest or None})


def _let_go(state: GraphState) -> tuple[Effect, ...]:
    """Free the dependents, then the owner."""
    freed = tuple(_without_owners(dependent, {state.node.uid}) for dependent in state.dependents)
    finish = _without_finalizer(state.node, ORPHAN)
    return (Together(freed), finish) if freed else (finish,)


def _delete(node: GraphNode, propagation: str) -> Delete:
    version = str(node.resource_version)
    return Delete(
        node.kind,
        node.namespace,
        node.name,
        node.uid,
        propagation=propagation,
        resource_version=version,
    )


def _projection(kind: str) -> Any:
    def project(obj: Object) -> GraphNode:
        meta = obj["metadata"]
        return GraphNode(
            *identity(obj),
            kind=kind,
            owners=owners_of(obj),
            finalizers=tuple(sys.intern(name) for name in meta.get("finalizers") or ()),
            deleting=bool(meta.get("deletionTimestamp")),
        )

    return project


def _owner_uids(node: GraphNode) -> tuple[str, ...]:
    return tuple(owner.uid for owner in node.owners)


def garbage_collector(kinds: Kinds = BUILTIN) -> Controller[GraphState]:
    """Make the controller for a set of kinds."""
    watched = tuple(kind.group_resource for kind in graph_kinds(kinds))

    def dependents(view: View, uid: str) -> tuple[GraphNode, ...]:
        return tuple(node for kind in watched for node in view.indexed(kind, "owner", uid))

    def owner_of(view: View, node: GraphNode, reference: OwnerReference) -> Owner:
        kind = kinds.by_kind(reference.api_version, reference.kind)
        if kind is None or (kind.namespaced and not node.namespace):
            return Owner(reference, None, False, None)
        namespace = node.namespace if kind.namespaced else ""
        resource = kind.group_resource
        question = Look(resource, namespace, reference.name)
        found = view.get(resource, namespace, reference.name) if resource in watched else None
        if found is not None and found.uid == reference.uid:
            return Owner(reference, found, False, question)
        return Owner(reference, None, view.was_deleted(reference.uid), question)

    def gather(view: View, key: Key) -> GraphState | None:
        kind, _, place = key.partition(" ")
        namespace, _, name = place.partition("/")
        node: GraphNode | None = view.get(kind, namespace, name)
        if node is None:
            return None
        owners = tuple(owner_of(view, node, reference) for reference in node.owners)
        needed = node.deleting or bool(node.owners)
        return GraphState(node, owners, dependents(view, node.uid) if needed else ())

    def keys(view: View, old: GraphNode | None, new: GraphNode | None) -> list[Key]:
        if old == new:
            return []
        woken: list[Key] = []
        if new is not None and (new.owners or new.deleting):
            woken.append(new.key)
        record = new if new is not None else old
        assert record is not None
        if new is None or (new.in_foreground and not (old is not None and old.in_foreground)):
            woken += [dependent.key for dependent in dependents(view, record.uid)]
        if old is not None:
            woken += _former_owners(view, old, new)
        return woken

    def _former_owners(view: View, old: GraphNode, new: GraphNode | None) -> list[Key]:
        """Wake owners that may have waited for this object."""
        now = () if new is None else new.owners
        lost = [reference for reference in old.owners if reference not in now]
        found = [owner_of(view, old, reference).node for reference in lost]
        return [owner.key for owner in found if owner is not None and owner.deleting]

    return Controller(
        name="garbage-collector",
        watches=tuple(
            Watch(kind, _projection(kind), keys, {"owner": _owner_uids}) for kind in watched
        ),
        gather=gather,
        reconcile=reconcile,
        workers=16,
    )

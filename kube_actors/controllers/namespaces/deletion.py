"""Empties a namespace that is being deleted, and lets it go when nothing is left.

Pods go first, so that nothing they need disappears under them; then everything else. What is left
and what holds it is written into the namespace's conditions in Kubernetes' words
(pkg/controller/namespace/deletion). Only when every kind has been listed empty is the
``kubernetes`` finalizer taken off; a listing that fails counts as not empty.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from kube_actors.api import BUILTIN, Kind, Kinds, Object
from kube_actors.controllers.loop import (
    Controller,
    DeleteAll,
    Effect,
    RequeueAfter,
    Round,
    Survey,
    Update,
    View,
    Watch,
    Whole,
    whole,
)
from kube_actors.controllers.objects import Condition, set_condition, write_status

FINALIZER = "kubernetes"
RECHECK_S = 1.0
_NEEDED_VERBS = ("list", "delete", "deletecollection")


@frozen
class NamespaceState:
    """A namespace on its way out, and the kinds that may be in it."""

    namespace: Object
    kinds: tuple[str, ...]


def content_kinds(kinds: Kinds) -> tuple[str, ...]:
    """Name every namespaced kind that can be listed and deleted, each resource once."""
    return tuple(
        dict.fromkeys(
            kind.group_resource for kind in kinds.all() if kind.namespaced and _deletable(kind)
        )
    )


def _deletable(kind: Kind) -> bool:
    # Both event resources are one store: deleting through one is enough.
    return kind.group != "events.k8s.io" and all(verb in kind.verbs for verb in _NEEDED_VERBS)


def reconcile(state: NamespaceState, round_: Round) -> tuple[Effect, ...]:
    """List what is left; delete it, or let the namespace go."""
    name = state.namespace["metadata"]["name"]
    surveys = [Survey(kind, name) for kind in state.kinds]
    if not all(round_.asked(survey) for survey in surveys):
        return tuple(survey for survey in surveys if not round_.asked(survey))
    left = {survey.kind: round_.answers[survey] for survey in surveys if round_.answers[survey]}
    status = _write_status(state.namespace, left, round_)
    if not left:
        return (*status, Update(_finalized(state.namespace), "finalize"))
    now = {"pods": left["pods"]} if "pods" in left else left
    deletes = [DeleteAll(kind, name) for kind, items in now.items() if _untouched(items)]
    return (*status, *deletes, RequeueAfter(RECHECK_S))


def _untouched(items: Sequence[Object]) -> bool:
    return any(not item["metadata"].get("deletionTimestamp") for item in items)


def _finalized(namespace: Object) -> Object:
    """Give the namespace without our finalizer; the version is left to the server."""
    spec = namespace.get("spec") or {}
    rest = [name for name in spec.get("finalizers") or () if name != FINALIZER]
    meta = {key: value for key, value in namespace["metadata"].items() if key != "resourceVersion"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": meta,
        "spec": {**spec, "finalizers": rest},
    }


def _condition(type_: str, bad: bool, reason: str, message: str, round_: Round) -> Condition:
    return {
        "type": type_,
        "status": "True" if bad else "False",
        "lastTransitionTime": round_.timestamp,
        "reason": reason,
        "message": message,
    }


def _write_status(
    namespace: Object, left: Mapping[str, Sequence[Object]], round_: Round
) -> tuple[Effect, ...]:
    old = namespace.get("status") or {}
    conditions = list(old.get("conditions") or ())
    for condition in _conditions(left, round_):
        conditions = set_condition(conditions, condition)
    return write_status(namespace, {**old, "phase": "Terminating", "conditions": conditions})


def _conditions(left: Mapping[str, Sequence[Object]], round_: Round) -> list[Condition]:
    holders: Counter[str] = Counter()
    for items in left.values():
        for item in items:
            holders.update(item["metadata"].get("finalizers") or ())
    remaining = ", ".join(
        f"{_with_dot(kind)} has {len(left[kind])} resource instances" for kind in sorted(left)
    )
    finalizers = ", ".join(
        f"{name} in {holders[name]} resource instances" for name in sorted(holders)
    )
    said: list[tuple[str, bool, str, str]] = [
        (
            "NamespaceDeletionDiscoveryFailure",
            False,
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            False,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            False,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        (
            "NamespaceContentRemaining",
            bool(left),
            "SomeResourcesRemain" if left else "ContentRemoved",
            f"Some resources are remaining: {remaining}"
            if left
            else "All content successfully removed",
        ),
        (
            "NamespaceFinalizersRemaining",
            bool(holders),
            "SomeFinalizersRemain" if holders else "ContentHasNoFinalizers",
            f"Some content in the namespace has finalizers remaining: {finalizers}"
            if holders
            else "All content-preserving finalizers finished",
        ),
    ]
    return [_condition(*words, round_) for words in said]


def _with_dot(group_resource: str) -> str:
    """Name a resource as Kubernetes does here: ``pods.`` for the core group."""
    return group_resource if "." in group_resource else f"{group_resource}."


def _keys(_view: View, _old: Whole | None, new: Whole | None) -> tuple[str, ...]:
    return (new.name,) if new is not None else ()


def namespace_controller(kinds: Kinds = BUILTIN) -> Controller[NamespaceState]:
    """Make the controller for a set of kinds."""
    content = content_kinds(kinds)

    def gather(view: View, key: str) -> NamespaceState | None:
        record: Whole | None = view.get("namespaces", "", key)
        if record is None:
            return None
        namespace: dict[str, Any] = record.object()
        held = FINALIZER in ((namespace.get("spec") or {}).get("finalizers") or ())
        if not namespace["metadata"].get("deletionTimestamp") or not held:
            return None
        return NamespaceState(namespace, content)

    return Controller(
        name="namespace",
        watches=(Watch("namespaces", whole, _keys),),
        gather=gather,
        reconcile=reconcile,
        workers=4,
    )

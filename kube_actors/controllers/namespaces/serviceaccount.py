"""Keeps a ServiceAccount named ``default`` in every namespace that is not going away.

Pods that name no account run under it, and admission refuses pods until it is there. One that was
deleted is made again.
"""

from attrs import frozen

from kube_actors.controllers.loop import (
    Controller,
    Create,
    Effect,
    Record,
    Round,
    View,
    Watch,
    identity,
)
from kube_actors.controllers.namespaces.active_namespaces import (
    NamespaceRecord,
    namespace_keys,
    namespace_of_object,
    namespace_record,
)

DEFAULT = "default"


@frozen
class NamespaceAccount:
    """A namespace and whether it has its account."""

    namespace: NamespaceRecord
    present: bool


def gather(view: View, key: str) -> NamespaceAccount | None:
    """Look for the account of one namespace."""
    namespace = view.get("namespaces", "", key)
    if namespace is None:
        return None
    present = view.get("serviceaccounts", key, DEFAULT) is not None
    return NamespaceAccount(namespace, present)


def reconcile(state: NamespaceAccount, _round: Round) -> tuple[Effect, ...]:
    """Make the account if it is missing."""
    if state.present or not state.namespace.active:
        return ()
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": DEFAULT, "namespace": state.namespace.name},
    }
    return (Create(account, exists_ok=True),)


def _record(obj: dict[str, object]) -> Record:
    return Record(*identity(obj))


SERVICE_ACCOUNT: Controller[NamespaceAccount] = Controller(
    name="serviceaccount",
    watches=(
        Watch("namespaces", namespace_record, namespace_keys),
        Watch("serviceaccounts", _record, namespace_of_object),
    ),
    gather=gather,
    reconcile=reconcile,
)

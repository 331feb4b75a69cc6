"""Publishes the cluster's CA certificate as ConfigMap ``kube-root-ca.crt`` in every namespace.

Every pod's service account volume projects it, so that pods can verify the API server. Deleted or
changed ones are put back.
"""

from attrs import frozen

from kube_actors.api import Object
from kube_actors.controllers.loop import (
    Controller,
    Create,
    Effect,
    Patch,
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

NAME = "kube-root-ca.crt"
DESCRIPTION = "kubernetes.io/description"
DESCRIPTION_TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


@frozen
class BundleRecord(Record):
    """A ConfigMap; its certificate is kept only if it is ours by name."""

    certificate: str | None


@frozen
class NamespaceBundle:
    """A namespace, the certificate it should have, and the ConfigMap it has."""

    namespace: NamespaceRecord
    certificate: str
    bundle: BundleRecord | None


def bundle_record(obj: Object) -> BundleRecord:
    """Keep the certificate in a ConfigMap."""
    data = obj.get("data") or {}
    alone = len(data) == 1 and not obj.get("binaryData")
    return BundleRecord(*identity(obj), certificate=data.get("ca.crt") if alone else None)


def reconcile(state: NamespaceBundle, _round: Round) -> tuple[Effect, ...]:
    """Make the ConfigMap, or put its content right."""
    if not state.namespace.active or not state.certificate:
        return ()
    bundle = state.bundle
    if bundle is None:
        config_map = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": NAME,
                "namespace": state.namespace.name,
                "annotations": {DESCRIPTION: DESCRIPTION_TEXT},
            },
            "data": {"ca.crt": state.certificate},
        }
        return (Create(config_map),)
    if bundle.certificate == state.certificate:
        return ()
    # A JSON patch replaces the whole of data: anything else in it goes.
    body = [{"op": "add", "path": "/data", "value": {"ca.crt": state.certificate}}]
    return (Patch("ConfigMap", bundle.namespace, NAME, body, type="json", gone_ok=True),)


def root_ca_publisher(certificate: str) -> Controller[NamespaceBundle]:
    """Make the controller that publishes ``certificate`` (PEM)."""

    def gather(view: View, key: str) -> NamespaceBundle | None:
        namespace = view.get("namespaces", "", key)
        if namespace is None:
            return None
        return NamespaceBundle(namespace, certificate, view.get("configmaps", key, NAME))

    return Controller(
        name="root-ca-certificate-publisher",
        watches=(
            Watch("namespaces", namespace_record, namespace_keys),
            Watch(
                "configmaps",
                bundle_record,
                namespace_of_object,
                field_selector=f"metadata.name={NAME}",
            ),
        ),
        gather=gather,
        reconcile=reconcile,
    )

"""The kubeconfig that lets any Kubernetes client in: cluster, user and context in one dict."""

import base64
from typing import Any

from kube_actors.apiserver.who.pki import KeyPair


def kubeconfig(
    server: str,
    authority_pem: bytes,
    *,
    client: KeyPair | None = None,
    token: str = "",
    name: str = "kube-actors",
    user: str = "admin",
    namespace: str = "",
) -> dict[str, Any]:
    """Return a kubeconfig for ``server`` (an https URL), with a certificate or a token."""
    credentials: dict[str, Any] = {}
    if client is not None:
        credentials["client-certificate-data"] = _base64(client.certificate_pem)
        credentials["client-key-data"] = _base64(client.key_pem)
    if token:
        credentials["token"] = token
    context = {"cluster": name, "user": user}
    if namespace:
        context["namespace"] = namespace
    cluster = {"server": server, "certificate-authority-data": _base64(authority_pem)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

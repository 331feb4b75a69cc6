"""Who is asking, and what they may do: keys, certificates, tokens, RBAC.

``authenticate`` judges the head of a request, ``Authorizer`` decides by the stored roles and
bindings. Certificates and tokens are made here too, for the cluster and its accounts.
"""

from kube_actors.apiserver.who.authentication import audiences, authenticate, user_of_token
from kube_actors.apiserver.who.authorization import Attributes, Authorizer
from kube_actors.apiserver.who.kubeconfig import kubeconfig
from kube_actors.apiserver.who.pki import (
    YEAR_S,
    Entropy,
    KeyPair,
    create_authority,
    create_key,
    encode_key,
    issue_client,
    issue_process,
    issue_server,
    load_key,
    server_context,
)
from kube_actors.apiserver.who.tokens import Signer, service_account_claims

__all__ = [
    "Attributes",
    "Authorizer",
    "Entropy",
    "KeyPair",
    "Signer",
    "YEAR_S",
    "audiences",
    "authenticate",
    "create_authority",
    "create_key",
    "encode_key",
    "issue_client",
    "issue_process",
    "issue_server",
    "kubeconfig",
    "load_key",
    "server_context",
    "service_account_claims",
    "user_of_token",
]

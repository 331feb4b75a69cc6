"""serviceaccounts/token: a token for a service account, good for a while and for an audience."""

from datetime import UTC, datetime

import orjson

from kube_actors.api import Cause, errors
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import decode_definition
from kube_actors.apiserver.request import Answer
from kube_actors.apiserver.who import audiences, service_account_claims

_KIND = errors.Resource("authentication.k8s.io", "tokenrequests", "TokenRequest")
_SHORTEST_S, _LONGEST_S, _DEFAULT_S = 600, 1 << 32, 3600


async def request_token(call: Call) -> Answer:
    """Answer 201 with the token in the status; raises ``StatusError`` 404 or 422."""
    server = call.server
    if server.signer is None:
        raise errors.service_unavailable("this cluster has no service-account signing key")
    body = decode_definition(call.request, "io.k8s.api.authentication.v1.TokenRequest")
    spec = dict(body.get("spec") or {})
    expires_s = spec.get("expirationSeconds") or _DEFAULT_S
    if not isinstance(expires_s, int) or not _SHORTEST_S <= expires_s <= _LONGEST_S:
        cause = Cause.invalid(
            "spec.expirationSeconds", expires_s, "may not specify a duration less than 10 minutes"
        )
        raise errors.invalid(_KIND, "", [cause])
    await server.read_index.wait()
    entry = server.cached(call.kind).get(call.namespace, call.name)
    if entry is None:
        raise errors.not_found(call.kind, call.name)
    wanted = tuple(spec.get("audiences") or audiences(server.config))
    reference = spec.get("boundObjectRef") or {}
    pod = None
    if reference.get("kind") == "Pod":
        pod = (reference.get("name", ""), reference.get("uid", ""))
    now_s = server.clock.now()
    claims = service_account_claims(
        issuer=server.config.issuer,
        audiences=wanted,
        namespace=call.namespace,
        name=call.name,
        uid=entry.decode()["metadata"]["uid"],
        now_s=now_s,
        expires_s=expires_s,
        token_id=server.uid(),
        pod=pod,
    )
    expires = datetime.fromtimestamp(claims["exp"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": call.name, "namespace": call.namespace},
        "spec": {**spec, "audiences": list(wanted), "expirationSeconds": expires_s},
        "status": {"token": server.signer.sign(claims), "expirationTimestamp": expires},
    }
    return call.answer_body(orjson.dumps(answer), 201)

"""The way of every request, from both doors, in one readable function.

Decode the target, authenticate, authorize, then the verb: it admits, defaults, validates, runs
the store transaction and answers. Every failure becomes a ``Status``. A bug answers 500 and is
logged; it never takes the apiserver down.
"""

import logging
from collections.abc import Awaitable, Callable

import anyio
import attrs

from kube_actors.actor import ActorError
from kube_actors.api import Cause, errors
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import check_size, media_type, options_of
from kube_actors.apiserver.output import Output, encode, negotiate
from kube_actors.apiserver.pages import pages
from kube_actors.apiserver.request import YAML, Answer, AnyAnswer, Request, User, answer_error
from kube_actors.apiserver.server import Server
from kube_actors.apiserver.subresources import bind_named, find_review, find_subresource
from kube_actors.apiserver.target import Target, check_served, parse_target
from kube_actors.apiserver.verbs import (
    APPLY,
    create,
    delete,
    delete_collection,
    get,
    get_component,
    list_components,
    list_objects,
    patch,
    update,
    watch,
)
from kube_actors.apiserver.who import Attributes, authenticate
from kube_actors.store.messages import (
    Compacted,
    Corrupt,
    InvalidRequest,
    NoQuorum,
    NoSpace,
    OutcomeUnknown,
)

_FIELD_MANAGER_MAX = 128
_log = logging.getLogger(__name__)
Handler = Callable[[Call], Awaitable[AnyAnswer]]
_VERBS: dict[str, Handler] = {
    "get": get,
    "list": list_objects,
    "watch": watch,
    "create": create,
    "update": update,
    "patch": patch,
    "delete": delete,
    "deletecollection": delete_collection,
}
# Subresources that take and answer the whole object; the strategy says which part may change.
_OWN_OBJECT = frozenset(("status", "approval", "ephemeralcontainers", "resize"))


async def handle(server: Server, request: Request) -> AnyAnswer:
    """Answer one request; never raises but for cancellation."""
    started_s = anyio.current_time()
    target = _target(server, request)
    try:
        answer = await _serve(server, request, target)
    except errors.StatusError as error:
        answer = _refusal(request, error)
    except ActorError as error:
        answer = _refusal(request, _store_error(error))
    except Exception as error:
        # One request's bug must not end every other request with this apiserver.
        _log.exception("%s %s failed", request.method, request.path)
        answer = answer_error(errors.internal(f"{type(error).__name__}: {error}"))
    _measure(server, target, answer, anyio.current_time() - started_s)
    return answer


def _refusal(request: Request, error: errors.StatusError) -> Answer:
    """Return the Status, in YAML for those who understand nothing else."""
    answer = answer_error(error)
    if media_type(request.accept) != YAML:
        return answer
    output = Output(yaml=True)
    body = encode(output, answer.body)
    return attrs.evolve(answer, body=body, content_type=output.content_type)


def _target(server: Server, request: Request) -> Target:
    watching = request.method == "GET" and bool(request.query.flag("watch"))
    return parse_target(server.config.kinds, request.method, request.path, watching=watching)


async def _serve(server: Server, request: Request, target: Target) -> AnyAnswer:
    check_size(request, server.config.body_bytes_max)
    user = authenticate(
        request.credentials, server.config, server.signer, server.cache, server.clock.now()
    )
    user = _impersonated(server, user, request)
    server.authorizer.check(user, attributes(target))
    if not target.is_resource:
        return await pages.answer(server, request, target, user)
    kind = check_served(target, request.method)
    include = request.query.get("includeObject")
    call = Call(
        server=server,
        request=request,
        target=target,
        kind=kind,
        storage=server.storage_kind(kind),
        user=user,
        output=negotiate(request.accept, include, watching=target.verb == "watch"),
        dry_run=_write_options(request),
        warnings=[],
    )
    return await _handler(target, call)(call)


def _handler(target: Target, call: Call) -> Handler:
    if target.subresource and target.subresource not in _OWN_OBJECT:
        found = find_subresource(call.kind, target.subresource, target.verb)
        if found is None:
            raise errors.no_such_path()
        return found
    if call.kind.plural == "bindings":
        return bind_named
    if call.kind.plural == "componentstatuses":
        return get_component if target.name else list_components
    return find_review(call.kind) or _VERBS[target.verb]


def attributes(target: Target) -> Attributes:
    """Return what authorization is asked."""
    if not target.is_resource:
        return Attributes(target.verb, path=target.path)
    return Attributes(
        target.verb,
        target.group,
        target.resource,
        target.subresource.split("/")[0],
        target.namespace,
        target.name,
    )


def _impersonated(server: Server, user: User, request: Request) -> User:
    wanted = request.credentials.impersonate
    if wanted is None:
        return user
    server.authorizer.check(user, Attributes("impersonate", "", "users", name=wanted.name))
    for group in wanted.groups:
        server.authorizer.check(user, Attributes("impersonate", "", "groups", name=group))
    if "system:authenticated" in wanted.groups:
        return wanted
    return attrs.evolve(wanted, groups=(*wanted.groups, "system:authenticated"))


def _write_options(request: Request) -> bool:
    """Return whether it is a dry run; raises ``StatusError`` 422 for options that are wrong."""
    given, query = request.query.all("dryRun"), request.query
    causes = []
    if given not in ((), ("All",)):
        causes.append(Cause.not_supported("dryRun", list(given), ("All",)))
    if request.method == "PATCH" and query.has("force"):
        detail = "may not be specified for non-apply patch"
        if media_type(request.content_type) != APPLY:
            causes.append(Cause.forbidden("force", detail))
    if len(query.get("fieldManager").encode()) > _FIELD_MANAGER_MAX:
        causes.append(Cause.too_long("fieldManager", _FIELD_MANAGER_MAX))
    if causes:
        raise errors.invalid(options_of(request), "", causes)
    return bool(given)


def _store_error(error: ActorError) -> errors.StatusError:
    if isinstance(error, NoQuorum):
        return errors.service_unavailable(
            f"the cluster is read-only: {error.answering} of {error.members} store members "
            "answer and a majority is needed; nothing was written"
        )
    if isinstance(error, NoSpace):
        return errors.service_unavailable(
            "the store is over its quota: deletions and reads are served, nothing was written; "
            "make room, then `kube-actors store disarm`"
        )
    if isinstance(error, Corrupt):
        return errors.service_unavailable(
            f"the store is stopped, its members disagree: {error.text}; nothing was written"
        )
    if isinstance(error, OutcomeUnknown):
        return errors.timeout(f"the write was proposed but its fate is unknown: {error.text}")
    if isinstance(error, Compacted):
        return errors.expired(f"the revision was compacted at {error.compact_revision}")
    if isinstance(error, InvalidRequest):
        return errors.too_large(error.text)
    return errors.service_unavailable(f"the store does not answer: {error}", retry_after_s=1)


def _measure(server: Server, target: Target, answer: AnyAnswer, elapsed_s: float) -> None:
    status = getattr(answer, "status", 200)
    labels = (("verb", target.verb), ("resource", target.resource))
    server.metrics.count("apiserver_request_total", (*labels, ("code", str(status))))
    server.metrics.observe("apiserver_request_duration_seconds", elapsed_s, labels)

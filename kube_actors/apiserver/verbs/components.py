"""componentstatuses: what the cluster's parts are like now, made up when asked and never stored.

The store is healthy while a majority answers; the scheduler and the controllers are while
somebody holds their Lease.
"""

from datetime import datetime
from typing import Any

from kube_actors.actor import ActorError
from kube_actors.api import errors
from kube_actors.apiserver.cache import Entry
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.objects import encode_value, object_key
from kube_actors.apiserver.request import Answer
from kube_actors.apiserver.server import Server
from kube_actors.apiserver.verbs.reading import Page, encode_list, selection

_DEPRECATED = "v1 ComponentStatus is deprecated in v1.19+"
_ELECTED = (("controller-manager", "kube-controller-manager"), ("scheduler", "kube-scheduler"))


async def list_components(call: Call) -> Answer:
    """Answer the parts that were selected; raises ``StatusError`` 400."""
    chosen = selection(call)
    found = [entry for entry in await _entries(call) if chosen.matches(entry)]
    call.warnings.append(_DEPRECATED)
    return call.answer_body(encode_list(call, Page(found, call.server.cache.revision)))


async def get_component(call: Call) -> Answer:
    """Answer one part; raises ``StatusError`` 404."""
    for entry in await _entries(call):
        if entry.name == call.name:
            call.warnings.append(_DEPRECATED)
            return call.answer_body(call.form().encode(entry.value, entry.revision))
    raise errors.not_found(call.kind, call.name)


async def _entries(call: Call) -> list[Entry]:
    server, kind = call.server, call.kind
    problems = {name: _lease_problem(server, lease) for name, lease in _ELECTED}
    problems["etcd-0"] = await _store_problem(server)
    return [
        Entry(
            kind,
            object_key(kind.group, kind.plural, "", name),
            "",
            name,
            encode_value(component(name, problem)),
            server.cache.revision,
        )
        for name, problem in problems.items()
    ]


def component(name: str, problem: str) -> dict[str, Any]:
    """Return one ComponentStatus; ``problem`` "" means healthy. Pure."""
    healthy = {"type": "Healthy", "status": "True", "message": "ok"}
    sick = {"type": "Healthy", "status": "False", "message": problem}
    return {
        "apiVersion": "v1",
        "kind": "ComponentStatus",
        "metadata": {"name": name},
        "conditions": [sick if problem else healthy],
    }


def _lease_problem(server: Server, name: str) -> str:
    entry = server.cache.resource("coordination.k8s.io", "leases").get("kube-system", name)
    spec = (entry.decode().get("spec") or {}) if entry is not None else {}
    if not spec.get("holderIdentity") or not spec.get("renewTime"):
        return f"nobody holds the Lease {name}"
    age_s = server.clock.now() - datetime.fromisoformat(spec["renewTime"]).timestamp()
    if age_s > (spec.get("leaseDurationSeconds") or 0):
        return f"the Lease {name} was not renewed for {age_s:.0f}s"
    return ""


async def _store_problem(server: Server) -> str:
    try:
        status = await server.store.status()
    except ActorError as error:
        return f"no store member answers: {error}"
    if status.read_only:
        return f"read-only: {status.answering} of {status.members} store members answer"
    return ""

"""pods/binding: the scheduler's choice of a node, once and for all."""

from typing import Any

import attrs

from kube_actors.api import Cause, Object, errors
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import decode_definition
from kube_actors.apiserver.request import Answer, answer_success
from kube_actors.apiserver.transaction import Plan, Stored, change

_BINDING = "io.k8s.api.core.v1.Binding"


async def bind(call: Call) -> Answer:
    """Give the pod its node; raises ``StatusError`` 400, 404 or 409."""
    body = decode_definition(call.request, _BINDING)
    target = body.get("target")
    node = (target or {}).get("name", "")
    metadata = body.get("metadata") or {}
    if metadata.get("name", call.name) not in ("", call.name):
        raise errors.bad_request("name in URL does not match name in Binding object")
    if not node:
        cause = Cause.required("target.name")
        raise errors.invalid(errors.Resource("", "bindings", "Binding"), call.name, [cause])
    if (target or {}).get("kind") not in (None, "", "Node"):
        cause = Cause.not_supported("target.kind", (target or {})["kind"], ("Node",))
        raise errors.invalid(errors.Resource("", "bindings", "Binding"), call.name, [cause])
    timestamp = call.server.clock.timestamp()

    def decide(stored: Stored) -> Plan:
        pod = call.served(stored)
        check_bindable(call, pod, metadata.get("uid", ""))
        return Plan(value=call.value(bound(pod, node, metadata, timestamp)))

    await change(call.server, call.storage, call.namespace, call.name, decide, dry_run=call.dry_run)
    answer = answer_success()
    return Answer(201, answer.body)


async def bind_named(call: Call) -> Answer:
    """Do the same for a Binding that is posted by itself and names its pod."""
    metadata = decode_definition(call.request, _BINDING).get("metadata") or {}
    pods = call.server.config.kinds.by_resource("", "v1", "pods")
    assert pods is not None
    target = attrs.evolve(call.target, name=str(metadata.get("name", "")), kind=pods)
    return await bind(attrs.evolve(call, target=target, kind=pods, storage=pods))


def check_bindable(call: Call, pod: Object, uid: str) -> None:
    """Raise ``StatusError`` 409 unless the pod still waits for a node."""
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    detail = ""
    if uid and uid != metadata["uid"]:
        detail = (
            f"Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {metadata['uid']}"
        )
    elif metadata.get("deletionTimestamp"):
        detail = f"pod {call.name} is being deleted, cannot be assigned to a host"
    elif spec.get("nodeName"):
        detail = f'pod {call.name} is already assigned to node "{spec["nodeName"]}"'
    elif spec.get("schedulingGates"):
        detail = f"pod {call.name} has non-empty .spec.schedulingGates"
    if detail:
        raise errors.conflict(errors.Resource("", "pods/binding", "Pod"), call.name, detail)


def bound(pod: Object, node: str, binding: dict[str, Any], timestamp: str) -> Object:
    """Return ``pod`` on ``node``, with the PodScheduled condition and the binding's labels."""
    status = dict(pod.get("status") or {})
    others = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
    condition: dict[str, Any] = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": timestamp,
    }
    status["conditions"] = [*others, condition]
    metadata = dict(pod["metadata"])
    for field in ("labels", "annotations"):
        if binding.get(field):
            metadata[field] = {**(metadata.get(field) or {}), **binding[field]}
    spec = {**pod["spec"], "nodeName": node}
    return {**pod, "metadata": metadata, "spec": spec, "status": status}

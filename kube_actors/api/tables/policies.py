"""Columns of admission policies, flow control and dynamic resources."""

from typing import Any

from kube_actors.api.tables.durations import age
from kube_actors.api.tables.printer import Printer, columns
from kube_actors.api.tables.words import (
    NONE,
    UNSET,
    Object,
    meta,
    name,
    selector_text,
    spec,
    status,
)


def _policy(counted: str) -> Printer:
    def cells(obj: Object, now_s: float) -> list[Any]:
        found = spec(obj).get("paramKind")
        kind = f"{found.get('apiVersion', '')}/{found.get('kind', '')}" if found else UNSET
        return [name(obj), len(spec(obj).get(counted) or ()), kind, age(obj, now_s)]

    return Printer(columns("Name", f"{counted.title()}:integer", "ParamKind", "Age"), cells)


def _policy_binding(obj: Object, now_s: float) -> list[Any]:
    reference = spec(obj).get("paramRef") or {}
    shown = UNSET
    if reference.get("name"):
        shown = f"{reference.get('namespace') or '*'}/{reference['name']}"
    elif reference.get("selector") is not None:
        shown = selector_text(reference["selector"])
    return [name(obj), spec(obj).get("policyName", ""), shown, age(obj, now_s)]


def _flow_schema(obj: Object, now_s: float) -> list[Any]:
    dangling = "?"
    for each in status(obj).get("conditions") or ():
        if each.get("type") == "Dangling":
            dangling = str(each.get("status"))
    return [
        name(obj),
        (spec(obj).get("priorityLevelConfiguration") or {}).get("name") or NONE,
        spec(obj).get("matchingPrecedence", 0),
        (spec(obj).get("distinguisherMethod") or {}).get("type") or NONE,
        age(obj, now_s),
        dangling,
    ]


def _priority_level(obj: Object, now_s: float) -> list[Any]:
    shares = queues = hand = length = NONE
    level = spec(obj).get("limited") or spec(obj).get("exempt") or {}
    if level.get("nominalConcurrencyShares") is not None:
        shares = str(level["nominalConcurrencyShares"])
    queuing = (level.get("limitResponse") or {}).get("queuing")
    if queuing:
        queues, hand, length = (
            str(queuing.get(field, 0)) for field in ("queues", "handSize", "queueLengthLimit")
        )
    return [name(obj), spec(obj).get("type", ""), shares, queues, hand, length, age(obj, now_s)]


def _claim_state(obj: Object) -> str:
    words = ["deleted"] if meta(obj).get("deletionTimestamp") else []
    if status(obj).get("allocation") is None:
        return ",".join([*words, "pending"])
    words.append("allocated")
    if status(obj).get("reservedFor"):
        words.append("reserved")
    return ",".join(words)


def _resource_claim(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), _claim_state(obj), age(obj, now_s)]


def _resource_slice(obj: Object, now_s: float) -> list[Any]:
    found = spec(obj)
    pool = (found.get("pool") or {}).get("name", "")
    return [name(obj), found.get("nodeName", ""), found.get("driver", ""), pool, age(obj, now_s)]


_ADMISSION = "admissionregistration.k8s.io"
_FLOW = "flowcontrol.apiserver.k8s.io"
_BINDING = Printer(columns("Name", "PolicyName", "ParamRef", "Age"), _policy_binding)
PRINTERS = {
    (_ADMISSION, "validatingadmissionpolicies"): _policy("validations"),
    (_ADMISSION, "mutatingadmissionpolicies"): _policy("mutations"),
    (_ADMISSION, "validatingadmissionpolicybindings"): _BINDING,
    (_ADMISSION, "mutatingadmissionpolicybindings"): _BINDING,
    (_FLOW, "flowschemas"): Printer(
        columns(
            "Name",
            "PriorityLevel",
            "MatchingPrecedence:integer",
            "DistinguisherMethod",
            "Age",
            "MissingPL",
        ),
        _flow_schema,
    ),
    (_FLOW, "prioritylevelconfigurations"): Printer(
        columns(
            "Name",
            "Type",
            "NominalConcurrencyShares",
            "Queues",
            "HandSize",
            "QueueLengthLimit",
            "Age",
        ),
        _priority_level,
    ),
    ("resource.k8s.io", "resourceclaims"): Printer(
        columns("Name", "State", "Age"), _resource_claim
    ),
    ("resource.k8s.io", "resourceslices"): Printer(
        columns("Name", "Node", "Driver", "Pool", "Age"), _resource_slice
    ),
}

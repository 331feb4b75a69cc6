"""Columns of the cluster itself: nodes, namespaces, events, leases, and what bounds its use."""

from typing import Any

from kube_actors.api.tables.durations import age, since
from kube_actors.api.tables.printer import Printer, columns
from kube_actors.api.tables.words import NONE, UNKNOWN, Object, meta, name, number, spec, status

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE = "kubernetes.io/role"


def node_status(node: Object) -> str:
    """``Ready``, ``NotReady`` or ``Unknown``, and whether it takes pods."""
    words = [
        "Ready" if each.get("status") == "True" else "NotReady"
        for each in status(node).get("conditions") or ()
        if each.get("type") == "Ready"
    ]
    words = words or ["Unknown"]
    if spec(node).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(node: Object) -> str:
    roles: dict[str, None] = {}
    for key, value in (meta(node).get("labels") or {}).items():
        if key.startswith(_ROLE_PREFIX) and key != _ROLE_PREFIX:
            roles[key.removeprefix(_ROLE_PREFIX)] = None
        elif key == _ROLE and value:
            roles[value] = None
    return ",".join(sorted(roles)) or NONE


def _address(node: Object, type_: str) -> str:
    for each in status(node).get("addresses") or ():
        if each.get("type") == type_:
            return str(each.get("address"))
    return NONE


def _node(obj: Object, now_s: float) -> list[Any]:
    info = status(obj).get("nodeInfo") or {}
    return [
        name(obj),
        node_status(obj),
        _roles(obj),
        age(obj, now_s),
        info.get("kubeletVersion", ""),
        _address(obj, "InternalIP"),
        _address(obj, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _namespace(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), status(obj).get("phase", ""), age(obj, now_s)]


def _event_source(obj: Object) -> str:
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    component = source.get("component") or obj.get("reportingComponent")
    component = component or obj.get("reportingController") or ""
    host = source.get("host") or ("" if source.get("component") else obj.get("reportingInstance"))
    return f"{component}, {host}" if host else str(component)


def _event(obj: Object, now_s: float) -> list[Any]:
    """Core events and those of ``events.k8s.io``, whose fields have other names."""
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    count = number(obj, "count") or number(obj, "deprecatedCount") or 1
    series = obj.get("series")
    if series:
        last, count = series.get("lastObservedTime"), number(series, "count")
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    kind = str(about.get("kind", "")).lower()
    return [
        since(last, now_s),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""),
        _event_source(obj),
        str(obj.get("message") or obj.get("note") or "").strip(),
        since(first, now_s),
        count,
        name(obj),
    ]


def _lease(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), spec(obj).get("holderIdentity") or "", age(obj, now_s)]


def _priority_class(obj: Object, now_s: float) -> list[Any]:
    return [
        name(obj),
        number(obj, "value"),
        bool(obj.get("globalDefault")),
        age(obj, now_s),
        obj.get("preemptionPolicy", ""),
    ]


def _disruption_budget(obj: Object, now_s: float) -> list[Any]:
    bounds = [spec(obj).get(each) for each in ("minAvailable", "maxUnavailable")]
    shown = ["N/A" if each is None else str(each) for each in bounds]
    return [name(obj), *shown, number(status(obj), "disruptionsAllowed"), age(obj, now_s)]


def _quota(obj: Object, now_s: float) -> list[Any]:
    used = status(obj).get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for resource, hard in sorted((status(obj).get("hard") or {}).items()):
        text = f"{resource}: {used.get(resource, '0')}/{hard}"
        (limits if resource.startswith("limits") else requests).append(text)
    return [name(obj), ", ".join(requests), ", ".join(limits), age(obj, now_s)]


def _runtime_class(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), obj.get("handler", ""), age(obj, now_s)]


_EVENT = Printer(
    columns(
        "Last Seen",
        "Type",
        "Reason",
        "Object",
        "+Subobject",
        "+Source",
        "Message",
        "+First Seen",
        "+Count:integer",
        "+Name",
    ),
    _event,
)
PRINTERS = {
    ("", "nodes"): Printer(
        columns(
            "Name",
            "Status",
            "Roles",
            "Age",
            "Version",
            "+Internal-IP",
            "+External-IP",
            "+OS-Image",
            "+Kernel-Version",
            "+Container-Runtime",
        ),
        _node,
    ),
    ("", "namespaces"): Printer(columns("Name", "Status", "Age"), _namespace),
    ("", "events"): _EVENT,
    ("events.k8s.io", "events"): _EVENT,
    ("coordination.k8s.io", "leases"): Printer(columns("Name", "Holder", "Age"), _lease),
    ("scheduling.k8s.io", "priorityclasses"): Printer(
        columns("Name", "Value:integer", "Global-Default:boolean", "Age", "PreemptionPolicy"),
        _priority_class,
    ),
    ("policy", "poddisruptionbudgets"): Printer(
        columns("Name", "Min Available", "Max Unavailable", "Allowed Disruptions:integer", "Age"),
        _disruption_budget,
    ),
    ("", "resourcequotas"): Printer(columns("Name", "Request", "Limit", "Age"), _quota),
    ("node.k8s.io", "runtimeclasses"): Printer(columns("Name", "Handler", "Age"), _runtime_class),
}

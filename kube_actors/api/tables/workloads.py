"""Columns of what makes pods: deployments, replica sets, stateful sets, daemon sets, jobs."""

from typing import Any

from kube_actors.api.tables.durations import age, human_duration, parse_time, since
from kube_actors.api.tables.printer import Printer, columns
from kube_actors.api.tables.words import (
    NONE,
    UNSET,
    Object,
    containers_and_images,
    has_condition,
    labels_text,
    meta,
    name,
    number,
    pod_template,
    selector_text,
    spec,
    status,
)


def _wide(obj: Object) -> list[Any]:
    selector = selector_text(spec(obj).get("selector"))
    return [*containers_and_images(pod_template(obj)), selector]


def _deployment(obj: Object, now_s: float) -> list[Any]:
    found = status(obj)
    return [
        name(obj),
        f"{number(found, 'readyReplicas')}/{number(spec(obj), 'replicas')}",
        number(found, "updatedReplicas"),
        number(found, "availableReplicas"),
        age(obj, now_s),
        *_wide(obj),
    ]


def _replica_set(obj: Object, now_s: float) -> list[Any]:
    found = status(obj)
    return [
        name(obj),
        number(spec(obj), "replicas"),
        number(found, "replicas"),
        number(found, "readyReplicas"),
        age(obj, now_s),
        *_wide(obj),
    ]


def _replication_controller(obj: Object, now_s: float) -> list[Any]:
    return [*_replica_set(obj, now_s)[:-1], labels_text(spec(obj).get("selector"))]


def _stateful_set(obj: Object, now_s: float) -> list[Any]:
    ready = f"{number(status(obj), 'readyReplicas')}/{number(spec(obj), 'replicas')}"
    return [name(obj), ready, age(obj, now_s), *containers_and_images(pod_template(obj))]


def _daemon_set(obj: Object, now_s: float) -> list[Any]:
    found = status(obj)
    return [
        name(obj),
        number(found, "desiredNumberScheduled"),
        number(found, "currentNumberScheduled"),
        number(found, "numberReady"),
        number(found, "updatedNumberScheduled"),
        number(found, "numberAvailable"),
        labels_text(spec(pod_template(obj)).get("nodeSelector")),
        age(obj, now_s),
        *_wide(obj),
    ]


def _job_status(obj: Object) -> str:
    for type_, word in (("Complete", "Complete"), ("Failed", "Failed")):
        if has_condition(obj, type_):
            return word
    if meta(obj).get("deletionTimestamp"):
        return "Terminating"
    for type_ in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if has_condition(obj, type_):
            return type_
    return "Running"


def _job_completions(obj: Object) -> str:
    succeeded = number(status(obj), "succeeded")
    if spec(obj).get("completions") is not None:
        return f"{succeeded}/{spec(obj)['completions']}"
    parallelism = number(spec(obj), "parallelism")
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(obj: Object, now_s: float) -> str:
    started_s = parse_time(status(obj).get("startTime"))
    if started_s is None:
        return ""
    ended_s = parse_time(status(obj).get("completionTime"))
    return human_duration((now_s if ended_s is None else ended_s) - started_s)


def _job(obj: Object, now_s: float) -> list[Any]:
    return [
        name(obj),
        _job_status(obj),
        _job_completions(obj),
        _job_duration(obj, now_s),
        age(obj, now_s),
        *_wide(obj),
    ]


def _cron_job(obj: Object, now_s: float) -> list[Any]:
    template = spec(obj).get("jobTemplate") or {}
    suspend = spec(obj).get("suspend")
    last = status(obj).get("lastScheduleTime")
    return [
        name(obj),
        spec(obj).get("schedule", ""),
        spec(obj).get("timeZone") or NONE,
        UNSET if suspend is None else str(bool(suspend)),
        len(status(obj).get("active") or ()),
        since(last, now_s) if last else NONE,
        age(obj, now_s),
        *containers_and_images(pod_template(template)),
        selector_text(spec(template).get("selector")),
    ]


def _pod_template(obj: Object, now_s: float) -> list[Any]:
    template = obj.get("template") or {}
    return [name(obj), *containers_and_images(template), labels_text(meta(template).get("labels"))]


def _controller_revision(obj: Object, now_s: float) -> list[Any]:
    owner = next((each for each in meta(obj).get("ownerReferences") or () if each), None)
    controller = NONE
    if owner and owner.get("controller"):
        group = owner["apiVersion"].rpartition("/")[0]
        kind = owner["kind"].lower()
        controller = f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"
    return [name(obj), controller, number(obj, "revision"), age(obj, now_s)]


def _autoscaler_targets(obj: Object) -> str:
    current = {
        (each.get("resource") or {}).get("name"): (each.get("resource") or {}).get("current") or {}
        for each in status(obj).get("currentMetrics") or ()
    }
    shown = []
    for metric in spec(obj).get("metrics") or ():
        resource = metric.get("resource")
        if not resource:
            inner = metric.get(str(metric.get("type", "")).lower()) or {}
            target = inner.get("target") or {}
            wanted = target.get("value") or target.get("averageValue") or "<auto>"
            shown.append(f"<unknown>/{wanted}")
            continue
        target, now = resource.get("target") or {}, current.get(resource.get("name"), {})
        if target.get("averageValue") is not None:
            text = f"{now.get('averageValue', '<unknown>')}/{target['averageValue']}"
        else:
            used = now.get("averageUtilization")
            percent = "<unknown>" if used is None else f"{used}%"
            text = f"{percent}/{target.get('averageUtilization', '<auto>')}%"
        shown.append(f"{resource.get('name')}: {text}")
    percent_v1 = spec(obj).get("targetCPUUtilizationPercentage")
    if percent_v1 is not None:
        used = status(obj).get("currentCPUUtilizationPercentage")
        shown.append(f"cpu: {'<unknown>' if used is None else f'{used}%'}/{percent_v1}%")
    if not shown:
        return NONE
    more = f" + {len(shown) - 2} more..." if len(shown) > 2 else ""
    return ", ".join(shown[:2]) + more


def _autoscaler(obj: Object, now_s: float) -> list[Any]:
    target = spec(obj).get("scaleTargetRef") or {}
    least = spec(obj).get("minReplicas")
    return [
        name(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _autoscaler_targets(obj),
        UNSET if least is None else str(least),
        number(spec(obj), "maxReplicas"),
        number(status(obj), "currentReplicas"),
        age(obj, now_s),
    ]


_WIDE = ("+Containers", "+Images", "+Selector")
_COUNTS = ("Desired:integer", "Current:integer", "Ready:integer")
PRINTERS = {
    ("apps", "deployments"): Printer(
        columns("Name", "Ready", "Up-to-date:integer", "Available:integer", "Age", *_WIDE),
        _deployment,
    ),
    ("apps", "replicasets"): Printer(columns("Name", *_COUNTS, "Age", *_WIDE), _replica_set),
    ("", "replicationcontrollers"): Printer(
        columns("Name", *_COUNTS, "Age", *_WIDE), _replication_controller
    ),
    ("apps", "statefulsets"): Printer(
        columns("Name", "Ready", "Age", "+Containers", "+Images"), _stateful_set
    ),
    ("apps", "daemonsets"): Printer(
        columns(
            "Name",
            *_COUNTS,
            "Up-to-date:integer",
            "Available:integer",
            "Node Selector",
            "Age",
            *_WIDE,
        ),
        _daemon_set,
    ),
    ("batch", "jobs"): Printer(
        columns("Name", "Status", "Completions", "Duration", "Age", *_WIDE), _job
    ),
    ("batch", "cronjobs"): Printer(
        columns(
            "Name",
            "Schedule",
            "Timezone",
            "Suspend:boolean",
            "Active:integer",
            "Last Schedule",
            "Age",
            *_WIDE,
        ),
        _cron_job,
    ),
    ("", "podtemplates"): Printer(
        columns("Name", "Containers", "Images", "Pod Labels"), _pod_template
    ),
    ("apps", "controllerrevisions"): Printer(
        columns("Name", "Controller", "Revision:integer", "Age"), _controller_revision
    ),
    ("autoscaling", "horizontalpodautoscalers"): Printer(
        columns(
            "Name",
            "Reference",
            "Targets",
            "MinPods",
            "MaxPods:integer",
            "Replicas:integer",
            "Age",
        ),
        _autoscaler,
    ),
}

"""pods/eviction: a deletion that asks the pod's disruption budget first."""

from typing import Any

from kube_actors.api import Cause, Object, errors
from kube_actors.api.selectors import from_label_selector
from kube_actors.apiserver.cache import Entry
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import decode_definition
from kube_actors.apiserver.objects import encode_value
from kube_actors.apiserver.request import Answer, answer_success
from kube_actors.apiserver.transaction import Plan, Stored, change
from kube_actors.apiserver.verbs import delete_object, options_from

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_TOO_MANY = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)


async def evict(call: Call) -> Answer:
    """Answer 201 when the pod goes; raises ``StatusError`` 404, 409, 429 or 500."""
    body = decode_definition(call.request, "io.k8s.api.policy.v1.Eviction")
    if (body.get("metadata") or {}).get("name") not in (None, "", call.name):
        raise errors.bad_request("name in URL does not match name in Eviction object")
    options = options_from(body.get("deleteOptions") or {})
    dry_run = call.dry_run or options.dry_run
    await call.server.read_index.wait()
    entry = call.server.cached(call.kind).get(call.namespace, call.name)
    if entry is None:
        raise errors.not_found(call.kind, call.name)
    pod = entry.decode()
    status = pod.get("status") or {}
    harmless = status.get("phase") in ("Succeeded", "Failed", "Pending")
    if not harmless and not pod["metadata"].get("deletionTimestamp"):
        await _spend_budget(call, entry, dry_run)
    await delete_object(call, call.namespace, call.name, options)
    return Answer(201, answer_success().body)


async def _spend_budget(call: Call, pod: Entry, dry_run: bool) -> None:
    budgets = call.server.cache.resource("policy", "poddisruptionbudgets")
    found = [
        budget
        for budget in budgets.entries(call.namespace)
        if _selects(budget.decode(), pod.labels)
    ]
    if len(found) > 1:
        raise errors.internal(_TOO_MANY)
    if not found:
        return
    kind = call.server.config.kinds.by_resource("policy", "v1", "poddisruptionbudgets")
    assert kind is not None
    pods = [entry.decode() for entry in call.server.cached(call.kind).entries(call.namespace)]
    timestamp = call.server.clock.timestamp()

    def decide(stored: Stored) -> Plan:
        budget = stored.decode()
        return Plan(value=encode_value(spent(budget, pods, pod.name, timestamp)))

    await change(call.server, kind, call.namespace, found[0].name, decide, dry_run=dry_run)


def _selects(budget: Object, labels: Any) -> bool:
    selector = (budget.get("spec") or {}).get("selector")
    return selector is not None and from_label_selector(selector).matches(labels)


def spent(budget: Object, pods: list[Object], pod: str, timestamp: str) -> Object:
    """Return ``budget`` with one disruption fewer; raises ``StatusError`` 429 if none is left."""
    status = dict(budget.get("status") or {})
    if not status.get("observedGeneration"):
        # No controller has counted yet: count here.
        status = {**status, **_count(budget, pods)}
    allowed = int(status.get("disruptionsAllowed") or 0)
    if allowed <= 0:
        name = budget["metadata"]["name"]
        text = (
            f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods "
            f"and has {status.get('currentHealthy', 0)} currently"
        )
        raise errors.too_many_requests(
            _REFUSED, retry_after_s=0, causes=[Cause("DisruptionBudget", "", text)]
        )
    disrupted = {**(status.get("disruptedPods") or {}), pod: timestamp}
    if (budget.get("status") or {}).get("observedGeneration"):
        status["disruptionsAllowed"] = allowed - 1
        status["disruptedPods"] = disrupted
        return {**budget, "status": status}
    return budget


def _count(budget: Object, pods: list[Object]) -> dict[str, int]:
    spec = budget.get("spec") or {}
    selector = from_label_selector(spec.get("selector"))
    mine = [pod for pod in pods if selector.matches(pod["metadata"].get("labels") or {})]
    healthy = sum(1 for pod in mine if _ready(pod))
    if spec.get("maxUnavailable") is not None:
        desired = len(mine) - _scaled(spec["maxUnavailable"], len(mine))
    else:
        desired = _scaled(spec.get("minAvailable", 1), len(mine))
    return {
        "currentHealthy": healthy,
        "desiredHealthy": max(desired, 0),
        "disruptionsAllowed": max(healthy - max(desired, 0), 0),
        "expectedPods": len(mine),
    }


def _scaled(amount: Any, total: int) -> int:
    if isinstance(amount, str) and amount.endswith("%"):
        return -(-int(amount[:-1]) * total // 100)
    return int(amount)


def _ready(pod: Object) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)

"""Keeps a PodDisruptionBudget's status: how many pods may be evicted right now.

The eviction subresource spends ``status.disruptionsAllowed`` and notes the pod in
``disruptedPods``; this controller counts healthy pods again and drops notes of pods that have gone
or were not deleted after all. Percentages count from the scale of the pods' controllers, as in
Kubernetes (pkg/controller/disruption).
"""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from kube_actors.api import Object, StatusError
from kube_actors.api.selectors import LabelSelector, from_label_selector
from kube_actors.controllers.loop import (
    Controller,
    Effect,
    Record,
    RequeueAfter,
    Round,
    View,
    Watch,
    Whole,
    attribute_index,
    controller_uid,
    identity,
    key_of,
    own_key,
    seconds,
    split_key,
    whole,
)
from kube_actors.controllers.objects import (
    BY_UID,
    PodRecord,
    pod_record,
    scaled_value,
    set_condition,
    write_status,
)

DISRUPTED_FOR_S = 120.0


@frozen
class ScaleRecord(Record):
    """A workload's wanted replicas and its own controller."""

    owner_uid: str
    replicas: int


@frozen
class BudgetState:
    """A budget, the pods it selects, and the replicas their controllers want (by uid)."""

    budget: Object
    pods: Sequence[PodRecord] = ()
    scales: Mapping[str, int] = field(factory=dict)


def scale_record(obj: Object) -> ScaleRecord:
    """Keep a workload's scale."""
    replicas = (obj.get("spec") or {}).get("replicas", 1)
    return ScaleRecord(*identity(obj), owner_uid=controller_uid(obj), replicas=replicas)


def _selector(budget: Object) -> LabelSelector | None:
    try:
        return from_label_selector((budget.get("spec") or {}).get("selector"))
    except StatusError:
        return None


def expected_and_desired(state: BudgetState) -> tuple[int, int]:
    """Give how many pods there should be and how many of them must be healthy."""
    spec = state.budget.get("spec") or {}
    alive = [pod for pod in state.pods if not pod.terminating]
    unavailable, least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if unavailable is None and isinstance(least, int):
        return len(alive), least
    owned = {pod.owner_uid for pod in alive if pod.owner_uid}
    expected = sum(state.scales.get(uid, 0) for uid in sorted(owned))
    expected += sum(1 for pod in alive if not pod.owner_uid)
    if unavailable is not None:
        allowed = scaled_value(unavailable, expected, round_up=True)
        return expected, max(0, expected - allowed)
    return expected, scaled_value(least if least is not None else 1, expected, round_up=True)


def reconcile(state: BudgetState, round_: Round) -> tuple[Effect, ...]:
    """Count, and write what is allowed."""
    budget, meta = state.budget, state.budget["metadata"]
    old = budget.get("status") or {}
    disrupted, next_s = _disrupted(old.get("disruptedPods") or {}, state.pods, round_.now_s)
    healthy = sum(1 for pod in state.pods if pod.ready and pod.active and pod.name not in disrupted)
    expected, desired = expected_and_desired(state)
    allowed = max(0, healthy - desired) if expected > 0 else 0
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "observedGeneration": meta.get("generation", 0),
        "lastTransitionTime": round_.timestamp,
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
    }
    new = {
        "observedGeneration": meta.get("generation", 0),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": set_condition(old.get("conditions"), condition),
    }
    if disrupted:
        new["disruptedPods"] = disrupted
    later = () if next_s is None else (RequeueAfter(next_s),)
    return (*write_status(budget, new), *later)


def _disrupted(
    noted: Mapping[str, str], pods: Sequence[PodRecord], now_s: float
) -> tuple[dict[str, str], float | None]:
    """Keep notes of pods that are still to go; tell when the next one is too old."""
    present = {pod.name: pod for pod in pods}
    kept: dict[str, str] = {}
    waits: list[float] = []
    for name, since in noted.items():
        age_s = now_s - (seconds(since) or now_s)
        pod = present.get(name)
        if pod is not None and not pod.deleting and age_s < DISRUPTED_FOR_S:
            kept[name] = since
            waits.append(DISRUPTED_FOR_S - age_s)
    return kept, min(waits, default=None)


def gather(view: View, key: str) -> BudgetState | None:
    """Collect a budget, its pods, and the scale their workloads want."""
    namespace, name = split_key(key)
    record: Whole | None = view.get("poddisruptionbudgets", namespace, name)
    if record is None:
        return None
    budget = record.object()
    selector = _selector(budget)
    if selector is None:
        return None
    pods = tuple(
        pod
        for pod in view.indexed("pods", "namespace", namespace)
        if not pod.finished and selector.matches(pod.labels)
    )
    scales: dict[str, int] = {}
    for pod in pods:
        if pod.owner_uid and pod.owner_uid not in scales:
            scales[pod.owner_uid] = _scale(view, pod.owner_uid)
    return BudgetState(budget, pods, scales)


def _scale(view: View, uid: str) -> int:
    for kind in ("replicasets", "statefulsets", "deployments"):
        for workload in view.indexed(kind, "uid", uid):
            if workload.owner_uid:
                return _scale(view, workload.owner_uid)
            return int(workload.replicas)
    return 0


def _pod_keys(view: View, old: PodRecord | None, new: PodRecord | None) -> list[str]:
    if old == new:
        return []
    record = new if new is not None else old
    assert record is not None
    keys = []
    for budget in view.indexed("poddisruptionbudgets", "namespace", record.namespace):
        selector = _selector(budget.object())
        if selector is not None and selector.matches(record.labels):
            keys.append(key_of(budget.namespace, budget.name))
    return keys


def _scale_keys(view: View, old: ScaleRecord | None, new: ScaleRecord | None) -> list[str]:
    """Wake every budget of the namespace: workloads change scale seldom."""
    record = new if new is not None else old
    if old == new or record is None:
        return []
    budgets = view.indexed("poddisruptionbudgets", "namespace", record.namespace)
    return [key_of(budget.namespace, budget.name) for budget in budgets]


DISRUPTION: Controller[BudgetState] = Controller(
    name="disruption",
    watches=(
        Watch("poddisruptionbudgets", whole, own_key, {"namespace": attribute_index("namespace")}),
        Watch("pods", pod_record, _pod_keys, {"namespace": attribute_index("namespace")}),
        Watch("deployments", scale_record, _scale_keys, BY_UID),
        Watch("replicasets", scale_record, _scale_keys, BY_UID),
        Watch("statefulsets", scale_record, _scale_keys, BY_UID),
    ),
    gather=gather,
    reconcile=reconcile,
    idle_without="poddisruptionbudgets",
    interval_s=0.1,
)

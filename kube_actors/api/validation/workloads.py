"""Checks of the kinds in the apps group and of ReplicationControllers."""

from typing import Any

from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import is_empty_selector, label_selector, labels, selects
from kube_actors.api.validation.numbers import (
    Causes,
    Tree,
    count_or_percent,
    no_more_than_all,
    none_negative,
    not_negative,
    one_of,
    percent_of,
    unchanged,
)
from kube_actors.api.validation.pods import template

UNMATCHED = "`selector` does not match template `labels`"
_DEPLOYMENT_NUMBERS = (
    "replicas",
    "minReadySeconds",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
)
_STATEFUL_FORBIDDEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)
_STATEFUL_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def template_labels(found: Tree | None) -> dict[str, str]:
    """Return the labels of a pod template."""
    return ((found or {}).get("metadata") or {}).get("labels") or {}


def _selector(spec: Tree, empty: str) -> Causes:
    selector = spec.get("selector")
    if selector is None:
        yield Cause.required("spec.selector")
        return
    yield from label_selector(selector, "spec.selector")
    if is_empty_selector(selector):
        yield Cause.invalid("spec.selector", selector, empty)


def _matching(spec: Tree) -> Causes:
    selector = spec.get("selector")
    if selector is None or is_empty_selector(selector) or spec.get("template") is None:
        return
    found = template_labels(spec["template"])
    if not selects(selector, found):
        yield Cause.invalid("spec.template.metadata.labels", found, UNMATCHED)


def _endless_template(spec: Tree, owner: str) -> Causes:
    """Check a template whose pods are meant to run for ever."""
    yield from _matching(spec)
    yield from template(spec.get("template"), "spec.template")
    inner = (spec.get("template") or {}).get("spec") or {}
    if inner.get("restartPolicy") and inner["restartPolicy"] != "Always":
        path = "spec.template.spec.restartPolicy"
        yield Cause.not_supported(path, inner["restartPolicy"], ("Always",))
    if inner.get("activeDeadlineSeconds") is not None:
        path = "spec.template.spec.activeDeadlineSeconds"
        detail = f"activeDeadlineSeconds in {owner} is not Supported"
        yield Cause.forbidden(path, detail)


def _numeric(value: Any) -> int:
    percent = percent_of(value)
    if percent is not None:
        return percent
    return value if isinstance(value, int) else -1


def deployment(obj: Tree) -> Causes:
    """Apply ``ValidateDeployment``: the deadline is longer than the time to be available."""
    spec = obj.get("spec") or {}
    yield from not_negative(spec, "replicas", "spec")
    yield from _selector(spec, "empty selector is invalid for deployment")
    yield from _endless_template(spec, "ReplicaSet")
    yield from _deployment_strategy(spec.get("strategy") or {}, "spec.strategy")
    yield from none_negative(spec, _DEPLOYMENT_NUMBERS[1:], "spec")
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds", 0)
    if deadline is not None and deadline <= ready:
        detail = "must be greater than minReadySeconds"
        yield Cause.invalid("spec.progressDeadlineSeconds", deadline, detail)


def _deployment_strategy(strategy: Tree, path: str) -> Causes:
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate":
        if rolling is not None:
            detail = "may not be specified when strategy `type` is 'Recreate'"
            yield Cause.forbidden(f"{path}.rollingUpdate", detail)
        return
    yield from one_of(strategy, "type", path, ("Recreate", "RollingUpdate"))
    if rolling is None:
        return
    here = f"{path}.rollingUpdate"
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    yield from count_or_percent(unavailable, f"{here}.maxUnavailable")
    yield from count_or_percent(surge, f"{here}.maxSurge")
    if _numeric(unavailable) == 0 and _numeric(surge) == 0:
        detail = "may not be 0 when `maxSurge` is 0"
        yield Cause.invalid(f"{here}.maxUnavailable", unavailable, detail)
    yield from no_more_than_all(unavailable, f"{here}.maxUnavailable")


def same_selector(new: Tree, old: Tree) -> Causes:
    """Check that a selector, once chosen, stays."""
    after, before = new.get("spec") or {}, old.get("spec") or {}
    yield from unchanged(after.get("selector"), before.get("selector"), "spec.selector")


def replica_set(obj: Tree) -> Causes:
    """Apply ``ValidateReplicaSet``; upstream's message speaks of a deployment, so this one does."""
    spec = obj.get("spec") or {}
    yield from none_negative(spec, ("replicas", "minReadySeconds"), "spec")
    yield from _selector(spec, "empty selector is invalid for deployment")
    yield from _endless_template(spec, "ReplicaSet")


def replication_controller(obj: Tree) -> Causes:
    """Apply ``ValidateReplicationController``: its selector is a plain map."""
    spec = obj.get("spec") or {}
    yield from none_negative(spec, ("replicas", "minReadySeconds"), "spec")
    selector = spec.get("selector") or {}
    if not selector:
        yield Cause.required("spec.selector")
    found = template_labels(spec.get("template"))
    if selector and any(found.get(key) != value for key, value in selector.items()):
        yield Cause.invalid("spec.template.metadata.labels", found, UNMATCHED)
    yield from labels(selector, "spec.selector")
    yield from _endless_template({"template": spec.get("template")}, "ReplicationController")


def daemon_set(obj: Tree) -> Causes:
    """Apply ``ValidateDaemonSet``: a rolling update is unavailable or surges, one of the two."""
    spec = obj.get("spec") or {}
    yield from _selector(spec, "empty selector is invalid for daemonset")
    yield from _endless_template(spec, "DaemonSet")
    yield from none_negative(spec, ("minReadySeconds", "revisionHistoryLimit"), "spec")
    strategy = spec.get("updateStrategy") or {}
    yield from one_of(strategy, "type", "spec.updateStrategy", ("RollingUpdate", "OnDelete"))
    if strategy.get("type") == "RollingUpdate":
        rolling = strategy.get("rollingUpdate")
        here = "spec.updateStrategy.rollingUpdate"
        if rolling is None:
            yield Cause.required(here)
        else:
            yield from _daemon_rolling(rolling, here)


def _daemon_rolling(rolling: Tree, path: str) -> Causes:
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    yield from count_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from no_more_than_all(unavailable, f"{path}.maxUnavailable")
    yield from count_or_percent(surge, f"{path}.maxSurge")
    yield from no_more_than_all(surge, f"{path}.maxSurge")
    has_unavailable, has_surge = _numeric(unavailable) != 0, _numeric(surge) != 0
    if has_unavailable and has_surge:
        detail = "may not be set when maxUnavailable is non-zero"
        yield Cause.invalid(f"{path}.maxSurge", surge, detail)
    elif not has_unavailable and not has_surge:
        yield Cause.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def stateful_set(obj: Tree) -> Causes:
    """Apply ``ValidateStatefulSet``: mounts may name claim templates as if they were volumes."""
    spec = obj.get("spec") or {}
    policies = ("OrderedReady", "Parallel")
    policy = spec.get("podManagementPolicy")
    if not policy:
        yield Cause.required("spec.podManagementPolicy")
    elif policy not in policies:
        detail = "must be 'OrderedReady' or 'Parallel'"
        yield Cause.invalid("spec.podManagementPolicy", policy, detail)
    yield from _stateful_strategy(spec.get("updateStrategy") or {})
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for key in ("whenDeleted", "whenScaled"):
        here = "spec.persistentVolumeClaimRetentionPolicy"
        yield from one_of(retention, key, here, ("Retain", "Delete"))
    yield from none_negative(spec, ("replicas", "minReadySeconds", "revisionHistoryLimit"), "spec")
    yield from not_negative(spec.get("ordinals") or {}, "start", "spec.ordinals")
    yield from _selector(spec, "empty selector is invalid for statefulset")
    claims = [
        {"name": (each.get("metadata") or {}).get("name", ""), "emptyDir": {}}
        for each in spec.get("volumeClaimTemplates") or ()
    ]
    yield from _endless_template(_with_claims(spec, claims), "StatefulSet")


def _with_claims(spec: Tree, claims: list[Tree]) -> Tree:
    # Mounts may name claim templates: these become volumes when a pod is made.
    found = spec.get("template")
    if not claims or not found:
        return spec
    inner = found.get("spec") or {}
    taken = {claim["name"] for claim in claims}
    kept = [each for each in inner.get("volumes") or () if each.get("name") not in taken]
    return {**spec, "template": {**found, "spec": {**inner, "volumes": [*kept, *claims]}}}


def _stateful_strategy(strategy: Tree) -> Causes:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    path = "spec.updateStrategy"
    if not kind:
        yield Cause.required(path)
    elif kind == "OnDelete":
        if rolling is not None:
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            yield Cause.invalid(f"{path}.rollingUpdate", rolling, detail)
    elif kind == "RollingUpdate":
        yield from not_negative(rolling or {}, "partition", f"{path}.rollingUpdate")
        if rolling and "maxUnavailable" in rolling:
            yield from count_or_percent(
                rolling["maxUnavailable"], f"{path}.rollingUpdate.maxUnavailable"
            )
    else:
        detail = "must be 'RollingUpdate' or 'OnDelete'"
        yield Cause.invalid(path, strategy, detail)


def stateful_set_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateStatefulSetUpdate``: what is not in the list must not change."""

    def fixed(obj: Tree) -> Tree:
        spec = obj.get("spec") or {}
        return {key: value for key, value in spec.items() if key not in _STATEFUL_MUTABLE}

    if fixed(new) != fixed(old):
        yield Cause.forbidden("spec", _STATEFUL_FORBIDDEN)


def controller_revision(obj: Tree) -> Causes:
    """Apply ``ValidateControllerRevisionCreate``: data, and a revision from 0 on."""
    if obj.get("data") is None:
        yield Cause.required("data", "data is mandatory")
    if obj.get("revision", 0) < 0:
        yield Cause.invalid("revision", obj["revision"], "must be greater than or equal to 0")


def controller_revision_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateControllerRevisionUpdate``: the data stays, it is history."""
    yield from unchanged(new.get("data"), old.get("data"), "data")


def scale(obj: Tree) -> Causes:
    """Check an autoscaling/v1 Scale."""
    yield from not_negative(obj.get("spec") or {}, "replicas", "spec")

"""What Kubernetes fills into the kinds that make pods: apps, batch, autoscaling.

The rules are those of ``pkg/apis/apps/v1``, ``batch/v1`` and ``autoscaling`` (defaults).
"""

from typing import Any

from kube_actors.api.copy_on_write import Tree, edited, edited_at, edited_each, filled, replaced
from kube_actors.api.defaults.pods import claim_spec, template

_INT32_MAX = 2147483647


def _with_template(spec: Tree) -> Tree:
    return edited(spec, "template", template)


def _rolling(strategy: Tree, rolling: dict[str, Any]) -> Tree:
    strategy = filled(strategy, {"type": "RollingUpdate"})
    if strategy["type"] != "RollingUpdate":
        return strategy
    return replaced(strategy, "rollingUpdate", filled(strategy.get("rollingUpdate") or {}, rolling))


def _deployment_spec(spec: Tree) -> Tree:
    spec = filled(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
    strategy = _rolling(spec.get("strategy") or {}, rolling)
    return _with_template(replaced(spec, "strategy", strategy))


def deployment(tree: Tree) -> Tree:
    """Fill a Deployment: one replica, rolling by a quarter, ten minutes to progress."""
    return edited(tree, "spec", _deployment_spec)


def replica_set(tree: Tree) -> Tree:
    """Fill a ReplicaSet: one replica."""
    return edited(tree, "spec", lambda spec: _with_template(filled(spec, {"replicas": 1})))


def _daemon_set_spec(spec: Tree) -> Tree:
    spec = filled(spec, {"revisionHistoryLimit": 10})
    rolling = {"maxUnavailable": 1, "maxSurge": 0}
    strategy = _rolling(spec.get("updateStrategy") or {}, rolling)
    return _with_template(replaced(spec, "updateStrategy", strategy))


def daemon_set(tree: Tree) -> Tree:
    """Fill a DaemonSet: rolling, one node's pod at a time."""
    return edited(tree, "spec", _daemon_set_spec)


def _claim_template(tree: Tree) -> Tree:
    tree = filled(tree, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
    tree = edited(tree, "spec", claim_spec)
    return replaced(tree, "status", filled(tree.get("status") or {}, {"phase": "Pending"}))


def _stateful_set_spec(spec: Tree) -> Tree:
    spec = filled(
        spec,
        {"podManagementPolicy": "OrderedReady", "replicas": 1, "revisionHistoryLimit": 10},
    )
    strategy = spec.get("updateStrategy") or {}
    if not strategy.get("type"):
        strategy = {"rollingUpdate": {}, **strategy, "type": "RollingUpdate"}
    if strategy["type"] == "RollingUpdate":
        strategy = edited(strategy, "rollingUpdate", lambda each: filled(each, {"partition": 0}))
    kept = filled(
        spec.get("persistentVolumeClaimRetentionPolicy") or {},
        {"whenDeleted": "Retain", "whenScaled": "Retain"},
    )
    spec = replaced(spec, "updateStrategy", strategy)
    spec = replaced(spec, "persistentVolumeClaimRetentionPolicy", kept)
    return _with_template(edited_each(spec, "volumeClaimTemplates", _claim_template))


def stateful_set(tree: Tree) -> Tree:
    """Fill a StatefulSet: in order, rolling, its claims kept."""
    return edited(tree, "spec", _stateful_set_spec)


def _labels_from_template(tree: Tree) -> Tree:
    found = (tree.get("spec") or {}).get("template") or {}
    labels = (found.get("metadata") or {}).get("labels")
    metadata = tree.get("metadata") or {}
    if not labels or metadata.get("labels"):
        return tree
    return {**tree, "metadata": {**metadata, "labels": labels}}


def replication_controller(tree: Tree) -> Tree:
    """Fill selector and labels from the template's labels."""
    tree = _labels_from_template(tree)

    def spec_of(spec: Tree) -> Tree:
        labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
        if labels and not spec.get("selector"):
            spec = {**spec, "selector": labels}
        return _with_template(filled(spec, {"replicas": 1}))

    return edited(tree, "spec", spec_of)


def _failure_rule(rule: Tree) -> Tree:
    return edited_each(rule, "onPodConditions", lambda each: filled(each, {"status": "True"}))


def _job_spec(spec: Tree) -> Tree:
    if "completions" not in spec and "parallelism" not in spec:
        spec = {**spec, "completions": 1, "parallelism": 1}
    limit = _INT32_MAX if "backoffLimitPerIndex" in spec else 6
    recreated = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    spec = filled(
        spec,
        {
            "parallelism": 1,
            "backoffLimit": limit,
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": recreated,
            "manualSelector": False,
        },
    )
    spec = edited(
        spec, "podFailurePolicy", lambda policy: edited_each(policy, "rules", _failure_rule)
    )
    return _with_template(spec)


def job(tree: Tree) -> Tree:
    """Fill a Job: one pod, six retries; with a limit per index, no limit on the whole."""
    return edited(_labels_from_template(tree), "spec", _job_spec)


def _cron_job_spec(spec: Tree) -> Tree:
    spec = filled(
        spec,
        {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        },
    )
    return edited_at(spec, ("jobTemplate", "spec"), _with_template)


def cron_job(tree: Tree) -> Tree:
    """Fill a CronJob: runs may overlap, three successes and one failure are kept."""
    return edited(tree, "spec", _cron_job_spec)


def pod_template(tree: Tree) -> Tree:
    """Fill the template of a PodTemplate."""
    return _with_template(tree)


_CPU_METRIC = {
    "type": "Resource",
    "resource": {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": 80},
    },
}
_SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


def _behavior(tree: Tree) -> Tree:
    tree = replaced(tree, "scaleUp", filled(tree.get("scaleUp") or {}, _SCALE_UP))
    return replaced(tree, "scaleDown", filled(tree.get("scaleDown") or {}, _SCALE_DOWN))


def _autoscaler_spec(spec: Tree) -> Tree:
    spec = filled(spec, {"minReplicas": 1})
    if not spec.get("metrics"):
        spec = {**spec, "metrics": [_CPU_METRIC]}
    return edited(spec, "behavior", _behavior)


def autoscaler(tree: Tree) -> Tree:
    """Fill an autoscaler of v2: 80% of cpu, and the rates where behavior is given."""
    return edited(tree, "spec", _autoscaler_spec)


def autoscaler_v1(tree: Tree) -> Tree:
    """Fill an autoscaler of v1: at least one replica."""
    return edited(tree, "spec", lambda spec: filled(spec, {"minReplicas": 1}))

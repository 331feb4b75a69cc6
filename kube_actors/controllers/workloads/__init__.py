"""Controllers of what makes pods: sets, Deployments, Jobs, CronJobs and their budgets."""

from kube_actors.controllers.workloads.cronjob import CRONJOB
from kube_actors.controllers.workloads.daemonset import DAEMONSET
from kube_actors.controllers.workloads.disruption import DISRUPTION
from kube_actors.controllers.workloads.job import JOB
from kube_actors.controllers.workloads.replicaset import REPLICASET
from kube_actors.controllers.workloads.statefulset import STATEFULSET

__all__ = ["CRONJOB", "DAEMONSET", "DISRUPTION", "JOB", "REPLICASET", "STATEFULSET"]

"""Which nodes could run a pod, and for each that could not, why, in kube-scheduler's words.

A filter looks at one node and returns a ``Misfit`` or None. ``prepare`` makes the part that is the
same for every node once per pod (affinity and spreading domains). Order and names follow the
default plugins of kube-scheduler (https://kubernetes.io/docs/reference/scheduling/config/).
"""

from collections.abc import Callable

import attrs

from kube_actors.api import UNSCHEDULABLE, Taint, repelled
from kube_actors.api.selectors import NAME_FIELD, Operator, allows
from kube_actors.scheduler.node import NodeState
from kube_actors.scheduler.pod import PodInfo
from kube_actors.scheduler.snapshot import Snapshot
from kube_actors.scheduler.topology import Topology, survey

UNSCHEDULABLE_TAINT = Taint(UNSCHEDULABLE, "", "NoSchedule")


@attrs.frozen
class Misfit:
    """Why one filter refuses one node; ``resolvable``: evicting pods there could help."""

    filter: str
    reasons: tuple[str, ...]
    resolvable: bool = False


@attrs.frozen
class Context:
    """What every filter is given beside the node; ``filters`` are those that can refuse any."""

    pod: PodInfo
    topology: Topology
    filters: tuple["Filter", ...]


Filter = Callable[[Context, NodeState], Misfit | None]


def prepare(pod: PodInfo, snapshot: Snapshot) -> Context:
    """Survey the cluster for one pod, and leave out the filters that cannot refuse it."""
    topology = survey(pod, snapshot)
    idle = (
        (node_name, not pod.node_name),
        (node_affinity, not pod.node_selector and pod.required_terms is None),
        (node_ports, not pod.host_ports),
        (pod_topology_spread, not topology.hard_spread),
        (inter_pod_affinity, not (pod.affinity or topology.avoided or topology.repelled)),
    )
    skipped = [check for check, unasked in idle if unasked]
    return Context(pod, topology, tuple(check for check in FILTERS if check not in skipped))


def node_unschedulable(context: Context, node: NodeState) -> Misfit | None:
    """Refuse a cordoned node, unless the pod tolerates the taint that cordoning means."""
    if not node.info.unschedulable:
        return None
    if not repelled(context.pod.tolerations, (UNSCHEDULABLE_TAINT,)):
        return None
    return Misfit("NodeUnschedulable", ("node(s) were unschedulable",))


def node_name(context: Context, node: NodeState) -> Misfit | None:
    """Refuse every node but the one that the pod's spec names, if it names one."""
    wanted = context.pod.node_name
    if not wanted or wanted == node.info.name:
        return None
    return Misfit("NodeName", ("node(s) didn't match the requested node name",))


def taint_toleration(context: Context, node: NodeState) -> Misfit | None:
    """Refuse a node with a NoSchedule or NoExecute taint that the pod does not tolerate."""
    if repelled(context.pod.tolerations, node.info.taints):
        return Misfit("TaintToleration", ("node(s) had untolerated taint(s)",))
    return None


def _named_nodes(pod: PodInfo) -> list[str] | None:
    """Return the only nodes that the pod's required terms name; None when they name none.

    kube-scheduler then does not look at other nodes, and words their refusal differently.
    """
    if not pod.required_terms:
        return None
    found: list[str] = []
    for term in pod.required_terms:
        names = [
            field.values
            for field in term.fields
            if field.key == NAME_FIELD and field.operator is Operator.IN
        ]
        if not names:
            return None
        found.extend(name for values in names for name in values)
    return found


def node_affinity(context: Context, node: NodeState) -> Misfit | None:
    """Refuse a node that the pod's node selector or required node affinity excludes."""
    pod, labels = context.pod, node.info.labels
    named = _named_nodes(pod)
    if named is not None and node.info.name not in named:
        return Misfit("NodeAffinity", ("node(s) didn't satisfy plugin(s) [NodeAffinity]",))
    if allows(pod.node_selector, pod.required_terms, labels, node.info.name):
        return None
    return Misfit("NodeAffinity", ("node(s) didn't match Pod's node affinity/selector",))


def node_ports(context: Context, node: NodeState) -> Misfit | None:
    """Refuse a node where a pod has a host port that this one wants; 0.0.0.0 is every address."""
    for wanted_ip, protocol, port in context.pod.host_ports:
        for taken_ip, taken_protocol, taken_port in node.ports:
            if (protocol, port) != (taken_protocol, taken_port):
                continue
            if wanted_ip == taken_ip or "0.0.0.0" in (wanted_ip, taken_ip):
                return Misfit(
                    "NodePorts",
                    ("node(s) didn't have free ports for the requested pod ports",),
                    resolvable=True,
                )
    return None


def node_resources_fit(context: Context, node: NodeState) -> Misfit | None:
    """Refuse a node without room for one more pod and for all that this one requests.

    Every resource that is short is named. Evictions could help unless a request alone is greater
    than the whole node.
    """
    allocatable, requested = node.info.allocatable, node.requested
    short = []
    if len(node.pods) + 1 > allocatable.get("pods", 0):
        short.append("Too many pods")
    for name, value in context.pod.requests.items():
        if value and value > allocatable.get(name, 0) - requested.get(name, 0):
            short.append(f"Insufficient {name}")
    if not short:
        return None
    # A request greater than the whole node stays refused whoever leaves.
    hopeless = any(v > allocatable.get(n, 0) for n, v in context.pod.requests.items())
    return Misfit("NodeResourcesFit", tuple(short), resolvable=not hopeless)


def pod_topology_spread(context: Context, node: NodeState) -> Misfit | None:
    """Refuse a node that lacks a hard constraint's label or would skew beyond ``max_skew``."""
    for constraint, domains in context.topology.hard_spread:
        domain = node.info.labels.get(constraint.topology_key)
        if domain is None:
            return Misfit(
                "PodTopologySpread",
                ("node(s) didn't match pod topology spread constraints (missing required label)",),
            )
        own = constraint.selector is not None and constraint.selector.matches(context.pod.labels)
        if domains.skew(domain, constraint, counted=own) > constraint.max_skew:
            return Misfit(
                "PodTopologySpread",
                ("node(s) didn't match pod topology spread constraints",),
                resolvable=True,
            )
    return None


def inter_pod_affinity(context: Context, node: NodeState) -> Misfit | None:
    """Refuse a node whose domains lack pods that are required, or hold pods that repel.

    The pod's own affinity is asked first, then its anti-affinity, then that of pods already placed.
    """
    pod, topology, labels = context.pod, context.topology, node.info.labels
    for term in pod.affinity:
        value = labels.get(term.topology_key)
        near = value is not None and topology.attracted.get((term.topology_key, value), 0) > 0
        if not near and not (value is not None and topology.alone):
            return Misfit("InterPodAffinity", ("node(s) didn't match pod affinity rules",))
    for refused, reason in (
        (topology.avoided, "node(s) didn't match pod anti-affinity rules"),
        (topology.repelled, "node(s) didn't satisfy existing pods anti-affinity rules"),
    ):
        if any(labels.get(key) == value for key, value in refused):
            return Misfit("InterPodAffinity", (reason,), resolvable=True)
    return None


FILTERS: tuple[Filter, ...] = (
    node_unschedulable,
    node_name,
    taint_toleration,
    node_affinity,
    node_ports,
    node_resources_fit,
    pod_topology_spread,
    inter_pod_affinity,
)


def filter_node(context: Context, node: NodeState) -> Misfit | None:
    """Return the first filter's refusal of this node, or None when the pod fits."""
    for check in context.filters:
        misfit = check(context, node)
        if misfit is not None:
            return misfit
    return None

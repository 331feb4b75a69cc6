"""Which node a pod gets, and what is said when it gets none."""

from random import Random
from typing import Any

import pytest

from kube_actors.scheduler import Placement, Snapshot, Unschedulable, project_node, project_pod
from kube_actors.scheduler.cycle import feasible_nodes_wanted, schedule
from kube_actors.scheduler.preemption import NoPreemption, Preemption, preempt


def node(name: str, *, cpu: str = "4", memory: str = "8Gi", pods: str = "110", **spec: Any) -> Any:
    labels = spec.pop("labels", {})
    return project_node(
        {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
            "spec": spec,
            "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}},
        }
    )


def pod(name: str, *, cpu: str = "", on: str = "", labels: Any = None, **spec: Any) -> Any:
    container: dict[str, Any] = {"name": "c", "image": "i"}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    container["ports"] = spec.pop("ports", [])
    return project_pod(
        {
            "metadata": {
                "name": name,
                "namespace": "default",
                "uid": f"uid-{name}",
                "labels": labels or {},
            },
            "spec": {"containers": [container], "nodeName": on, **spec},
        }
    )


def cluster(*nodes: Any, pods: tuple[Any, ...] = ()) -> Snapshot:
    snapshot = Snapshot()
    for each in nodes:
        snapshot.set_node(each)
    for each in pods:
        snapshot.set_pod(each)
    return snapshot


def decide(wanted: Any, snapshot: Snapshot) -> Placement | Unschedulable:
    return schedule(wanted, snapshot, start=0, random=Random(1))


def placed_on(wanted: Any, snapshot: Snapshot) -> str:
    decision = decide(wanted, snapshot)
    assert isinstance(decision, Placement), decision
    return decision.node_name


def refusal(wanted: Any, snapshot: Snapshot) -> str:
    decision = decide(wanted, snapshot)
    assert isinstance(decision, Unschedulable), decision
    return decision.message


TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def test_without_nodes_the_message_says_so() -> None:
    assert refusal(pod("a"), cluster()) == "no nodes available to schedule pods"


def test_the_message_counts_nodes_per_reason() -> None:
    snapshot = cluster(
        node("n1", cpu="1"),
        node("n2", cpu="1"),
        node("n3", taints=[TAINT]),
    )
    assert refusal(pod("a", cpu="2"), snapshot) == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu."
    )


@pytest.mark.parametrize(
    ("wanted", "bad", "reason"),
    [
        (pod("a", cpu="5"), node("n"), "1 Insufficient cpu"),
        (pod("a"), node("n", pods="0"), "1 Too many pods"),
        (pod("a"), node("n", unschedulable=True), "1 node(s) were unschedulable"),
        (pod("a", on="m"), node("n"), "1 node(s) didn't match the requested node name"),
        (
            pod("a", nodeSelector={"disk": "ssd"}),
            node("n"),
            "1 node(s) didn't match Pod's node affinity/selector",
        ),
    ],
)
def test_each_filter_says_why_it_refuses(wanted: Any, bad: Any, reason: str) -> None:
    assert refusal(wanted, cluster(bad)) == f"0/1 nodes are available: {reason}."


def test_a_toleration_admits_its_taint_and_no_other() -> None:
    tolerated = [{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}]
    assert placed_on(pod("a", tolerations=tolerated), cluster(node("n", taints=[TAINT]))) == "n"
    wrong = [{"key": "gpu", "operator": "Equal", "value": "no"}]
    assert "untolerated taint" in refusal(
        pod("a", tolerations=wrong), cluster(node("n", taints=[TAINT]))
    )
    assert placed_on(
        pod("a", tolerations=[{"operator": "Exists"}]), cluster(node("n", unschedulable=True))
    )


@pytest.mark.parametrize(
    ("operator", "values", "fits"),
    [
        ("In", ["a", "b"], True),
        ("NotIn", ["a"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Gt", ["1"], False),
    ],
)
def test_required_node_affinity_follows_its_operator(
    operator: str, values: list[str], fits: bool
) -> None:
    term = {"matchExpressions": [{"key": "zone", "operator": operator, "values": values}]}
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}
        }
    }
    decision = decide(pod("a", affinity=affinity), cluster(node("n", labels={"zone": "a"})))
    assert isinstance(decision, Placement) is fits


def test_a_host_port_is_taken_once_per_node() -> None:
    port = [{"containerPort": 80, "hostPort": 80}]
    snapshot = cluster(node("n1"), node("n2"), pods=(pod("a", on="n1", ports=port),))
    assert placed_on(pod("b", ports=port), snapshot) == "n2"
    snapshot.set_pod(pod("b", on="n2", ports=port))
    assert "didn't have free ports" in refusal(pod("c", ports=port), snapshot)


def test_room_that_was_assumed_is_not_given_twice() -> None:
    snapshot = cluster(node("n", cpu="1"))
    first = pod("a", cpu="700m")
    snapshot.assume(first, placed_on(first, snapshot))
    assert "Insufficient cpu" in refusal(pod("b", cpu="700m"), snapshot)
    snapshot.forget(first.uid)
    assert placed_on(pod("b", cpu="700m"), snapshot) == "n"


def test_a_confirmed_pod_is_not_forgotten_with_its_assumption() -> None:
    snapshot = cluster(node("n", cpu="1"))
    snapshot.assume(pod("a", cpu="700m"), "n")
    snapshot.set_pod(pod("a", cpu="700m", on="n"))
    snapshot.forget("uid-a")
    assert "Insufficient cpu" in refusal(pod("b", cpu="700m"), snapshot)


def test_pods_heard_of_before_their_node_count_once_it_appears() -> None:
    snapshot = Snapshot()
    snapshot.set_pod(pod("a", cpu="700m", on="n"))
    snapshot.set_node(node("n", cpu="1"))
    assert "Insufficient cpu" in refusal(pod("b", cpu="700m"), snapshot)


def test_the_emptier_node_is_preferred() -> None:
    snapshot = cluster(node("n1"), node("n2"), pods=(pod("a", cpu="2", on="n1"),))
    assert placed_on(pod("b", cpu="1"), snapshot) == "n2"


def test_replicas_of_one_kind_spread_over_nodes() -> None:
    snapshot = cluster(node("n1"), node("n2"), node("n3"))
    for number in range(6):
        replica = pod(f"p{number}", labels={"app": "web"})
        snapshot.assume(replica, placed_on(replica, snapshot))
    assert [len(state.pods) for state in snapshot.nodes.values()] == [2, 2, 2]


def spread(skew: int, when: str = "DoNotSchedule") -> list[Any]:
    return [
        {
            "maxSkew": skew,
            "topologyKey": "zone",
            "whenUnsatisfiable": when,
            "labelSelector": {"matchLabels": {"app": "web"}},
        }
    ]


def test_a_hard_spread_constraint_refuses_too_great_a_skew() -> None:
    web = {"app": "web"}
    snapshot = cluster(
        node("n1", labels={"zone": "a"}),
        node("n2", labels={"zone": "b"}, unschedulable=True),
        pods=(pod("p1", on="n1", labels=web),),
    )
    wanted = pod("p2", labels=web, topologySpreadConstraints=spread(1))
    assert "topology spread constraints" in refusal(wanted, snapshot)
    lenient = pod("p2", labels=web, topologySpreadConstraints=spread(1, "ScheduleAnyway"))
    assert placed_on(lenient, snapshot) == "n1"


def test_anti_affinity_holds_in_both_directions() -> None:
    term = {
        "labelSelector": {"matchLabels": {"app": "web"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    hater = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    web = {"app": "web"}
    first = pod("a", labels=web, affinity=hater, on="n1")
    assert placed_on(pod("b", labels=web), cluster(node("n1"), node("n2"), pods=(first,))) == "n2"
    quiet = pod("a", labels=web, on="n1")
    wanted = pod("b", labels=web, affinity=hater)
    assert placed_on(wanted, cluster(node("n1"), node("n2"), pods=(quiet,))) == "n2"
    assert "anti-affinity" in refusal(wanted, cluster(node("n1"), pods=(quiet,)))


def test_the_first_pod_of_a_group_that_wants_its_own_kind_may_start_anywhere() -> None:
    term = {
        "labelSelector": {"matchLabels": {"app": "web"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    friend = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    snapshot = cluster(node("n1"), node("n2"))
    first = pod("a", labels={"app": "web"}, affinity=friend)
    where = placed_on(first, snapshot)
    snapshot.assume(first, where)
    assert placed_on(pod("b", labels={"app": "web"}, affinity=friend), snapshot) == where
    assert "pod affinity rules" in refusal(pod("c", affinity=friend), cluster(node("n1")))


def test_init_containers_count_by_their_peak() -> None:
    spec = {
        "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}],
        "initContainers": [
            {"name": "i", "resources": {"requests": {"cpu": "3"}}},
            {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "500m"}}},
        ],
    }
    projected = project_pod({"metadata": {"name": "a", "namespace": "d"}, "spec": spec})
    assert projected.requests["cpu"] == 3000


@pytest.mark.parametrize(
    ("nodes", "wanted"), [(3, 3), (100, 100), (250, 120), (1000, 420), (5000, 500), (20000, 1000)]
)
def test_large_clusters_score_a_share_of_their_nodes(nodes: int, wanted: int) -> None:
    assert feasible_nodes_wanted(nodes) == wanted


def test_preemption_takes_the_least_important_and_as_few_as_possible() -> None:
    low1 = pod("low1", cpu="2", on="n1", priority=1)
    low2 = pod("low2", cpu="2", on="n1", priority=5)
    mid = pod("mid", cpu="4", on="n2", priority=50)
    snapshot = cluster(node("n1"), node("n2"), pods=(low1, low2, mid))
    wanted = pod("vip", cpu="2", priority=100)
    decision = decide(wanted, snapshot)
    assert isinstance(decision, Unschedulable)
    plan = preempt(wanted, snapshot, decision.misfits)
    assert isinstance(plan, Preemption)
    assert (plan.node_name, [v.name for v in plan.victims]) == ("n1", ["low1"])


def test_equals_are_never_preempted() -> None:
    snapshot = cluster(node("n1"), pods=(pod("a", cpu="4", on="n1", priority=7),))
    wanted = pod("b", cpu="4", priority=7)
    decision = decide(wanted, snapshot)
    assert isinstance(decision, Unschedulable)
    refused = preempt(wanted, snapshot, decision.misfits)
    assert refused == NoPreemption(
        "0/1 nodes are available: 1 No preemption victims found for incoming pod."
    )

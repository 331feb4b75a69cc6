"""Details in which schedulers differ: what kube-scheduler does is what is expected here."""

from typing import Any

from attrs import evolve

from kube_actors.scheduler import Unschedulable, project_node
from kube_actors.scheduler.preemption import NoPreemption, Preemption, preempt
from tests.scheduler.test_cycle import cluster, decide, node, placed_on, pod, refusal

WEB = {"app": "web"}
ZONE = "topology.kubernetes.io/zone"


def constraint(key: str = "zone", skew: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": WEB},
        **more,
    }


def zoned(name: str, zone: str, **spec: Any) -> Any:
    return node(name, labels={"zone": zone} if zone else {}, **spec)


def spreading(name: str, *constraints: dict[str, Any], **spec: Any) -> Any:
    return pod(name, labels=WEB, topologySpreadConstraints=list(constraints), **spec)


def test_a_node_without_the_label_takes_no_spread_pod() -> None:
    message = refusal(spreading("p", constraint()), cluster(zoned("n", "")))
    assert message == (
        "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints "
        "(missing required label)."
    )


def test_min_domains_counts_missing_domains_as_empty() -> None:
    snapshot = cluster(zoned("n1", "a"), pods=(pod("p1", on="n1", labels=WEB),))
    assert placed_on(spreading("p2", constraint()), snapshot) == "n1"
    assert "spread" in refusal(spreading("p2", constraint(minDomains=2)), snapshot)


def test_pods_on_their_way_out_do_not_count_for_spreading_but_still_take_room() -> None:

    leaving = evolve(pod("p1", on="n1", labels=WEB, cpu="3"), deleting=True)
    snapshot = cluster(zoned("n1", "a"), zoned("n2", "b", cpu="1"), pods=(leaving,))
    assert placed_on(spreading("p2", constraint(), cpu="1"), snapshot) in ("n1", "n2")
    assert "Insufficient cpu" in refusal(pod("p3", cpu="2"), snapshot)


def test_tainted_domains_count_unless_the_constraint_honours_taints() -> None:
    taint = {"key": "t", "value": "", "effect": "NoSchedule"}
    snapshot = cluster(
        zoned("n1", "a"), zoned("n2", "b", taints=[taint]), pods=(pod("p1", on="n1", labels=WEB),)
    )
    assert "spread" in refusal(spreading("p2", constraint()), snapshot)
    assert placed_on(spreading("p2", constraint(nodeTaintsPolicy="Honor")), snapshot) == "n1"


def test_domains_that_the_pod_may_not_enter_count_only_when_affinity_is_ignored() -> None:
    snapshot = cluster(
        node("n1", labels={"zone": "a", "disk": "ssd"}),
        zoned("n2", "b"),
        pods=(pod("p1", on="n1", labels=WEB),),
    )
    wanted = {"nodeSelector": {"disk": "ssd"}}
    assert placed_on(spreading("p2", constraint(), **wanted), snapshot) == "n1"
    ignoring = constraint(nodeAffinityPolicy="Ignore")
    assert "spread" in refusal(spreading("p2", ignoring, **wanted), snapshot)


def test_match_label_keys_spread_each_version_alone() -> None:
    old = {**WEB, "pod-template-hash": "old"}
    new = {**WEB, "pod-template-hash": "new"}
    snapshot = cluster(
        zoned("n1", "a"),
        zoned("n2", "b", unschedulable=True),
        pods=(pod("p", on="n1", labels=old),),
    )
    keyed = [constraint(matchLabelKeys=["pod-template-hash"])]
    assert placed_on(pod("q", labels=new, topologySpreadConstraints=keyed), snapshot) == "n1"
    assert "spread" in refusal(pod("q", labels=old, topologySpreadConstraints=keyed), snapshot)


def test_without_constraints_pods_of_one_owner_spread_over_zones_and_nodes() -> None:

    snapshot = cluster(*[node(f"n{n}", labels={ZONE: "ab"[n % 2]}) for n in range(4)])
    for number in range(4):
        replica = evolve(pod(f"p{number}", labels={"n": str(number)}), owner="rs")
        snapshot.assume(replica, placed_on(replica, snapshot))
    assert [len(state.pods) for state in snapshot.nodes.values()] == [1, 1, 1, 1]


def test_a_friend_must_match_all_terms_at_once() -> None:
    terms = [
        {"labelSelector": {"matchLabels": {key: "x"}}, "topologyKey": "kubernetes.io/hostname"}
        for key in ("one", "two")
    ]
    both = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    halves = (pod("a", on="n1", labels={"one": "x"}), pod("b", on="n1", labels={"two": "x"}))
    snapshot = cluster(node("n1"), pods=halves)
    assert "didn't match pod affinity rules" in refusal(pod("c", affinity=both), snapshot)
    snapshot.set_pod(pod("d", on="n1", labels={"one": "x", "two": "x"}))
    assert placed_on(pod("c", affinity=both), snapshot) == "n1"


def test_pods_already_placed_may_prefer_company() -> None:
    term = {"labelSelector": {"matchLabels": WEB}, "topologyKey": "kubernetes.io/hostname"}
    soft = {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": term}
        ]
    }
    snapshot = cluster(
        node("n1"), node("n2"), pods=(pod("a", on="n1", affinity={"podAffinity": soft}),)
    )
    assert placed_on(pod("b", labels=WEB), snapshot) == "n1"
    shy = cluster(
        node("n1"), node("n2"), pods=(pod("a", on="n1", affinity={"podAntiAffinity": soft}),)
    )
    assert placed_on(pod("b", labels=WEB), shy) == "n2"


def test_extended_resources_are_counted_in_whole_units() -> None:
    gpu = project_node(
        {
            "metadata": {"name": "n1"},
            "status": {"allocatable": {"cpu": "4", "pods": "10", "example.com/gpu": "2"}},
        }
    )

    def wanting(name: str, on: str = "") -> Any:

        return evolve(pod(name, on=on), requests={"example.com/gpu": 1})

    snapshot = cluster(gpu, pods=(wanting("a", "n1"),))
    assert placed_on(wanting("b"), snapshot) == "n1"
    snapshot.set_pod(wanting("b", "n1"))
    assert refusal(wanting("c"), snapshot) == (
        "0/1 nodes are available: 1 Insufficient example.com/gpu."
    )


def test_a_node_that_says_nothing_of_what_it_offers_takes_nothing() -> None:
    silent = project_node({"metadata": {"name": "n1"}})
    assert refusal(pod("a"), cluster(silent)) == "0/1 nodes are available: 1 Too many pods."


def test_a_daemons_pod_is_refused_by_other_nodes_in_their_own_words() -> None:
    field = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    snapshot = cluster(node("n1", cpu="1"), node("n2"))
    assert refusal(pod("a", cpu="2", affinity=affinity), snapshot) == (
        "0/2 nodes are available: 1 Insufficient cpu, "
        "1 node(s) didn't satisfy plugin(s) [NodeAffinity]."
    )


def why_not(wanted: Any, snapshot: Any) -> Preemption | NoPreemption:
    decision = decide(wanted, snapshot)
    assert isinstance(decision, Unschedulable)
    return preempt(wanted, snapshot, decision.misfits)


def test_preemption_says_per_node_why_it_is_no_help() -> None:
    snapshot = cluster(
        node("n1", cpu="1"),
        node("n2", unschedulable=True),
        node("n3", cpu="4"),
        node("n4", cpu="4"),
        pods=(
            pod("equal", cpu="4", on="n3", priority=5),
            pod("pinned", cpu="4", on="n4", priority=5),
            pod("small", on="n4", priority=1),
        ),
    )
    assert why_not(pod("a", cpu="3", priority=5), snapshot) == NoPreemption(
        "0/4 nodes are available: 1 Insufficient cpu, "
        "1 No preemption victims found for incoming pod, "
        "2 Preemption is not helpful for scheduling."
    )


def test_even_a_pod_of_priority_zero_preempts_those_below() -> None:
    snapshot = cluster(node("n1", cpu="1"), pods=(pod("low", cpu="1", on="n1", priority=-5),))
    found = why_not(pod("a", cpu="1"), snapshot)
    assert isinstance(found, Preemption)
    assert [v.name for v in found.victims] == ["low"]


def test_room_made_by_preemption_is_kept_from_lesser_pods_but_not_from_greater() -> None:
    snapshot = cluster(node("n1", cpu="2"))
    snapshot.nominate(pod("urgent", cpu="2", priority=10), "n1")
    assert "Insufficient cpu" in refusal(pod("less", cpu="1", priority=9), snapshot)
    assert placed_on(pod("more", cpu="1", priority=11), snapshot) == "n1"
    assert placed_on(pod("urgent", cpu="2", priority=10), snapshot) == "n1"
    snapshot.nominate(pod("urgent", priority=10), "")
    assert placed_on(pod("less", cpu="1", priority=9), snapshot) == "n1"


def test_an_anti_affine_victim_counts_as_gone_when_its_leaving_is_imagined() -> None:
    term = {"labelSelector": {"matchLabels": WEB}, "topologyKey": "kubernetes.io/hostname"}
    hater = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    snapshot = cluster(node("n1"), pods=(pod("low", on="n1", priority=1, affinity=hater),))
    found = why_not(pod("a", labels=WEB, priority=10), snapshot)
    assert isinstance(found, Preemption)
    assert [v.name for v in found.victims] == ["low"]

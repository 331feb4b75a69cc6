"""Two clusters never use the same addresses, and a plan says when it is used up."""

import ipaddress

import pytest

from kube_actors.cluster import claim_block
from kube_actors.cluster.address_plan import SIMULATED_PLAN, real_plan


def test_two_claims_hold_different_blocks_and_a_closed_one_is_free_again() -> None:
    first = claim_block(7)
    second = claim_block(7)
    try:
        assert first.plan != second.plan
        held = first.plan
        first.close()
        third = claim_block(7)
        assert third.plan == held
        third.close()
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize("plan", [SIMULATED_PLAN, real_plan(40)])
def test_services_nodes_and_pods_never_overlap(plan: object) -> None:
    assert isinstance(plan, type(SIMULATED_PLAN))
    networks = [ipaddress.ip_network(plan.services), ipaddress.ip_network(plan.nodes)]
    networks += [ipaddress.ip_network(plan.pod_cidr(number)) for number in (1, 2, 400)]
    for position, one in enumerate(networks):
        assert not any(one.overlaps(other) for other in networks[position + 1 :])
    assert ipaddress.ip_address(plan.node_address(400)) in networks[1]


def test_a_node_beyond_the_plan_is_refused() -> None:
    assert real_plan(40).pod_cidr(448) == "127.40.255.128/25"
    with pytest.raises(ValueError, match="node 449"):
        real_plan(40).pod_cidr(449)

"""From Services and EndpointSlices to routes, and from routes to backends."""

from random import Random
from typing import Any

import pytest

from kube_actors.proxy import (
    AddressesExhausted,
    Balancer,
    Frontend,
    PodAddresses,
    Route,
    make_routes,
    project_service,
    project_slice,
)


def service(**spec: Any) -> Any:
    spec.setdefault("clusterIP", "127.20.0.5")
    spec.setdefault("ports", [{"name": "http", "port": 80, "protocol": "TCP"}])
    return project_service({"metadata": {"namespace": "d", "name": "web"}, "spec": spec})


def endpoint(address: str, node: str = "n1", **conditions: bool) -> Any:
    return {"addresses": [address], "nodeName": node, "conditions": conditions}


def slices(*endpoints: Any, port: int = 8080) -> Any:
    return {
        ("d", "web"): [
            project_slice(
                {
                    "metadata": {
                        "namespace": "d",
                        "name": "web-x",
                        "labels": {"kubernetes.io/service-name": "web"},
                    },
                    "ports": [{"name": "http", "protocol": "TCP", "port": port}],
                    "endpoints": list(endpoints),
                }
            )
        ]
    }


def backends(found: dict[Frontend, Route]) -> tuple[tuple[str, int], ...]:
    (route,) = found.values()
    return route.backends


def routes(svc: Any, of: Any, node_address: str = "") -> dict[Frontend, Route]:
    return make_routes([svc], of, node="n1", node_address=node_address)


def test_only_ready_endpoints_take_traffic() -> None:
    found = routes(service(), slices(endpoint("a", ready=True), endpoint("b", ready=False)))
    assert found == {
        Frontend("127.20.0.5", 80, "TCP"): Route("d/web", "http", (("a", 8080),)),
    }


def test_terminating_endpoints_serve_only_when_none_is_ready() -> None:
    leaving = endpoint("b", ready=False, serving=True, terminating=True)
    assert backends(routes(service(), slices(leaving))) == (("b", 8080),)
    assert backends(routes(service(), slices(leaving, endpoint("a")))) == (("a", 8080),)


def test_a_local_policy_keeps_to_this_node() -> None:
    of = slices(endpoint("a", "n1"), endpoint("b", "n2"))
    assert backends(routes(service(internalTrafficPolicy="Local"), of)) == (("a", 8080),)


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName"}])
def test_headless_and_external_name_services_have_no_route(spec: Any) -> None:
    assert routes(service(**spec), slices(endpoint("a"))) == {}


def test_a_node_port_opens_on_the_nodes_address() -> None:
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}]
    found = routes(service(ports=ports), slices(endpoint("a")), "127.20.16.1")
    assert Frontend("127.20.16.1", 30080, "TCP") in found
    assert len(found) == 2


def test_a_service_without_endpoints_still_has_its_frontend() -> None:
    assert backends(routes(service(), {})) == ()


def test_connections_go_round_all_backends() -> None:
    route = Route("d/web", "", (("a", 1), ("b", 1), ("c", 1)))
    balancer = Balancer(Random(3))
    firsts = [balancer.order(route, "x", 0.0)[0] for _ in range(9)]
    assert {name: firsts.count((name, 1)) for name in "abc"} == {"a": 3, "b": 3, "c": 3}
    assert sorted(balancer.order(route, "x", 0.0)) == sorted(route.backends)


def test_a_sticky_client_keeps_its_backend_until_it_is_idle_too_long() -> None:
    route = Route("d/web", "", (("a", 1), ("b", 1), ("c", 1)), affinity_s=10.0)
    balancer = Balancer(Random(3))
    chosen = balancer.order(route, "x", 0.0)[0]
    balancer.used(route, "x", chosen, 0.0)
    assert all(balancer.order(route, "x", float(t))[0] == chosen for t in range(10))
    more = Route("d/web", "", (*route.backends, ("d", 1), ("e", 1), ("f", 1)), affinity_s=10.0)
    assert balancer.order(more, "x", 10.0)[0] == chosen
    fewer = Route("d/web", "", tuple(b for b in route.backends if b != chosen), affinity_s=10.0)
    assert balancer.order(fewer, "x", 10.0)[0] != chosen


def test_proxies_that_share_an_address_send_a_sticky_client_the_same_way() -> None:
    route = Route("d/web", "", (("a", 1), ("b", 1), ("c", 1)), affinity_s=10.0)
    clients = [f"127.0.0.{number}" for number in range(60)]
    tables = [
        [Balancer(Random(seed)).order(route, client, 0.0)[0] for client in clients]
        for seed in range(3)
    ]
    assert tables[0] == tables[1] == tables[2]
    assert all(tables[0].count(backend) > 10 for backend in route.backends)


def test_addresses_of_a_proxy_before_this_one_are_not_given_again_soon() -> None:
    addresses = PodAddresses("10.0.0.0/28")
    addresses.remember("old", "10.0.0.5")
    assert addresses.assign("new") == "10.0.0.6"
    assert addresses.assign("old") == "10.0.0.5"


def test_a_sticky_client_moves_when_its_backend_leaves() -> None:
    balancer = Balancer(Random(3))
    balancer.used(Route("s", "", (("a", 1),), 10.0), "x", ("a", 1), 0.0)
    assert balancer.order(Route("s", "", (("b", 1),), 10.0), "x", 1.0) == [("b", 1)]


def test_addresses_are_unique_and_idempotent_and_reused_last() -> None:
    addresses = PodAddresses("127.20.32.0/29")
    given = [addresses.assign(f"pod-{n}") for n in range(5)]
    assert given == [f"127.20.32.{n}" for n in range(2, 7)]
    assert addresses.assign("pod-0") == given[0]
    with pytest.raises(AddressesExhausted, match=r"127\.20\.32\.0/29"):
        addresses.assign("one-too-many")
    addresses.release("pod-3")
    assert addresses.assign("another") == given[3]


def test_a_restarted_proxy_does_not_give_a_living_pods_address_away() -> None:
    addresses = PodAddresses("127.20.32.0/29")
    addresses.remember("old", "127.20.32.2")
    addresses.remember("stranger", "10.0.0.1")
    assert addresses.assign("new") == "127.20.32.3"
    assert addresses.assign("old") == "127.20.32.2"

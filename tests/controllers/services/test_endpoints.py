"""Which pods stand behind a Service, as EndpointSlices and as Endpoints."""

import copy

from kube_actors.controllers.services import ENDPOINTS, ENDPOINTSLICE
from tests.controllers.objects import pod
from tests.controllers.world import World


def service(**spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "labels": {"team": "a"}},
        "spec": {
            "selector": {"app": "web"},
            "clusterIP": "10.96.0.1",
            "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
            **spec,
        },
    }


def backend(name, *, ip, ready=True, port=None, **meta):
    obj = pod(name, node="node-1", ready=ready, ip=ip, **meta)
    if port is not None:
        obj["spec"]["containers"][0]["ports"] = [{"name": "web", "containerPort": port}]
    return obj


def slices(world):
    return world.all("endpointslices")


def ready_addresses(world):
    return sorted(
        entry["addresses"][0]
        for one in slices(world)
        for entry in one["endpoints"]
        if entry["conditions"]["ready"]
    )


def settle(world):
    world.settle(ENDPOINTSLICE, ENDPOINTS)
    before = world.revision
    world.settle(ENDPOINTSLICE, ENDPOINTS)
    assert world.revision == before


def test_a_slice_tells_address_readiness_node_and_pod():
    world = World(service(), backend("a", ip="10.0.0.1"), backend("b", ip="10.0.0.2", ready=False))
    settle(world)
    (one,) = slices(world)
    meta = one["metadata"]
    assert meta["name"].startswith("web-")
    assert meta["labels"] == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert meta["ownerReferences"][0]["kind"] == "Service"
    assert one["addressType"] == "IPv4"
    assert one["ports"] == [{"name": "http", "protocol": "TCP", "port": 8080}]
    first, second = one["endpoints"]
    assert first["conditions"] == {"ready": True, "serving": True, "terminating": False}
    assert second["conditions"] == {"ready": False, "serving": False, "terminating": False}
    assert first["nodeName"] == "node-1"
    assert first["targetRef"]["name"] == "a"


def test_only_pods_that_match_have_an_address_and_have_not_finished_belong():
    finished = backend("done", ip="10.0.0.3")
    finished["status"]["phase"] = "Succeeded"
    other = backend("other", ip="10.0.0.4")
    other["metadata"]["labels"] = {"app": "other"}
    world = World(service(), finished, other, pod("unborn"), backend("a", ip="10.0.0.1"))
    settle(world)
    assert ready_addresses(world) == ["10.0.0.1"]
    assert world.get("endpoints", "web")["subsets"][0]["addresses"][0]["ip"] == "10.0.0.1"


def test_a_terminating_pod_still_serves_but_is_not_ready():
    world = World(service(), backend("a", ip="10.0.0.1"))
    settle(world)
    world.delete("Pod", "a")
    settle(world)
    (entry,) = slices(world)[0]["endpoints"]
    assert entry["conditions"] == {"ready": False, "serving": True, "terminating": True}
    assert world.get("endpoints", "web")["subsets"] == []


def test_publishing_not_ready_addresses_makes_every_pod_ready():
    world = World(service(publishNotReadyAddresses=True), backend("a", ip="10.0.0.1", ready=False))
    settle(world)
    assert ready_addresses(world) == ["10.0.0.1"]
    assert "notReadyAddresses" not in world.get("endpoints", "web")["subsets"][0]


def test_a_named_target_port_is_looked_up_in_each_pod():
    named = service(ports=[{"name": "http", "port": 80, "targetPort": "web"}])
    old, new = backend("a", ip="10.0.0.1", port=80), backend("b", ip="10.0.0.2", port=8080)
    world = World(named, old, new, backend("c", ip="10.0.0.3"))
    settle(world)
    found = {tuple(port["port"] for port in one["ports"]): one for one in slices(world)}
    assert sorted(found) == [(), (80,), (8080,)]
    ports = [subset.get("ports") for subset in world.get("endpoints", "web")["subsets"]]
    assert sorted(port[0]["port"] for port in ports if port) == [80, 8080]


def test_a_slice_holds_at_most_100_and_a_change_touches_only_one():
    pods = [backend(f"p{i:03}", ip=f"10.0.{i // 200}.{i % 200}") for i in range(150)]
    world = World(service(), *pods)
    settle(world)
    assert sorted(len(one["endpoints"]) for one in slices(world)) == [50, 100]
    before = {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in slices(world)}
    world.edit("Pod", "p149", {"status": {"conditions": []}})
    settle(world)
    after = {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in slices(world)}
    assert sum(before[name] != after[name] for name in before) == 1


def test_a_service_without_pods_keeps_one_empty_slice_that_the_next_pods_use():
    world = World(service())
    settle(world)
    (one,) = slices(world)
    assert (one["endpoints"], one["ports"]) == ([], [])
    assert world.get("endpoints", "web")["subsets"] == []
    world.create(backend("a", ip="10.0.0.1"))
    settle(world)
    assert ready_addresses(world) == ["10.0.0.1"]
    assert len(slices(world)) == 1
    world.delete("Pod", "a")
    world.finish()
    settle(world)
    assert [entry["endpoints"] for entry in slices(world)] == [[]]


def test_a_service_without_selector_or_with_an_external_name_is_left_alone():
    world = World(service(selector=None))
    settle(world)
    assert slices(world) == []
    world = World(service(type="ExternalName"))
    settle(world)
    assert slices(world) == []


def test_a_slice_someone_else_manages_is_not_touched():
    theirs = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "web-mine",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "endpoints": [],
    }
    world = World(service(), theirs, backend("a", ip="10.0.0.1"))
    before = copy.deepcopy(world.get("endpointslices", "web-mine"))
    settle(world)
    assert world.get("endpointslices", "web-mine") == before
    assert len(slices(world)) == 2


def test_a_headless_service_is_marked_and_its_pods_keep_their_hostnames():
    named = backend("a", ip="10.0.0.1")
    named["spec"] |= {"hostname": "a-0", "subdomain": "web"}
    world = World(service(clusterIP="None"), named)
    settle(world)
    (one,) = slices(world)
    assert one["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert one["endpoints"][0]["hostname"] == "a-0"
    assert world.get("endpoints", "web")["subsets"][0]["addresses"][0]["hostname"] == "a-0"


def test_endpoints_go_with_their_service_unless_someone_made_them_by_hand():
    by_hand = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "manual", "namespace": "default"},
        "subsets": [],
    }
    world = World(service(), by_hand)
    settle(world)
    world.delete("Service", "web")
    settle(world)
    assert [one["metadata"]["name"] for one in world.all("endpoints")] == ["manual"]


def test_unready_addresses_are_told_apart():
    world = World(service(), backend("a", ip="10.0.0.1"), backend("b", ip="10.0.0.2", ready=False))
    settle(world)
    (subset,) = world.get("endpoints", "web")["subsets"]
    assert [entry["ip"] for entry in subset["addresses"]] == ["10.0.0.1"]
    assert [entry["ip"] for entry in subset["notReadyAddresses"]] == ["10.0.0.2"]
    assert subset["ports"] == [{"name": "http", "protocol": "TCP", "port": 8080}]


def test_labels_of_the_service_are_carried_and_dropped_with_it():
    world = World(service(), backend("a", ip="10.0.0.1"))
    settle(world)
    world.edit("Service", "web", {"metadata": {"labels": {"team": None, "tier": "b"}}})
    settle(world)
    assert "team" not in slices(world)[0]["metadata"]["labels"]
    assert slices(world)[0]["metadata"]["labels"]["tier"] == "b"
    assert world.get("endpoints", "web")["metadata"]["labels"]["tier"] == "b"

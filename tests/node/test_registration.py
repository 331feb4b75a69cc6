"""A node in the API: registered, beating, and back when somebody removed it."""

import itertools
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from kube_actors.actor import MemoryNetwork
from kube_actors.node.timestamps import parse_timestamp
from tests.node.kubelet_world import NODE, Node, open_node

pytestmark = pytest.mark.anyio


async def test_a_node_registers_ready_and_beats() -> None:
    async with open_node(node_ip="127.0.0.9", labels={"zone": "a"}) as node:
        found = node.world.live("nodes", "", NODE)
        assert found is not None
        ready = [c for c in found["status"]["conditions"] if c["type"] == "Ready"]
        assert ready[0]["status"] == "True"
        assert found["metadata"]["labels"]["zone"] == "a"
        assert found["metadata"]["labels"]["kubernetes.io/hostname"] == NODE
        assert found["spec"]["podCIDR"] == "10.244.0.0/24"
        assert found["status"]["addresses"][0]["address"] == "127.0.0.9"

        def renewed() -> float:
            lease = node.world.live("leases", "kube-node-lease", NODE)
            assert lease is not None
            return parse_timestamp(lease["spec"]["renewTime"])

        first = renewed()
        await anyio.sleep(25)
        assert 10 <= renewed() - first <= 25


async def test_heartbeats_go_on_when_an_api_server_is_cut_off() -> None:
    async with open_node() as node:
        before = len(lease_changes(node))
        network = node.world.system.network
        assert isinstance(network, MemoryNetwork)
        network.partition([f"kubelet/{NODE}"], ["apiserver/1", "apiserver/2"])
        await anyio.sleep(60)
        times = [
            parse_timestamp(change.obj["spec"]["renewTime"])
            for change in lease_changes(node)[before - 1 :]
        ]
        assert len(times) > 4
        assert max(b - a for a, b in itertools.pairwise(times)) < 25


def lease_changes(node: Node) -> list[Any]:
    return [c for c in node.world.store.changes if c.resource.startswith("leases")]


async def test_a_node_that_was_deleted_registers_again() -> None:
    async with open_node() as node:
        node.world.remove("nodes", "", NODE)
        node.world.remove("leases", "kube-node-lease", NODE)
        await node.wait(lambda: node.world.live("nodes", "", NODE) is not None, 400)

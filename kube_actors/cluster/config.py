"""What a cluster is made of, said in one frozen value and checked before anything starts."""

from collections.abc import Mapping
from pathlib import Path

import attrs

from kube_actors.client import ElectionTimes
from kube_actors.controllers import NODE_MONITOR_GRACE_S, NODE_MONITOR_PERIOD_S
from kube_actors.node import Script

MASTER_COUNTS = (1, 3, 5)
RUNTIMES = ("process", "simulated")


class InvalidConfig(ValueError):
    """The cluster cannot be built as asked; the message says what to change."""


@attrs.frozen
class Timings:
    """Every wait that a user may want shorter, in seconds; the defaults are Kubernetes'.

    ``quick`` is for demonstrations and tests on the machine's clock: failures are noticed in a
    second or two instead of a minute. On virtual time the defaults cost nothing.
    """

    lease_duration_s: float = 15.0
    renew_deadline_s: float = 10.0
    retry_period_s: float = 2.0
    node_lease_duration_s: float = 40.0
    node_heartbeat_s: float = 10.0
    node_grace_s: float = NODE_MONITOR_GRACE_S
    node_monitor_s: float = NODE_MONITOR_PERIOD_S
    default_toleration_s: int = 300
    restart_backoff_s: float = 10.0
    restart_backoff_max_s: float = 300.0
    store_tick_s: float = 0.05
    store_election_ticks: int = 10
    store_heartbeat_ticks: int = 2

    @property
    def election(self) -> ElectionTimes:
        """How controllers and schedulers stand for election."""
        return ElectionTimes(self.lease_duration_s, self.renew_deadline_s, self.retry_period_s)

    @classmethod
    def quick(cls) -> "Timings":
        """Return times of seconds where Kubernetes has tens: failures are noticed sooner, and
        stalls more often.
        """
        return cls(
            lease_duration_s=3.0,
            renew_deadline_s=2.0,
            retry_period_s=0.5,
            node_lease_duration_s=4.0,
            node_heartbeat_s=1.0,
            node_grace_s=3.0,
            node_monitor_s=0.5,
            default_toleration_s=2,
            restart_backoff_s=0.5,
            restart_backoff_max_s=10.0,
        )


QUOTA_BYTES = 2 << 30
"""What etcd takes by default."""


@attrs.frozen
class NodeSpec:
    """One node: its runtime and what it offers. Amounts are Kubernetes quantities.

    ``script`` says how the containers of a simulated node behave; a pod's annotations win over it.
    """

    runtime: str = "process"
    name: str = ""
    labels: Mapping[str, str] = attrs.field(factory=dict)
    cpu: str = "4"
    memory: str = "8Gi"
    pods: int = 110
    script: Script | None = None


@attrs.frozen
class ClusterConfig:
    """See ``Cluster`` for the meaning of each part.

    Over ``quota_bytes`` of keys and values, history included, the store takes nothing more (0: no
    limit).
    """

    masters: int = 3
    nodes: tuple[NodeSpec, ...] = ()
    data_dir: Path | None = None
    listen: str | None = None
    timings: Timings = attrs.field(factory=Timings)
    seed: int | None = None
    images: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    quota_bytes: int = QUOTA_BYTES

    def __attrs_post_init__(self) -> None:
        if self.masters not in MASTER_COUNTS:
            raise InvalidConfig(masters_refused(self.masters))
        if self.listen is not None:
            _, colon, port = self.listen.rpartition(":")
            if not colon or not port.isdecimal() or int(port) > 65535:
                raise InvalidConfig(f"listen takes HOST:PORT, not {self.listen!r}")
        for node in self.nodes:
            if node.runtime not in RUNTIMES:
                raise InvalidConfig(
                    f"unknown runtime {node.runtime!r}: use one of {', '.join(RUNTIMES)}"
                )
            if node.script is not None and node.runtime != "simulated":
                raise InvalidConfig("only a simulated node takes a script")
        names = [node.name for node in self.nodes if node.name]
        if len(set(names)) != len(names):
            raise InvalidConfig("two nodes have the same name: give each its own")


def masters_refused(masters: int) -> str:
    """Say why a number of masters is refused and which to use instead."""
    if masters > 0 and masters % 2 == 0:
        return (
            f"{masters} masters tolerate no more failures than {masters - 1} and lose the majority "
            "more easily: use 1, 3 or 5"
        )
    return f"a cluster has 1, 3 or 5 masters, not {masters}"


def node_specs(
    nodes: "int | tuple[NodeSpec, ...] | list[NodeSpec]", runtime: str
) -> tuple[NodeSpec, ...]:
    """Name the nodes ``node-1`` … and give a bare count the chosen runtime."""
    if isinstance(nodes, int):
        if nodes < 0:
            raise InvalidConfig(f"a cluster has 0 or more nodes, not {nodes}")
        nodes = [NodeSpec(runtime=runtime) for _ in range(nodes)]
    return tuple(
        attrs.evolve(node, name=node.name or f"node-{number}")
        for number, node in enumerate(nodes, 1)
    )

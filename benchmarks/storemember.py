"""One store member in a process of its own, for ``store_processes.py``; ends with its stdin."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio

from kube_actors.actor import ActorSystem, Child, Clock, Supervisor, TcpNetwork, mutual_tls
from kube_actors.cluster.processes.master import COMMIT_NOTICE_S, DISK_LOOP_S
from kube_actors.store import FileDisk, MemberConfig, MemoryDisk, member_address, run_member


def network_of(order: dict[str, Any], name: str) -> TcpNetwork:
    """Open the network of one of the processes: members dial each other, a client dials all."""
    peers = {f"m{n}": ("127.0.0.1", port) for n, port in enumerate(order["ports"], 1)}
    own = peers.pop(name, None)
    pki = Path(order["pki"]) if order["pki"] else None
    tls = None
    if pki is not None:
        tls = mutual_tls(str(pki / "ca.crt"), str(pki / f"{name}.crt"), str(pki / f"{name}.key"))
    return TcpNetwork(
        name, listen=own, peers=peers, tls=tls, plain=tls is None, incarnation=os.getpid()
    )


def config_of(order: dict[str, Any], number: int) -> MemberConfig:
    config = {"commit_notice_s": COMMIT_NOTICE_S, **order["config"]}
    return MemberConfig(member=number, members=len(order["ports"]), **config)


async def run(order: dict[str, Any], number: int) -> None:
    where = order["directory"]
    disk = (
        FileDisk(Path(where) / str(number), loop_s=DISK_LOOP_S)
        if order["durable"]
        else MemoryDisk()
    )
    async with (
        network_of(order, f"m{number}") as network,
        ActorSystem(
            network, Clock.of_machine(), os.getpid(), first_number=os.getpid() << 32
        ) as system,
        Supervisor(system, name="bench") as supervisor,
    ):

        async def member(actor: Any) -> None:
            await run_member(actor, config_of(order, number), disk)

        supervisor.start(Child(member_address(number), member))
        # Whoever started this process has died when its pipe ends.
        await anyio.wait_readable(sys.stdin)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    anyio.run(run, given, given["number"], backend=given["backend"])

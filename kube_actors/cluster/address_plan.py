"""Which addresses a cluster uses for its nodes, pods and services, without root and without asking.

On Linux every 127.x.y.z can be bound unconfigured, so a cluster whose pods are real processes takes
one free block 127.N.0.0/16 and holds it by a bound socket: two clusters on one machine, in one
process or in several, never meet, and a killed process gives its block back. A cluster of simulated
pods only needs numbers nobody will dial: it takes them from 10.0.0.0/8 and claims nothing.
"""

import ipaddress
import socket

import attrs

FIRST_BLOCK = 16
LAST_BLOCK = 250
CLAIM_PORT = 9


class NoFreeBlock(OSError):
    """Every loopback block is held by another cluster, or loopback addresses cannot be bound."""


@attrs.frozen
class AddressPlan:
    """CIDRs as text. ``real`` says whether the addresses can be bound.

    A real plan's block N: services 127.N.0.0/20, node addresses 127.N.16.0/20, pods from
    127.N.32.0 on in /25 (448 nodes of 126 addresses). A simulated plan: services 10.0.0.0/16, nodes
    10.1.0.0/16, pods from 10.64.0.0 on in /24.
    """

    services: str
    nodes: str
    pods_from: str
    pods_prefix: int
    real: bool

    def node_address(self, number: int) -> str:
        """Return the address of node ``number``, counted from 1."""
        return str(ipaddress.ip_network(self.nodes)[number])

    def pod_cidr(self, number: int) -> str:
        """Return the pod CIDR of node ``number``, from 1; raises ValueError past the end."""
        size = 1 << (32 - self.pods_prefix)
        first = int(ipaddress.ip_address(self.pods_from)) + (number - 1) * size
        block = ipaddress.IPv4Network((first, self.pods_prefix))
        limit = ipaddress.IPv4Network(("10.0.0.0/8") if not self.real else self._block())
        if not block.subnet_of(limit):
            raise ValueError(f"no pod addresses left for node {number}: use fewer nodes")
        return str(block)

    def _block(self) -> str:
        return f"{ipaddress.ip_network(self.services)[0]}/16"


SIMULATED_PLAN = AddressPlan("10.0.0.0/16", "10.1.0.0/16", "10.64.0.0", 24, real=False)


def real_plan(block: int) -> AddressPlan:
    """Plan a cluster's addresses in 127.``block``.0.0/16, where real processes listen."""
    return AddressPlan(
        f"127.{block}.0.0/20", f"127.{block}.16.0/20", f"127.{block}.32.0", 25, real=True
    )


class BlockClaim:
    """A held loopback block; ``close`` gives it back."""

    def __init__(self, block: int, holder: socket.socket) -> None:
        self.block = block
        self.plan = real_plan(block)
        self._holder = holder

    def close(self) -> None:
        """Free the block for others."""
        self._holder.close()


def claim_block(start: int = 0) -> BlockClaim:
    """Hold the first free block, looking from ``start`` on; raises NoFreeBlock."""
    span = LAST_BLOCK - FIRST_BLOCK + 1
    last: OSError | None = None
    for offset in range(span):
        try:
            return _hold(FIRST_BLOCK + (start + offset) % span)
        except OSError as error:
            last = error
    raise NoFreeBlock(
        f"no free loopback block 127.{FIRST_BLOCK}–{LAST_BLOCK}.0.0/16 ({last}): stop other "
        "clusters, or use runtime='simulated', which needs no addresses"
    )


def reclaim_block(block: int) -> BlockClaim:
    """Hold the block that stored Services already have their addresses in; raises NoFreeBlock."""
    try:
        return _hold(block)
    except OSError as error:
        raise NoFreeBlock(
            f"the stored Services have addresses in 127.{block}.0.0/16, which another running "
            f"cluster holds ({error.strerror}): stop that one first"
        ) from None


def _hold(block: int) -> BlockClaim:
    """Bind an unlistened TCP socket on a high port of the block's last address.

    The kernel refuses a second one and frees it when the holder dies, however it dies.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.bind((f"127.{block}.255.254", 61000 + CLAIM_PORT))
    except OSError:
        holder.close()
        raise
    return BlockClaim(block, holder)

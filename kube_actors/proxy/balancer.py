"""Which backend takes the next connection: round robin from a random start, or the client's last.

Session affinity follows kube-proxy's ClientIP: a client keeps its backend until it has been idle
for the timeout or the backend has left. The memory of clients is bounded: the longest idle go.
A client not remembered gets the backend that its address picks among them: the kernel may bring it
to another node's proxy next time, and all of them pick alike without a word to each other.
"""

from collections import OrderedDict
from hashlib import blake2b
from random import Random

from kube_actors.proxy.routing import Route

Backend = tuple[str, int]
CLIENTS_MAX = 10_000


class Balancer:
    """State of one frontend; pure but for the given random source and times in seconds."""

    def __init__(self, random: Random) -> None:
        self._turn = random.randrange(1 << 16)
        self._clients: OrderedDict[str, tuple[Backend, float]] = OrderedDict()

    def order(self, route: Route, client: str, now_s: float) -> list[Backend]:
        """Return the backends in the order they are to be tried; empty if there is none."""
        backends = route.backends
        if not backends:
            return []
        if route.affinity_s:
            order = sorted(backends, key=lambda backend: _draw(client, backend), reverse=True)
            remembered = self._clients.get(client)
            if remembered is not None:
                backend, seen_s = remembered
                if backend in order and now_s - seen_s <= route.affinity_s:
                    order.remove(backend)
                    order.insert(0, backend)
            return order
        self._turn += 1
        first = self._turn % len(backends)
        return [*backends[first:], *backends[:first]]

    def used(self, route: Route, client: str, backend: Backend, now_s: float) -> None:
        """Remember which backend took the client, for session affinity."""
        if not route.affinity_s:
            return
        self._clients[client] = (backend, now_s)
        self._clients.move_to_end(client)
        while len(self._clients) > CLIENTS_MAX:
            self._clients.popitem(last=False)


def _draw(client: str, backend: Backend) -> tuple[bytes, Backend]:
    """Rendezvous hashing: a backend that leaves moves only its own clients (Thaler, 1998)."""
    text = f"{client} {backend[0]} {backend[1]}"
    return blake2b(text.encode(), digest_size=8).digest(), backend

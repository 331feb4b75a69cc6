"""Where a pod's address comes from: the node's proxy, or the node's own range when it has none."""

from ipaddress import ip_network

from kube_actors.actor import Actor, Address
from kube_actors.client import AddressAssigned, AssignAddress, NoAddress, ReleaseAddress

CALL_S = 10.0


class Addresses:
    """``assign`` is idempotent per pod uid."""

    def __init__(self, actor: Actor, proxy: Address | None, pod_cidr: str) -> None:
        self._actor = actor
        self._proxy = proxy
        self._cidr = pod_cidr
        self._given: dict[str, int] = {}

    async def assign(self, uid: str, namespace: str, name: str) -> str:
        """Return the pod's address. Raises NoAddress and what calls raise."""
        if self._proxy is None:
            return self._own(uid)
        request = AssignAddress(uid, namespace, name)
        answer = await self._actor.call(self._proxy, request, timeout_s=CALL_S)
        assert isinstance(answer, AddressAssigned)
        return answer.ip

    def adopt(self, uid: str, ip: str) -> None:
        """A pod that runs already has this address."""
        if self._proxy is None:
            self._given[uid] = int(ip_network(ip).network_address) - self._first()

    def release(self, uid: str) -> None:
        """Give the pod's address back; the proxy is only told, and nothing waits for its answer."""
        if self._proxy is None:
            self._given.pop(uid, None)
        else:
            self._actor.tell(self._proxy, ReleaseAddress(uid))

    def _own(self, uid: str) -> str:
        if uid not in self._given:
            network = ip_network(self._cidr)
            taken = set(self._given.values())
            last = network.num_addresses - 1
            free = next((n for n in range(2, last) if n not in taken), None)
            if free is None:
                raise NoAddress(self._cidr)
            self._given[uid] = free
        return str(ip_network(self._cidr).network_address + self._given[uid])

    def _first(self) -> int:
        return int(ip_network(self._cidr).network_address)

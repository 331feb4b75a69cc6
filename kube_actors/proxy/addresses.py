"""A node's pod addresses: which are given, to whom, which comes next. Pure.

Addresses of the node's pod CIDR are given in turn, so that one just released is not reused at
once: a peer that still remembers it must not reach another pod. The network's first two addresses
(network, node) and its last are never given.
"""

import ipaddress


class AddressesExhausted(Exception):
    """Every address of the CIDR is given."""

    def __init__(self, cidr: str) -> None:
        super().__init__(f"no free pod address left in {cidr}: delete pods or give a wider CIDR")
        self.cidr = cidr


class PodAddresses:
    """Owned by one proxy; ``assign`` is idempotent per pod uid."""

    def __init__(self, cidr: str) -> None:
        self.network = ipaddress.ip_network(cidr)
        if self.network.num_addresses < 4:
            raise ValueError(f"pod CIDR {cidr} is too small: it needs at least 4 addresses")
        self._by_pod: dict[str, str] = {}
        self._given: set[str] = set()
        self._next = 2

    def __len__(self) -> int:
        return len(self._by_pod)

    def assign(self, pod_uid: str) -> str:
        """Give the pod its address; raises AddressesExhausted."""
        known = self._by_pod.get(pod_uid)
        if known is not None:
            return known
        usable = self.network.num_addresses - 3
        for _ in range(usable):
            address = str(self.network[self._next])
            self._next += 1
            if self._next >= self.network.num_addresses - 1:
                self._next = 2
            if address not in self._given:
                self._by_pod[pod_uid] = address
                self._given.add(address)
                return address
        raise AddressesExhausted(str(self.network))

    def remember(self, pod_uid: str, address: str) -> None:
        """Take over an assignment made before a restart; addresses of others are ignored."""
        if pod_uid in self._by_pod or address in self._given:
            return
        try:
            inside = ipaddress.ip_address(address) in self.network
        except ValueError:
            return
        if inside:
            self._by_pod[pod_uid] = address
            self._given.add(address)
            # Go on behind the last one in use: those before it may have been released just now.
            offset = int(ipaddress.ip_address(address)) - int(self.network.network_address)
            self._next = max(self._next, offset + 1)
            if self._next >= self.network.num_addresses - 1:
                self._next = 2

    def skip(self) -> None:
        """Go on half the range ahead, away from what was given last but never reported.

        A pod's address is known to the API only once its kubelet has said so: the few given just
        before a restart may be in use without a trace.
        """
        if self._by_pod:
            usable = self.network.num_addresses - 3
            self._next = 2 + (self._next - 2 + usable // 2) % usable

    def release(self, pod_uid: str) -> None:
        """Take a pod's address back; nothing happens if it has none."""
        address = self._by_pod.pop(pod_uid, None)
        if address is not None:
            self._given.discard(address)

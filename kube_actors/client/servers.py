"""Which API server to ask: one and the same until it fails, then the next that is not in doubt.

A server that did not answer is in doubt for a while and is passed over as long as another is not.
Where each client begins is spread by its name, so that they do not all lean on one server.
"""

from collections.abc import Sequence
from zlib import crc32

from kube_actors.actor import Address

GONE_S = 5.0
"""How long a server that was not there stays in doubt; it may be starting."""
SILENT_S = 30.0
"""How long one that did not answer in time does; it is likely cut off."""


class Servers:
    """Times are seconds of the local clock."""

    def __init__(self, addresses: Sequence[Address], name: str) -> None:
        if not addresses:
            raise ValueError("a client needs at least one API server")
        self.addresses = tuple(addresses)
        self._first = crc32(name.encode()) % len(self.addresses)
        self._doubt_until_s: dict[Address, float] = {}

    def _ring(self) -> list[Address]:
        return [*self.addresses[self._first :], *self.addresses[: self._first]]

    def order(self, now_s: float) -> list[Address]:
        """The servers to ask, the preferred one first; all of them if all are in doubt."""
        ring = self._ring()
        trusted = [each for each in ring if self._doubt_until_s.get(each, now_s) <= now_s]
        return trusted or ring

    def preferred(self, now_s: float) -> Address:
        """The server to ask first, also when all are in doubt."""
        return self.order(now_s)[0]

    def avoid(self, address: Address, now_s: float, doubt_s: float = 0.0) -> None:
        """Prefer another; ``doubt_s`` 0 means that the server works but could not do it."""
        if doubt_s > 0:
            self._doubt_until_s[address] = now_s + doubt_s
        if self.addresses[self._first] == address:
            self._first = (self._first + 1) % len(self.addresses)

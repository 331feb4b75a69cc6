"""When leases end: deadlines on the leader's clock, in a heap that renewals do not touch.

A renewed lease keeps its old place in the heap and is put back when that comes up, so a keep-alive
costs no more than a dictionary. One that is revoked leaves its place behind too; when most places
are such the heap is made anew, or leases for years that live for seconds would fill the memory.
"""

from heapq import heapify, heappop, heappush
from math import ceil

REVOKE_AGAIN_S = 5.0
"""How long a proposed revoke may take before it is proposed once more."""

LEFT_MAX = 1000
"""Places of leases that are gone which are not worth making the heap anew."""


class Expiry:
    """Deadlines of all leases, on the loop's clock; empty unless this member leads."""

    def __init__(self) -> None:
        self._deadlines: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def clear(self) -> None:
        """Forget all deadlines: this member no longer leads."""
        self._deadlines.clear()
        self._heap.clear()

    def renew(self, lease: int, ttl_s: float, now_s: float) -> None:
        """Give a lease its whole time from now on."""
        known_s = self._deadlines.get(lease)
        if known_s is None or now_s + ttl_s < known_s:
            heappush(self._heap, (now_s + ttl_s, lease))
        self._deadlines[lease] = now_s + ttl_s

    def __len__(self) -> int:
        return len(self._heap)

    def forget(self, lease: int) -> None:
        """Drop the deadline of a lease that is gone; no-op if there is none."""
        self._deadlines.pop(lease, None)
        if len(self._heap) > LEFT_MAX + 2 * len(self._deadlines):
            self._heap = [(deadline, one) for one, deadline in self._deadlines.items()]
            heapify(self._heap)

    def remaining_s(self, lease: int, now_s: float) -> int:
        """Return whole seconds left, rounded up; 0 when it is over and about to be revoked."""
        deadline = self._deadlines.get(lease)
        return 0 if deadline is None else max(0, ceil(deadline - now_s))

    def over(self, now_s: float, count_max: int) -> list[int]:
        """Return leases whose time is over, in order: to be revoked, again after a while."""
        found: list[int] = []
        while self._heap and self._heap[0][0] <= now_s and len(found) < count_max:
            _, lease = heappop(self._heap)
            deadline = self._deadlines.get(lease)
            if deadline is None:
                continue
            if deadline <= now_s:
                found.append(lease)
                deadline = self._deadlines[lease] = now_s + REVOKE_AGAIN_S
            heappush(self._heap, (deadline, lease))
        return found

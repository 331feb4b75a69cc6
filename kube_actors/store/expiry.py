"""When leases end: the leader's half, with a clock.

Only the leader measures. A new leader does not know what was left of a lease, so it grants every
one its full time again: a lease may live longer than promised, never shorter. A keep-alive is
accepted only after the leader has made sure that it still leads.
"""

from heapq import heappop, heappush
from math import ceil

REVOKE_AGAIN_S = 5.0
"""How long a proposed revoke may take before it is proposed once more."""


class Expiry:
    """Deadlines of all leases, on the loop's clock; empty unless this member leads."""

    def __init__(self) -> None:
        self._deadlines: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def clear(self) -> None:
        self._deadlines.clear()
        self._heap.clear()

    def renew(self, lease: int, ttl_s: float, now_s: float) -> None:
        """Give a lease its whole time from now on."""
        if lease not in self._deadlines:
            heappush(self._heap, (now_s + ttl_s, lease))
        self._deadlines[lease] = now_s + ttl_s

    def forget(self, lease: int) -> None:
        self._deadlines.pop(lease, None)

    def remaining_s(self, lease: int, now_s: float) -> int:
        """Return whole seconds left, rounded up; 0 when it is over and about to be revoked."""
        deadline = self._deadlines.get(lease)
        return 0 if deadline is None else max(0, ceil(deadline - now_s))

    def over(self, now_s: float) -> list[int]:
        """Return the leases whose time is over, in order: to be revoked, again after a while."""
        found: list[int] = []
        while self._heap and self._heap[0][0] <= now_s:
            _, lease = heappop(self._heap)
            deadline = self._deadlines.get(lease)
            if deadline is None:
                continue
            if deadline <= now_s:
                found.append(lease)
                deadline = self._deadlines[lease] = now_s + REVOKE_AGAIN_S
            heappush(self._heap, (deadline, lease))
        return found

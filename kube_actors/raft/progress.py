"""What a leader knows about one member: how far it got and how boldly to send to it.

PROBE: where the logs agree is unknown, one append at a time. REPLICATE: it follows, appends are
pipelined within the in-flight limits. SNAPSHOT: it is behind the log, nothing is sent until the
snapshot is acknowledged or given up. Thesis §10.2.1 explains why pipelining needs the three.
"""

from collections import deque
from enum import Enum


class ProgressState(Enum):
    """How boldly a leader sends to one member; the module says what each state allows."""

    PROBE = "probe"
    REPLICATE = "replicate"
    SNAPSHOT = "snapshot"


PROBE = ProgressState.PROBE
REPLICATE = ProgressState.REPLICATE
SNAPSHOT = ProgressState.SNAPSHOT


class Progress:
    """``match_index`` is surely stored there; ``next_index`` is what to send next.

    ``paused``: an append has been sent and nothing more is until it is answered or a heartbeat
    is. ``must_send``: an append is owed even if it carries nothing. ``sent_commit``: the commit it
    was told; ``tell_commit``: a newer one is owed now, where they are not told at once.
    """

    __slots__ = (
        "inflight",
        "inflight_bytes",
        "inflight_bytes_max",
        "inflight_max",
        "is_learner",
        "match_index",
        "must_send",
        "next_index",
        "paused",
        "sent_commit",
        "snapshot_index",
        "snapshot_tick",
        "state",
        "tell_commit",
    )

    def __init__(self, next_index: int, inflight_max: int, inflight_bytes_max: int) -> None:
        self.state = PROBE
        self.match_index = 0
        self.next_index = next_index
        self.paused = False
        self.must_send = True
        self.sent_commit = 0
        self.tell_commit = False
        self.snapshot_index = 0
        self.snapshot_tick = 0
        self.is_learner = False
        self.inflight: deque[tuple[int, int]] = deque()
        self.inflight_bytes = 0
        self.inflight_max = inflight_max
        self.inflight_bytes_max = inflight_bytes_max

    def _enter(self, state: ProgressState) -> None:
        self.state = state
        self.paused = False
        self.snapshot_index = 0
        self.inflight.clear()
        self.inflight_bytes = 0

    def become_probe(self) -> None:
        """Fall back to one append at a time, from what is surely stored there."""
        if self.state is SNAPSHOT:
            next_index = max(self.match_index, self.snapshot_index) + 1
        else:
            next_index = self.match_index + 1
        self._enter(PROBE)
        self.next_index = next_index
        self.sent_commit = min(self.sent_commit, next_index - 1)
        self.must_send = True

    def become_replicate(self) -> None:
        """Pipeline from here on: the logs are known to agree up to ``match_index``."""
        self._enter(REPLICATE)
        self.next_index = self.match_index + 1

    def become_snapshot(self, index: int, tick: int) -> None:
        """Send nothing more until the snapshot of ``index``, handed out in ``tick``, is answered.

        Appends go on from ``index`` + 1; the waiting is timed from ``tick``.
        """
        self._enter(SNAPSHOT)
        self.snapshot_index = index
        self.snapshot_tick = tick
        self.next_index = index + 1
        self.sent_commit = index
        self.must_send = False

    def abandon_snapshot(self) -> None:
        """The snapshot did not arrive: probe again from what is surely stored there."""
        self.snapshot_index = 0
        self.become_probe()

    @property
    def is_paused(self) -> bool:
        """Say whether entries must wait, whatever is in the log."""
        if self.state is REPLICATE:
            return (
                len(self.inflight) >= self.inflight_max
                or self.inflight_bytes >= self.inflight_bytes_max
            )
        return self.paused or self.state is SNAPSHOT

    def sent(self, last_index: int, size: int) -> None:
        """Take note of an append whose last entry is ``last_index``."""
        self.next_index = last_index + 1
        self.inflight.append((last_index, size))
        self.inflight_bytes += size

    def acknowledge(self, index: int) -> bool:
        """Take note that the member stored up to ``index``; say whether that is news."""
        inflight = self.inflight
        while inflight and inflight[0][0] <= index:
            self.inflight_bytes -= inflight.popleft()[1]
        if index <= self.match_index:
            return False
        self.match_index = index
        if self.next_index <= index:
            self.next_index = index + 1
        self.paused = False
        return True

    def refuse(self, refused_index: int, agreeing_index: int) -> bool:
        """Take note of a refused append; say whether it was not an old one.

        ``agreeing_index`` is where the logs may first agree, found from the follower's hint.
        """
        if self.state is REPLICATE:
            if refused_index <= self.match_index:
                return False
            self.become_probe()
            return True
        if self.next_index - 1 != refused_index:
            return False
        self.next_index = max(min(refused_index, agreeing_index + 1), self.match_index + 1)
        self.sent_commit = min(self.sent_commit, self.next_index - 1)
        self.paused = False
        self.must_send = True
        return True

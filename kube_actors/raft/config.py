"""How one member behaves: every number that the algorithm leaves open.

Ticks are the caller's unit of time; nothing here knows how long one lasts. Sizes are in bytes of
entry data plus a small fixed cost per entry.
"""

from enum import Enum
from typing import Any

from attrs import Attribute, field, frozen


def _positive(_: object, attribute: "Attribute[Any]", value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, not {value}")


class ReadOnly(Enum):
    """SAFE: a linearizable read costs a round of heartbeats, many reads share one (thesis 6.4).
    LEASE: none while the leader's lease is certain (thesis 6.4.1), otherwise as SAFE."""

    SAFE = "safe"
    LEASE = "lease"


@frozen(kw_only=True)
class RaftConfig:
    """Validated on construction; raises ValueError naming the field.

    ``election_ticks``: a follower campaigns after this many ticks without a leader, up to twice
    as many (drawn anew each time). ``snapshot_resend_ticks``: how long an unanswered snapshot is
    waited for, 0 means ten election timeouts. ``uncommitted_bytes_max`` limits what the leader
    accepts before it commits; one entry always passes. ``forward_proposals``: whether a follower
    passes proposals on to the leader or refuses them. ``step_down_on_removal``: whether a leader
    that the committed configuration drops or makes a learner stops leading. ``tell_commits``:
    whether a leader sends every commit at once, in a message of its own if need be; else it goes
    with the next append or heartbeat, unless ``Raft.tell_commit`` is called.

    ``read_only`` must be the same at all members. ``lease_drift`` bounds, in ticks, how far the
    clocks of two members may run apart within one election timeout, pauses of a process counted:
    who was stopped must tick for the time gone by before it asks or steps anything.
    """

    id: int = field(validator=_positive)
    election_ticks: int = field(default=10, validator=_positive)
    heartbeat_ticks: int = field(default=1, validator=_positive)
    pre_vote: bool = True
    check_quorum: bool = True
    forward_proposals: bool = True
    step_down_on_removal: bool = True
    tell_commits: bool = True
    message_bytes_max: int = field(default=1 << 20, validator=_positive)
    inflight_messages_max: int = field(default=256, validator=_positive)
    inflight_bytes_max: int = field(default=64 << 20, validator=_positive)
    uncommitted_bytes_max: int = field(default=256 << 20, validator=_positive)
    committed_bytes_max: int = field(default=16 << 20, validator=_positive)
    snapshot_resend_ticks: int = 0
    promote_lag_max: int = field(default=1000, validator=_positive)
    read_only: ReadOnly = ReadOnly.SAFE
    lease_drift: int = 1

    def __attrs_post_init__(self) -> None:
        if self.heartbeat_ticks >= self.election_ticks:
            raise ValueError(
                f"heartbeat_ticks ({self.heartbeat_ticks}) must be less than "
                f"election_ticks ({self.election_ticks})"
            )
        if self.snapshot_resend_ticks < 0:
            raise ValueError(f"snapshot_resend_ticks is negative: {self.snapshot_resend_ticks}")

        if self.lease_drift < 0:
            raise ValueError(f"lease_drift is negative: {self.lease_drift}")
        if self.read_only is ReadOnly.LEASE:
            room = self.election_ticks - 2 - self.heartbeat_ticks
            if self.lease_drift > room:
                raise ValueError(
                    f"lease_drift ({self.lease_drift}) leaves no lease between heartbeats: "
                    f"at most {room} with these election_ticks and heartbeat_ticks"
                )

    @property
    def snapshot_wait_ticks(self) -> int:
        """Give up on an unanswered snapshot after so many ticks, then probe and send it again."""
        return self.snapshot_resend_ticks or 10 * self.election_ticks

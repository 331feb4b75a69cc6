"""How one member behaves: every number that the algorithm leaves open.

Ticks are the caller's unit of time; nothing here knows how long one lasts. Sizes are in bytes of
entry data plus a small fixed cost per entry.
"""

from typing import Any

from attrs import Attribute, field, frozen


def _positive(_: object, attribute: "Attribute[Any]", value: int) -> None:
    if value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, not {value}")


@frozen(kw_only=True)
class RaftConfig:
    """Validated on construction; raises ValueError naming the field.

    ``election_ticks``: a follower campaigns after this many ticks without a leader, up to twice
    as many (drawn anew each time). ``snapshot_resend_ticks``: how long an unanswered snapshot is
    waited for, 0 means ten election timeouts. ``uncommitted_bytes_max`` limits what the leader
    accepts before it commits; one entry always passes. ``forward_proposals``: whether a follower
    passes proposals on to the leader or refuses them.
    """

    id: int = field(validator=_positive)
    election_ticks: int = field(default=10, validator=_positive)
    heartbeat_ticks: int = field(default=1, validator=_positive)
    pre_vote: bool = True
    check_quorum: bool = True
    forward_proposals: bool = True
    step_down_on_removal: bool = True
    message_bytes_max: int = field(default=1 << 20, validator=_positive)
    inflight_messages_max: int = field(default=256, validator=_positive)
    inflight_bytes_max: int = field(default=64 << 20, validator=_positive)
    uncommitted_bytes_max: int = field(default=256 << 20, validator=_positive)
    committed_bytes_max: int = field(default=16 << 20, validator=_positive)
    snapshot_resend_ticks: int = 0
    promote_lag_max: int = field(default=1000, validator=_positive)

    def __attrs_post_init__(self) -> None:
        if self.heartbeat_ticks >= self.election_ticks:
            raise ValueError(
                f"heartbeat_ticks ({self.heartbeat_ticks}) must be less than "
                f"election_ticks ({self.election_ticks})"
            )
        if self.snapshot_resend_ticks < 0:
            raise ValueError(f"snapshot_resend_ticks is negative: {self.snapshot_resend_ticks}")

    @property
    def snapshot_wait_ticks(self) -> int:
        return self.snapshot_resend_ticks or 10 * self.election_ticks

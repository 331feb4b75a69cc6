"""What one simulated run of a Raft group is like, drawn from its seed: members, faults, options."""

from random import Random
from typing import Any

from attrs import frozen


@frozen(kw_only=True)
class Weather:
    """What a run is like; probabilities are per message or per tick of the world."""

    members: int
    loss: float = 0.0
    duplicate: float = 0.0
    stale: float = 0.0
    delay_us_max: int = 2_000
    disk_us_max: int = 1_000
    crash: float = 0.0
    partition: float = 0.0
    pause: float = 0.0
    campaign: float = 0.0
    churn: float = 0.0
    transfer: float = 0.0
    clock_drift: float = 0.0
    ready_max: int = 1
    snapshot_every: int = 1_000_000
    dead_at_end: int = 0
    options: dict[str, Any] = {}  # noqa: RUF008  (never changed)

    @classmethod
    def draw(cls, random: Random) -> "Weather":
        """Let a seed choose: each fault is absent in many runs, so that others go far."""
        members = random.choice((1, 3, 3, 3, 5, 5))
        options: dict[str, Any] = {
            "pre_vote": random.random() < 0.7,
            "check_quorum": random.random() < 0.7,
            "heartbeat_ticks": random.choice((1, 1, 3)),
        }
        if random.random() < 0.5:
            options["message_bytes_max"] = random.choice((1, 60, 200))
            options["inflight_messages_max"] = random.choice((1, 2, 8))
            options["committed_bytes_max"] = random.choice((1, 100))
            options["uncommitted_bytes_max"] = random.choice((200, 2000))
        churn = random.choice((0.0, 0.0, 0.05)) if members > 1 else 0.0
        if churn:
            # Removed members that nobody told would disturb the others for ever without these.
            options |= {"pre_vote": True, "check_quorum": True}
        return cls(
            members=members,
            loss=random.choice((0.0, 0.0, 0.02, 0.2)),
            duplicate=random.choice((0.0, 0.05)),
            stale=random.choice((0.0, 0.01)),
            delay_us_max=random.choice((500, 5_000, 40_000)),
            disk_us_max=random.choice((200, 5_000, 50_000)),
            crash=random.choice((0.0, 0.005, 0.03)),
            partition=random.choice((0.0, 0.01, 0.04)),
            pause=random.choice((0.0, 0.0, 0.01)),
            campaign=random.choice((0.0, 0.0, 0.01, 0.1)),
            churn=churn,
            transfer=random.choice((0.0, 0.02)),
            clock_drift=random.choice((0.0, 0.3)),
            ready_max=random.choice((1, 2, 8)),
            snapshot_every=random.choice((5, 30, 1_000_000)),
            dead_at_end=0 if churn else random.randint(0, (members - 1) // 2),
            options=options,
        )

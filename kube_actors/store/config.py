"""How one member of the store behaves: times in ticks, limits in counts and bytes."""

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

from attrs import field, frozen

from kube_actors.actor import Address


def member_address(member: int) -> Address:
    """Return the address of a member that has none configured."""
    return Address(f"store/{member}")


@frozen(kw_only=True)
class MemberConfig:
    """Validated on construction; raises ValueError naming what is wrong and why.

    ``member`` is this one's number, from 1 to ``members``, which is odd. ``addresses`` overrides
    ``store/N`` for some of them. ``tick_s``, ``election_ticks`` and ``heartbeat_ticks`` are
    Raft's time; a lost quorum is noticed within ``election_ticks``. ``snapshot_entries`` is how
    many log entries may pass before a snapshot replaces them, ``snapshot_log_bytes`` how many
    bytes; ``keep_entries`` within ``keep_log_bytes`` stay in memory for followers that lag a
    little. ``retention_revisions`` above 0 makes the leader compact history older than that many
    revisions by itself.

    A member that is ``joining`` a group begins empty under the number that ``AddMember`` gave it;
    ``members`` then says only who is asked whether it ever had a log: 1 to that. Whoever has a log
    follows the configuration in it, whatever is said here. Over ``quota_bytes`` of keys and
    values, history included, the group takes nothing
    more (0: no limit). Every ``corrupt_check_ticks`` the leader compares the members' data
    (0: never). What is left of leases is told to the next leader as it was at most
    ``lease_checkpoint_s`` ago. A learner more than ``promote_lag_max`` entries behind is not
    promoted. A leader tells the others what is committed with the next entry, or after
    ``commit_notice_s`` to twice that without one (0: at once, in messages of their own).
    """

    member: int
    members: int = 3
    joining: bool = False
    addresses: Mapping[int, Address] = field(factory=dict, converter=MappingProxyType)
    tick_s: float = 0.05
    election_ticks: int = 10
    heartbeat_ticks: int = 1
    request_timeout_ticks: int = 100
    progress_ticks: int = 100
    snapshot_entries: int = 10_000
    snapshot_log_bytes: int = 64 << 20
    keep_entries: int = 1_000
    keep_log_bytes: int = 16 << 20
    retention_revisions: int = 0
    lease_checkpoint_s: float = 300.0
    commit_notice_s: float = 0.0
    quota_bytes: int = 2 << 30
    corrupt_check_ticks: int = 12_000
    promote_lag_max: int = 1000
    snapshot_chunk_bytes: int = 256 << 10
    txn_operations_max: int = 128
    request_bytes_max: int = 1_572_864
    pending_max: int = 4096
    watchers_max: int = 10_000
    batch_requests_max: int = 512
    batch_bytes_max: int = 1 << 20

    def __attrs_post_init__(self) -> None:
        if self.joining:
            if self.member < 1:
                raise ValueError(f"member must be at least 1, not {self.member}")
        elif self.members < 1 or self.members % 2 == 0:
            raise ValueError(
                f"members must be odd, not {self.members}: an even group tolerates no more"
                " failures than one member fewer, and needs a larger majority"
            )
        elif not 1 <= self.member <= self.members:
            raise ValueError(f"member must be from 1 to {self.members}, not {self.member}")
        if self.tick_s <= 0:
            raise ValueError(f"tick_s must be above 0, not {self.tick_s}")
        if self.lease_checkpoint_s <= 0:
            raise ValueError(f"lease_checkpoint_s must be above 0, not {self.lease_checkpoint_s}")
        if self.commit_notice_s < 0:
            raise ValueError(f"commit_notice_s must be 0 or more, not {self.commit_notice_s}")
        if not 0 < self.heartbeat_ticks < self.election_ticks:
            raise ValueError("heartbeat_ticks must be above 0 and below election_ticks")
        for name in (
            "request_timeout_ticks",
            "progress_ticks",
            "snapshot_entries",
            "snapshot_log_bytes",
            "txn_operations_max",
            "request_bytes_max",
            "pending_max",
            "watchers_max",
            "batch_requests_max",
            "batch_bytes_max",
            "promote_lag_max",
            "snapshot_chunk_bytes",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")

    @property
    def founders(self) -> tuple[int, ...]:
        """Return who the group was founded by, as far as this member knows before it asks."""
        return () if self.joining else tuple(range(1, self.members + 1))

    @property
    def lease_ttl_min_s(self) -> int:
        """Return the shortest lease: less could end before a new leader is there (etcd's rule)."""
        return ceil(1.5 * self.election_ticks * self.tick_s)

    def address(self, member: int) -> Address:
        """Return where a member is reached by configuration: ``addresses``, else ``store/N``."""
        return self.addresses.get(member) or member_address(member)

"""What a Lease says about who leads, and what a candidate may conclude from it. Pure.

Clocks of different machines are never compared: a candidate notes when, by its own clock, it last
saw the record change, and holds the leader to the record's duration from then on.
"""

import math
from typing import Any

from attrs import evolve, frozen

from kube_actors.api import Object


@frozen
class LeaseRecord:
    """The part of a Lease's spec that election uses; times are the holder's own words."""

    holder: str = ""
    duration_s: int = 0
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0

    @classmethod
    def of(cls, lease: Object) -> "LeaseRecord":
        """Read a Lease (coordination.k8s.io/v1); a member that is absent reads as empty or 0."""
        spec = lease.get("spec") or {}
        return cls(
            spec.get("holderIdentity") or "",
            spec.get("leaseDurationSeconds") or 0,
            spec.get("acquireTime") or "",
            spec.get("renewTime") or "",
            spec.get("leaseTransitions") or 0,
        )

    def written_into(self, lease: Object) -> Object:
        """The Lease with this record; what else it has is kept."""
        spec: dict[str, Any] = dict(lease.get("spec") or {})
        spec |= {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.duration_s,
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }
        return {**lease, "spec": spec}


@frozen
class Observation:
    """The last record seen and when it was first seen so, in seconds of the local clock."""

    record: LeaseRecord = LeaseRecord()
    since_s: float = -math.inf

    def seen(self, record: LeaseRecord, now_s: float) -> "Observation":
        """Take note; an unchanged record keeps its time."""
        return self if record == self.record else Observation(record, now_s)

    def held_by_other(self, identity: str, now_s: float) -> bool:
        """Whether somebody else may still be leading."""
        if self.record.holder in ("", identity):
            return False
        return now_s < self.since_s + self.record.duration_s


def claimed(before: LeaseRecord, identity: str, duration_s: float, timestamp: str) -> LeaseRecord:
    """The record by which ``identity`` takes or keeps the lead."""
    mine = before.holder == identity
    return LeaseRecord(
        identity,
        max(1, math.ceil(duration_s)),
        before.acquired if mine and before.acquired else timestamp,
        timestamp,
        before.transitions if mine or before == LeaseRecord() else before.transitions + 1,
    )


def released(before: LeaseRecord, timestamp: str) -> LeaseRecord:
    """The record by which a leader steps down: whoever comes first may lead at once."""
    return evolve(before, holder="", duration_s=1, acquired=timestamp, renewed=timestamp)

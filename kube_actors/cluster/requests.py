"""What people ask of a running cluster by its debug door, and the sizes it answers with.

Read and written strictly: a field that nobody knows, one that is missing and one of another type
are refused in one line, and nothing was done.
"""

from typing import Final, Literal

from attrs import frozen

from kube_actors.boundary import Boundary
from kube_actors.store import MemberStatus

REQUESTS: Final = Boundary(camel=True)
MESSAGES: Final = Boundary()
"""Writes what the store answers, whose fields are known by their own names."""


@frozen
class Nothing:
    """A question without particulars."""


@frozen
class AddedMember:
    """``name`` is that of the process's certificate; ``peer_urls`` are words for people."""

    name: str
    peer_urls: tuple[str, ...] = ()


@frozen
class AskedMember:
    """A member by its number."""

    member: int


@frozen
class UpdatedMember:
    """What a member is known by from now on; what is empty stays."""

    member: int
    name: str = ""
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()


@frozen
class DisarmedAlarm:
    """Which alarm is taken back, at every member."""

    kind: Literal["nospace", "corrupt"] = "nospace"


@frozen
class RebuiltStore:
    """The master whose store is rebuilt, by its place."""

    master: int


@frozen
class ChaosVerb:
    """A verb of ``Faults`` and its targets; one target may be several names with commas."""

    verb: str
    targets: tuple[str, ...] = ()


@frozen
class MemberSizes:
    """One member of the store and what it takes, in bytes."""

    member: int
    leader: int
    size_bytes: int
    in_use_bytes: int
    log_bytes: int

    @classmethod
    def of(cls, status: MemberStatus) -> "MemberSizes":
        """Take them from what a member says of itself."""
        return cls(
            status.member,
            status.leader,
            status.size_bytes,
            status.size_in_use_bytes,
            status.log_bytes,
        )

"""What an etcd answers that is no success, as the store's errors: ``failures`` the other way."""

from collections.abc import Callable

from kube_actors.actor import ActorError, DeadlineExceeded, Overloaded, Unreachable
from kube_actors.etcd import failures
from kube_actors.etcd.grpc import Code, GrpcError
from kube_actors.store.messages import (
    Compacted,
    Corrupt,
    FutureRevision,
    InvalidRequest,
    LeaseNotFound,
    NoQuorum,
    NoSpace,
    OutcomeUnknown,
)

_LEADERLESS = (
    failures.NO_LEADER,
    failures.LEADER_CHANGED,
    failures.NOT_LEADER,
    "etcdserver: unhealthy cluster",
)


def is_about_server(error: GrpcError) -> bool:
    """Whether another server may do better."""
    return error.code is Code.UNAVAILABLE or (
        error.code is Code.DEADLINE_EXCEEDED or error.text == failures.NOT_LEADER
    )


def read_failure(error: GrpcError, *, server: str, revision: int, members: int) -> ActorError:
    """Say why nothing was read, whatever server was asked."""
    if error.text in _LEADERLESS or error.text.startswith(failures.TIMED_OUT):
        return NoQuorum(0, members)
    if error.code is Code.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"{server}: {error.text}")
    if error.code is Code.UNAVAILABLE:
        return Unreachable(f"{server} ({error.text})")
    return refusal(error, server=server, revision=revision)


def write_failure(error: GrpcError, *, server: str, revision: int, members: int) -> ActorError:
    """Say whether something may have been written."""
    if error.text == failures.NO_LEADER:
        return NoQuorum(0, members)
    if not error.received:
        return Unreachable(f"{server} ({error.text})")
    if error.code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED, Code.INTERNAL):
        return OutcomeUnknown(f"{server}: {error.text}")
    return refusal(error, server=server, revision=revision)


def refusal(error: GrpcError, *, server: str, revision: int = 0) -> ActorError:
    """Translate an answer of etcd's own.

    It does not say where it was compacted: ``revision`` + 1 is the least that it can be.
    """
    found = _REFUSALS.get(error.text)
    if found is not None:
        return found(revision)
    if error.code is Code.RESOURCE_EXHAUSTED and error.text == failures.TOO_MANY_REQUESTS:
        return Overloaded(server)
    return InvalidRequest(error.text.removeprefix("etcdserver: "))


_REFUSALS: dict[str, Callable[[int], ActorError]] = {
    failures.COMPACTED: lambda revision: Compacted(revision + 1),
    failures.FUTURE_REVISION: FutureRevision,
    failures.LEASE_NOT_FOUND: LeaseNotFound,
    failures.NO_SPACE: lambda _: NoSpace(),
    failures.CORRUPT: lambda _: Corrupt("the etcd says that its members disagree"),
}

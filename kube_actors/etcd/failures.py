"""What goes wrong, in both languages: the store's errors and etcd's codes and texts.

Clients compare the texts, so they are etcd's to the letter (its api/v3rpc/rpctypes).
"""

from kube_actors.actor import ActorCrashed, ActorError, DeadlineExceeded, Overloaded, Unreachable
from kube_actors.etcd.grpc import Code, GrpcError
from kube_actors.store.messages import (
    Compacted,
    Corrupt,
    FutureRevision,
    InvalidRequest,
    LearnerNotReady,
    LeaseNotFound,
    MemberNotFound,
    MembershipRefused,
    NoQuorum,
    NoSpace,
    NotLeader,
    OutcomeUnknown,
)

COMPACTED = "etcdserver: mvcc: required revision has been compacted"
FUTURE_REVISION = "etcdserver: mvcc: required revision is a future revision"
NO_SPACE = "etcdserver: mvcc: database space exceeded"
LEASE_NOT_FOUND = "etcdserver: requested lease not found"
LEASE_TTL_TOO_LARGE = "etcdserver: too large lease TTL"
NO_LEADER = "etcdserver: no leader"
LEADER_CHANGED = "etcdserver: leader changed"
NOT_LEADER = "etcdserver: not leader"
TIMED_OUT = "etcdserver: request timed out"
TOO_MANY_REQUESTS = "etcdserver: too many requests"
CORRUPT = "etcdserver: corrupt cluster"
STOPPED = "etcdserver: server stopped"
MEMBER_NOT_FOUND = "etcdserver: member not found"
MEMBER_NOT_LEARNER = "etcdserver: can only promote a learner member"
LEARNER_NOT_READY = "etcdserver: can only promote a learner member which is in sync with leader"
NOT_ENOUGH_STARTED = "etcdserver: re-configuration failed due to not enough started members"
PEER_URL_EXISTS = "etcdserver: Peer URLs already exists"
BAD_URLS = "etcdserver: given member URLs are invalid"
BAD_TRANSFEREE = "etcdserver: bad leader transferee"
EMPTY_KEY = "etcdserver: key is not provided"
KEY_NOT_FOUND = "etcdserver: key not found"
INVALID_SORT = "etcdserver: invalid sort option"
NOT_ENABLED = "etcdserver: authentication is not enabled"

_REQUEST_TEXTS = {
    "key is not provided": Code.INVALID_ARGUMENT,
    "key not found": Code.INVALID_ARGUMENT,
    "value is provided": Code.INVALID_ARGUMENT,
    "lease is provided": Code.INVALID_ARGUMENT,
    "too many operations in txn request": Code.INVALID_ARGUMENT,
    "duplicate key given in txn request": Code.INVALID_ARGUMENT,
    "request is too large": Code.INVALID_ARGUMENT,
    "lease already exists": Code.FAILED_PRECONDITION,
}
_KINDS: tuple[tuple[type[ActorError], Code, str], ...] = (
    (Compacted, Code.OUT_OF_RANGE, COMPACTED),
    (FutureRevision, Code.OUT_OF_RANGE, FUTURE_REVISION),
    (NoSpace, Code.RESOURCE_EXHAUSTED, NO_SPACE),
    (LeaseNotFound, Code.NOT_FOUND, LEASE_NOT_FOUND),
    (NoQuorum, Code.UNAVAILABLE, NO_LEADER),
    (OutcomeUnknown, Code.UNAVAILABLE, TIMED_OUT),
    (DeadlineExceeded, Code.UNAVAILABLE, TIMED_OUT),
    (ActorCrashed, Code.UNAVAILABLE, STOPPED),
    (Unreachable, Code.UNAVAILABLE, STOPPED),
    (Overloaded, Code.RESOURCE_EXHAUSTED, TOO_MANY_REQUESTS),
    (Corrupt, Code.DATA_LOSS, CORRUPT),
    (MemberNotFound, Code.NOT_FOUND, MEMBER_NOT_FOUND),
    (LearnerNotReady, Code.FAILED_PRECONDITION, LEARNER_NOT_READY),
    (NotLeader, Code.FAILED_PRECONDITION, NOT_LEADER),
)


def to_grpc(error: Exception) -> GrpcError | None:
    """Say a store's error as etcd would; None for what is no error of the store."""
    if isinstance(error, InvalidRequest):
        code = _REQUEST_TEXTS.get(error.text, Code.INVALID_ARGUMENT)
        return GrpcError(code, f"etcdserver: {error.text}")
    if isinstance(error, MembershipRefused):
        return GrpcError(Code.FAILED_PRECONDITION, f"etcdserver: {error.text}")
    for kind, code, text in _KINDS:
        if isinstance(error, kind):
            return GrpcError(code, text)
    if isinstance(error, ActorError):
        return GrpcError(Code.UNAVAILABLE, f"etcdserver: {error}")
    return None

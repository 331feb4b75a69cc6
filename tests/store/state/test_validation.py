"""What etcd refuses before it is tried, so do we, in its words."""

import pytest

from kube_actors.actor import Blob
from kube_actors.store import (
    Compare,
    CompareResult,
    CompareTarget,
    DeleteRange,
    InvalidRequest,
    LeaseGrant,
    MemberConfig,
    Put,
    Range,
    Txn,
    Watch,
)
from kube_actors.store.state import check_grant, check_range, check_txn, check_watch

CONFIG = MemberConfig(member=1)


def a(key: bytes = b"a") -> Put:
    return Put(key, Blob(b""))


@pytest.mark.parametrize(
    ("txn", "reason"),
    [
        (Txn((), (a(b""),)), "key is not provided"),
        (Txn((), (DeleteRange(b""),)), "key is not provided"),
        (Txn((), (), (Range(b""),)), "key is not provided"),
        (
            Txn((Compare(b"", CompareTarget.MOD, CompareResult.EQUAL),), ()),
            "key is not provided",
        ),
        (Txn((), (Txn((), (a(b""),)),)), "key is not provided"),
        (Txn((), (a(), a())), "duplicate key"),
        (Txn((), (), (a(), a())), "duplicate key"),
        (Txn((), (a(), DeleteRange(b"a"))), "duplicate key"),
        (Txn((), (DeleteRange(b"a", b"c"), a(b"b"))), "duplicate key"),
        (Txn((), (DeleteRange(b"a", b"\0"), a(b"z"))), "duplicate key"),
        (Txn((), (a(), Txn((), (a(),)))), "duplicate key"),
        (Txn((), (a(), Txn((), (), (DeleteRange(b"a"),)))), "duplicate key"),
        (Txn((), (Txn((), (a(),)), Txn((), (), (a(),)))), "duplicate key"),
        (Txn((), (Txn((), (a(), a())),)), "duplicate key"),
        (Txn((), tuple(a(b"%d" % n) for n in range(129))), "too many operations"),
        (Txn((), (Put(b"a", Blob(b"x" * 2_000_000)),)), "request is too large"),
        (Txn((), (Put(b"a", Blob(b"x"), ignore_value=True),)), "value is provided"),
        (Txn((), (Put(b"a", Blob(b""), lease=1, ignore_lease=True),)), "lease is provided"),
    ],
)
def test_a_transaction_that_can_never_succeed_is_refused(txn: Txn, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        check_txn(CONFIG, txn)


@pytest.mark.parametrize(
    "txn",
    [
        Txn((), ()),
        Txn((), (a(), a(b"b")), (a(),)),
        Txn((), (DeleteRange(b"a", b"c"), DeleteRange(b"b"), a(b"c"))),
        Txn((), (Txn((), (a(),), (a(),)),)),
        Txn((), (a(), Range(b"a"), Txn((), (a(b"b"),)))),
    ],
)
def test_branches_exclude_each_other_and_deletes_may_overlap(txn: Txn) -> None:
    check_txn(CONFIG, txn)


def test_ranges_watches_and_leases_have_their_rules() -> None:
    with pytest.raises(InvalidRequest):
        check_range(Range(b""))
    with pytest.raises(InvalidRequest):
        check_watch(Watch(b""))
    with pytest.raises(InvalidRequest):
        check_watch(Watch(b"a", start_revision=-1))
    with pytest.raises(InvalidRequest):
        check_grant(LeaseGrant(0))
    with pytest.raises(InvalidRequest):
        check_grant(LeaseGrant(1, -1))
    check_grant(LeaseGrant(1))

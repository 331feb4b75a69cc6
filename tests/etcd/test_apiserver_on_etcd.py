"""The apiserver's own tests once more, on a real etcd instead of our store.

On the machine's clock, as etcd is a process: those that wait for long, or that break members of
our store, are left out. Every test begins on an empty etcd whose revisions go on.
"""

from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

from kube_actors.etcd import engine
from tests.apiserver import (
    test_availability,
    test_deletion,
    test_objects,
    test_reads_and_watches,
    test_refusals,
    test_services,
)
from tests.apiserver.who import test_access
from tests.etcd.real_etcd import RealEtcd, etcdctl

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]

LEFT_OUT = (
    # These wait for long.
    "test_a_list_at_exactly_a_revision_shows_that_revision",
    "test_a_watch_ends_after_its_timeout",
    "test_a_watch_whose_reader_left_is_found_and_ended",
    "test_a_watched_table_tells_ages_as_of_each_event",
    "test_bookmarks_come_now_and_then_to_those_who_asked",
    # These have a store of their own, or break its members.
    "test_a_cut_off_majority_is_noticed_and_heals",
    "test_an_apiserver_that_starts_without_a_quorum_still_serves_stale_reads",
    "test_components_say_how_they_are",
    "test_the_api_service_follows_the_api_to_another_address",
)
SOAK = (test_access, test_refusals, test_services)
"""Those that say least about the store are for ``make soak``."""


@pytest.fixture(autouse=True)
def _on_etcd(etcd: RealEtcd, monkeypatch: pytest.MonkeyPatch) -> None:
    done = etcdctl(etcd.url, "del", "", "--from-key")
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr("tests.apiserver.world.ENGINE", engine(etcd.url))


def _copy(found: Any) -> Any:
    """Return the same function with marks of its own."""
    copied = FunctionType(
        found.__code__, found.__globals__, found.__name__, found.__defaults__, found.__closure__
    )
    copied.__dict__.update(found.__dict__)
    copied.pytestmark = list(getattr(found, "pytestmark", ()))  # type: ignore[attr-defined]
    copied.__kwdefaults__ = found.__kwdefaults__
    return copied


def _borrowed(*modules: ModuleType) -> Iterator[tuple[str, Any]]:
    for module in modules:
        for name, found in vars(module).items():
            if name.startswith("test_") and callable(found) and name not in LEFT_OUT:
                yield name, pytest.mark.soak(_copy(found)) if module in SOAK else found


globals().update(
    _borrowed(
        test_access,
        test_availability,
        test_deletion,
        test_objects,
        test_reads_and_watches,
        test_refusals,
        test_services,
    )
)

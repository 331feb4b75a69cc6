"""One real etcd for a whole run; each test that uses it begins by emptying it."""

from collections.abc import Iterator

import pytest

from tests.etcd.real_etcd import RealEtcd, real_etcd


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealEtcd]:
    with real_etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running

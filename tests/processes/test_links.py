"""Real cut links: each master on a host of its own, in a network namespace."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.links import HOSTS, Links, why_not
from tests.processes.masters import Masters

pytestmark = pytest.mark.real_time

ATTEMPTS = 200


@pytest.fixture
def links() -> Iterator[Links]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with Links() as made:
        yield made


def role(masters: Masters, name: str) -> tuple[bool, int]:
    """Return whether a master is read-only, and whom its member follows; asked where it is."""
    done = masters.kubectl(name, "get", "--raw", "/debug/kube-actors/status")
    assert done.returncode == 0, done.stderr
    store = json.loads(done.stdout)["store"]
    own = store["members"][str(masters.names.index(name) + 1)]
    return own.get("readOnly", True), own.get("leader", 0)


def wait_role(masters: Masters, name: str, read_only: bool, not_led_by: int = -1) -> int:
    """Ask again and again until a master is, or is no longer, read-only."""
    for _ in range(ATTEMPTS):
        found, leader = role(masters, name)
        if found == read_only and leader != not_led_by and (read_only or leader):
            return leader
    raise AssertionError(f"{name} did not become {'read-only' if read_only else 'writable'}")


def test_a_master_that_is_cut_off_turns_read_only_and_heals(links: Links, tmp_path: Path) -> None:
    with Masters(tmp_path, hosts=HOSTS, prefix=links.prefix, backend="trio") as masters:
        number = wait_role(masters, "m1", read_only=False)
        alone = masters.names[number - 1]
        others = [name for name in masters.names if name != alone]
        masters.create(alone, "before")

        links.cut(alone)

        # The majority goes on under another leader.
        for name in others:
            assert wait_role(masters, name, read_only=False, not_led_by=number) != number
        masters.create(others[0], "during")
        # The minority, though it led, refuses writes and says how many answer; reads may be stale.
        wait_role(masters, alone, read_only=True)
        refused = masters.kubectl(alone, "create", "configmap", "lost", "--from-literal=a=3")
        assert refused.returncode != 0
        assert "1 of 3" in refused.stderr
        seen = masters.kubectl(alone, "get", "configmap", "before", "-o", "name")
        assert seen.stdout.strip() == "configmap/before", seen.stderr
        assert "may be stale" in seen.stderr

        links.mend(alone)

        wait_role(masters, alone, read_only=False)
        seen = masters.kubectl(alone, "get", "configmaps", "-o", "name")
        assert {"configmap/before", "configmap/during"} <= set(seen.stdout.split())
        assert "configmap/lost" not in seen.stdout
        assert "may be stale" not in seen.stderr
        masters.create(alone, "after")

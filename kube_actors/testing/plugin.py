"""The pytest plugin: fixture ``world``, marker ``world`` and options ``--world-seed(s)``.

The simulator is imported when a test asks for it, not by every pytest run of whoever has
kube-actors installed.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kube_actors.testing.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--world-seed`` and ``--world-seeds``."""
    group = parser.getgroup("kube-actors")
    group.addoption("--world-seed", type=int, metavar="N", help="run this seed of the world only")
    group.addoption("--world-seeds", type=int, metavar="N", help="run the seeds 0 to N-1")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker ``world`` known."""
    config.addinivalue_line(
        "markers",
        "world(seeds, faults, masters, nodes, seconds, settle_seconds, users, backend): the "
        "simulated clusters of the fixture world; see kube_actors.testing.WorldSettings",
    )


@pytest.fixture
def world(request: pytest.FixtureRequest) -> "World":
    """Simulated clusters with faults, one per seed; see ``kube_actors.testing.World``."""
    from kube_actors.testing.world import World, WorldSettings

    marker = request.node.get_closest_marker("world")
    options = dict(marker.kwargs) if marker is not None else {}
    seeds = options.get("seeds")
    if isinstance(seeds, int):
        options["seeds"] = range(seeds)
    count = request.config.getoption("--world-seeds")
    seed = request.config.getoption("--world-seed")
    if count is not None:
        options["seeds"] = range(count)
    if seed is not None:
        options["seeds"] = (seed,)
    try:
        return World(WorldSettings(**options), request.node.nodeid)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"{request.node.nodeid}: {error}") from None

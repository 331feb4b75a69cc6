"""The fixture ``world`` as a test of somebody else's operator uses it."""

import subprocess
import sys
import time

import anyio
import pytest
from attrs import evolve

from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.simulation.cluster import Change
from kube_actors.testing import World, WorldBroken, WorldSettings

pytest_plugins = ["pytester"]

QUICK = WorldSettings(seeds=(1,), nodes=1, seconds=3.0, settle_seconds=5.0)
CALM = WorldSettings(seeds=(4,), faults=("crash",), nodes=1, seconds=2.0, settle_seconds=5.0)


async def nothing(client: Client) -> None:
    await anyio.sleep_forever()


async def never(client: Client) -> None:
    raise AssertionError("it never comes true")


def test_a_seed_that_survives_leaves_its_digest() -> None:
    world, again = World(QUICK), World(QUICK)
    world.run(nothing)
    again.run(nothing)
    assert list(world.digests) == [1]
    assert world.digests == again.digests


def test_what_is_broken_is_told_with_the_shortest_schedule_and_the_command() -> None:
    with pytest.raises(WorldBroken) as broken:
        World(CALM, "tests/test_mine.py::test_it").run(nothing, expect=never)
    text = str(broken.value)
    assert "seed 4 breaks expectation" in text
    assert "it never comes true" in text
    assert "no fault at all" in text
    assert "python -m pytest tests/test_mine.py::test_it --world-seed 4" in text
    assert broken.value.shrunk.after.faults == ()


def test_what_must_hold_always_is_judged_at_every_change() -> None:
    seen: list[str] = []

    def no_lease(change: Change) -> None:
        seen.append(change.resource)
        assert change.resource != "coordination.k8s.io/leases", "a Lease was written"

    with pytest.raises(WorldBroken, match="a Lease was written"):
        World(CALM).run(nothing, always=no_lease)
    assert "core/nodes" in seen


def test_an_operator_that_asks_the_machine_for_the_time_is_told_so() -> None:
    async def asks(client: Client) -> None:
        time.time()

    with pytest.raises(WorldBroken, match=r"called time\.time in a simulated run"):
        World(CALM).run(asks)


async def names_its_child_afterwards(client: Client) -> None:
    """Forgets a child that it made when it ends before it has written the name down."""
    while True:
        parent = await client.get("configmaps", "parent", "default")
        if "child" not in (parent.get("data") or {}):
            child = await client.create(config_map(generateName="child-"))
            await client.patch(
                "configmaps", "parent", {"data": {"child": child["metadata"]["name"]}}, "default"
            )
        await anyio.sleep(0.5)


async def names_its_child_first(client: Client) -> None:
    while True:
        try:
            await client.create(config_map(name="child-1"))
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
        await anyio.sleep(0.5)


def config_map(**meta: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default", **meta}}


async def a_parent(client: Client) -> None:
    await client.apply(config_map(name="parent"))


async def one_child(client: Client) -> None:
    found = (await client.list("configmaps", "default"))["items"]
    names = [obj["metadata"]["name"] for obj in found]
    children = [name for name in names if name.startswith("child-")]
    assert len(children) == 1, f"{len(children)} children"


def test_an_operator_is_killed_between_a_write_and_what_should_follow_it() -> None:
    calm = evolve(CALM, seeds=range(4))
    with pytest.raises(WorldBroken, match=r"breaks expectation .* 2 children"):
        World(calm).run(names_its_child_afterwards, setup=a_parent, expect=one_child)
    World(calm).run(names_its_child_first, setup=a_parent, expect=one_child)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"faults": ("melt",)}, "melt"), ({"faults": ("dead",)}, "alone"), ({"seeds": ()}, "seed")],
)
def test_settings_that_make_no_world_are_refused(options: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        WorldSettings(**options)  # type: ignore[arg-type]


TEST = """
import anyio
import pytest


async def nothing(client):
    await anyio.sleep_forever()


@pytest.mark.world(seeds=2, nodes=1, seconds=1, faults=["crash"])
def test_it(world):
    world.run(nothing)
    print("seeds", list(world.digests))


@pytest.mark.world(sees=2)
def test_a_slip(world):
    pass


@pytest.mark.world(seeds=1, nodes=1, seconds=1, faults=["crash"])
def test_broken(world):
    async def wrong(client):
        raise KeyError("mine")

    world.run(wrong)
"""


def test_the_plugin_gives_the_fixture_and_its_options(
    pytester: pytest.Pytester, request: pytest.FixtureRequest
) -> None:
    pytester.makepyfile(TEST)
    loaded = request.config.pluginmanager.has_plugin("kube_actors")
    plugin = () if loaded else ("-p", "kube_actors.testing.plugin")
    ran = pytester.runpytest(*plugin, "-s", "--world-seed", "7", "-k", "test_it")
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(["*seeds [[]7[]]*"])
    broken = pytester.runpytest(*plugin, "-k", "broken")
    broken.assert_outcomes(failed=1)
    broken.stdout.fnmatch_lines(["*WorldBroken: seed 0 breaks crash*KeyError: 'mine'*"])
    broken.stdout.no_fnmatch_line("*def _tell*")  # our own insides would bury it
    slip = pytester.runpytest(*plugin, "-k", "slip")
    slip.assert_outcomes(errors=1)
    slip.stdout.fnmatch_lines(["*test_a_slip*sees*"])


def test_loading_the_plugin_does_not_load_the_simulator() -> None:
    program = "import sys, kube_actors.testing.plugin; print('trio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"

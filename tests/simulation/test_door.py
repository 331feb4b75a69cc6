"""The one door of the simulation: it gives every name, and loads nothing before it is asked."""

import subprocess
import sys

import pytest

from kube_actors import simulation


@pytest.mark.parametrize("name", simulation.__all__)
def test_the_door_gives_what_it_promises(name: str) -> None:
    assert getattr(simulation, name) is not None


def test_the_door_refuses_what_it_does_not_know() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Weather'"):
        simulation.Weather  # type: ignore[attr-defined]  # noqa: B018


def test_standing_before_the_door_loads_nothing_behind_it() -> None:
    program = (
        "import sys, kube_actors.simulation\n"
        "print(*(name for name in sys.modules if name.startswith('kube_actors.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["kube_actors.simulation"]

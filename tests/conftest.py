"""Every async test runs on asyncio and on trio, on virtual time unless it is marked real_time."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kube_actors.simulation import backend_options

# The same examples every time: a run that fails, fails again. `make soak` looks for new ones.
# How long an example takes to draw says something about the machine only.
_MACHINE = (HealthCheck.too_slow,)
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=_MACHINE)
settings.register_profile(
    "explore", deadline=None, max_examples=1000, suppress_health_check=_MACHINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    real_time = request.node.get_closest_marker("real_time") is not None
    return backend_options(request.param, real_time=real_time)


@pytest.fixture
def anyio_backend_name(anyio_backend: tuple[str, dict[str, Any]]) -> str:
    return anyio_backend[0]

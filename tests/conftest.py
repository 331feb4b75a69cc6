"""Every async test runs on asyncio and on trio, on virtual time unless it is marked real_time."""

from typing import Any

import pytest

from kube_actors.simulation.virtual_time import backend_options


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    real_time = request.node.get_closest_marker("real_time") is not None
    return backend_options(request.param, real_time=real_time)


@pytest.fixture
def anyio_backend_name(anyio_backend: tuple[str, dict[str, Any]]) -> str:
    return anyio_backend[0]

"""The real kubectl understands discovery and OpenAPI, and asks for no older documents."""

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from kube_actors.api import BUILTIN
from tests.api.discovery_server import serving

pytestmark = [pytest.mark.kubectl, pytest.mark.real_time]
Kubectl = Callable[..., str]


def _binary() -> str | None:
    beside = pathlib.Path(sys.executable).parent / "kubectl"
    return str(beside) if beside.exists() else shutil.which("kubectl")


@pytest.fixture(params=[True, False], ids=["aggregated", "one-by-one"])
def kubectl(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Kubectl]:
    binary = _binary()
    if binary is None:
        pytest.skip("kubectl is not installed")
    environment = {**os.environ, "HOME": str(tmp_path), "KUBECONFIG": os.devnull}
    with serving(BUILTIN, allow_aggregated=request.param) as (address, asked):

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [binary, "--server", address, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert not [path for path in asked if path.startswith("/openapi/v2")]
            return done.stdout

        yield run


def test_kubectl_lists_versions_and_resources(kubectl: Kubectl) -> None:
    assert "apps/v1\n" in kubectl("api-versions")
    found = kubectl("api-resources", "--no-headers", "-o", "name").split()
    expected = {kind.group_resource for kind in BUILTIN.all()}
    assert set(found) == expected
    assert "deploy" in kubectl("api-resources", "--api-group=apps")


def test_kubectl_explains_fields(kubectl: Kubectl) -> None:
    strategy = kubectl("explain", "deployment.spec.strategy")
    assert "rollingUpdate\t<RollingUpdateDeployment>" in strategy
    assert "<IntOrString>" in kubectl("explain", "service.spec.ports.targetPort")
    assert "<map[string]Quantity>" in kubectl("explain", "pod.spec.containers.resources")
    assert "-required-" in kubectl("explain", "hpa")


def test_kubectl_leaves_validation_to_the_server(kubectl: Kubectl, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {unknown: 1}\n"
    )
    options = ("--dry-run=client", "--validate=strict", "-o", "name")
    assert kubectl("create", "-f", str(file), *options) == "deployment.apps/web\n"

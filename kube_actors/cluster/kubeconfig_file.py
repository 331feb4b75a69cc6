"""A kubeconfig on disk: readable by its owner only, for it holds the administrator's key."""

import os
from pathlib import Path
from typing import Any

import yaml


def write_kubeconfig(path: Path, kubeconfig: dict[str, Any]) -> Path:
    """Write it where any Kubernetes client can read it; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(kubeconfig, file, sort_keys=False)
    return path

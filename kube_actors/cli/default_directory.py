"""Where ``up`` writes its kubeconfig unless told, and where other commands look for it."""

from pathlib import Path
from typing import Final

DEFAULT_DIRECTORY: Final = Path(".kube-actors")
"""Relative to the directory in which the command is typed."""

"""What is in a pod's volumes, and its files on disk: all of an update is seen, or nothing of it."""

from kube_actors.node.volumes.files import write_volume
from kube_actors.node.volumes.sources import (
    File,
    Token,
    contents,
    has_files,
    is_supported,
    references,
    tokens,
)

__all__ = [
    "File",
    "Token",
    "contents",
    "has_files",
    "is_supported",
    "references",
    "tokens",
    "write_volume",
]

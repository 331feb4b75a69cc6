"""Subresources other than status: one file each, found by resource, name and verb."""

from kube_actors.apiserver.subresources.table import find_subresource

__all__ = ["find_subresource"]

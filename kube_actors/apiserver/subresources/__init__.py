"""Subresources other than status: one file each, found by resource, name and verb."""

from kube_actors.apiserver.subresources.binding import bind_named
from kube_actors.apiserver.subresources.reviews import find_review
from kube_actors.apiserver.subresources.table import find_subresource

__all__ = ["bind_named", "find_review", "find_subresource"]

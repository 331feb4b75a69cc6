"""Paths that are no resources: discovery, OpenAPI, version, health and metrics."""

from kube_actors.apiserver.pages import pages

__all__ = ["pages"]

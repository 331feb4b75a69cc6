"""Containers as real processes: no root, no images, no daemon.

Each runs in a session and group of its own below its own directory, is watched through one epoll
descriptor, and dies with the process that owns it, however that dies.
"""

from kube_actors.node.runtimes.process.runtime import ProcessRuntime

__all__ = ["ProcessRuntime"]

"""The ways in: HTTP as an ASGI application, and the channel for our own actors.

Both turn what they are given into a ``Request`` and enter one pipeline at the same place.
"""

from kube_actors.apiserver.doors.asgi import create_app
from kube_actors.apiserver.doors.channel import Door

__all__ = ["Door", "create_app"]

"""A thin HTTP/1.1 server of ours that serves one ASGI application.

It exists because no stock server offers trio and asyncio, client certificates and back-pressure
together. It promises that one bad peer never harms another: every limit is explicit, a slow or
vanished client ends its own connection only. It refuses HTTP/2, upgrades and lifespan events.
"""

from kube_actors.apiserver.http.connection import AsgiApp, Endpoint, serve_connection
from kube_actors.apiserver.http.exchange import ClientGone
from kube_actors.apiserver.http.limits import Limits
from kube_actors.apiserver.http.server import Drain, serve

__all__ = ["AsgiApp", "ClientGone", "Drain", "Endpoint", "Limits", "serve", "serve_connection"]

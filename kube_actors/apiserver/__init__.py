"""The front end of the cluster: what kubectl, controllers and kubelets talk to.

``run_apiserver`` is the actor; ``create_app`` is the HTTP door as an ASGI application, served by
``http``; both enter one pipeline. Objects live in the store and are read from the watch cache.
"""

from kube_actors.apiserver.actor import run_apiserver
from kube_actors.apiserver.config import ApiServerConfig, StaticToken
from kube_actors.apiserver.doors import create_app
from kube_actors.apiserver.server import Server

__all__ = ["ApiServerConfig", "Server", "StaticToken", "create_app", "run_apiserver"]

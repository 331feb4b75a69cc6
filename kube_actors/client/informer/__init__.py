"""A view of all objects of a kind, kept by watching, that outlives any API server.

An informer keeps, per object, what its owner asked for: the bytes, or a small frozen record.
"""

from kube_actors.client.informer.informer import Informer
from kube_actors.client.informer.record import Record

__all__ = ["Informer", "Record"]

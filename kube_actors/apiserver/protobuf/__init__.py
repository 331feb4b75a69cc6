"""Kubernetes' protobuf, in one direction: request bodies of Go clients into JSON trees.

Go clients, kubectl among them, send built-in kinds as ``application/vnd.kubernetes.protobuf`` and
accept JSON back. What each field is called comes from a data file made of the published Go types.
"""

from kube_actors.apiserver.protobuf.decoder import MEDIA_TYPE, MalformedProtobuf, decode

__all__ = ["MEDIA_TYPE", "MalformedProtobuf", "decode"]

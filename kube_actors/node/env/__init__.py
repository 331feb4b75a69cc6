"""The environment of a container, and ``$(NAME)`` in what is said about it. Pure."""

from kube_actors.node.env.env import (
    MissingReference,
    Reference,
    Sources,
    data_of,
    environment,
    references,
    resource_value,
)
from kube_actors.node.env.expansion import expand, expand_all
from kube_actors.node.env.fields import field_value

__all__ = [
    "MissingReference",
    "Reference",
    "Sources",
    "data_of",
    "environment",
    "expand",
    "expand_all",
    "field_value",
    "references",
    "resource_value",
]

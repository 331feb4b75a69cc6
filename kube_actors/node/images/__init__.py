"""Programs that ship with the package and stand in for container images on process nodes.

A ``Catalogue`` maps image names, with or without a tag, to what is executed; nothing is pulled from
anywhere. An image without an entry runs only in a container that brings a command of its own.
"""

from kube_actors.node.images.catalogue import BUILTIN_IMAGES, Catalogue, Image, split_name

__all__ = ["BUILTIN_IMAGES", "Catalogue", "Image", "split_name"]

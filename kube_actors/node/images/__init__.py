"""Programs that ship with the package and stand in for container images on process nodes."""

from kube_actors.node.images.catalogue import BUILTIN_IMAGES, Catalogue, Image, split_name

__all__ = ["BUILTIN_IMAGES", "Catalogue", "Image", "split_name"]

"""Which program an image name stands for on nodes that run processes instead of containers.

An image needs an entry here or a ``command`` in the pod; without either it cannot be pulled, and
the message says so. A name matches with its tag first, then without it, and a pattern such as
``kube-actors/web:*`` gives the tag to the program as ``VERSION``.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import field, frozen

WEB_PROGRAM = str(Path(__file__).with_name("web.py"))
_PAUSE: Final = """
f=tmp/pause; mkfifo "$f" && exec 3<>"$f" && rm "$f"
trap 'exit 0' TERM INT
while :; do read -r _ <&3; done
"""


@frozen
class Image:
    """``entrypoint`` is replaced by a container's command, ``arguments`` by its args."""

    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    env: Mapping[str, str] = field(factory=dict)
    working_dir: str = ""


BUILTIN_IMAGES: Mapping[str, Image] = {
    "pause": Image(("/bin/sh", "-c", _PAUSE)),
    "registry.k8s.io/pause": Image(("/bin/sh", "-c", _PAUSE)),
    "kube-actors/web": Image((sys.executable, "-I", "-S", WEB_PROGRAM)),
}


@frozen
class Catalogue:
    """Images by name; ``name:tag`` goes before ``name``."""

    images: Mapping[str, Image] = field(factory=lambda: dict(BUILTIN_IMAGES))

    def with_images(self, images: Mapping[str, Image | tuple[str, ...]]) -> "Catalogue":
        """Add images; a bare tuple is an entry point."""
        added = {
            name: image if isinstance(image, Image) else Image(tuple(image))
            for name, image in images.items()
        }
        return Catalogue({**self.images, **added})

    def find(self, name: str) -> Image | None:
        """Return the program for an image name, with ``VERSION`` set to its tag."""
        bare, tag = split_name(name)
        for candidate in (name, bare, bare.removeprefix("docker.io/").removeprefix("library/")):
            image = self.images.get(candidate)
            if image is not None:
                return Image(
                    image.entrypoint,
                    image.arguments,
                    {"VERSION": tag, **image.env},
                    image.working_dir,
                )
        return None


def split_name(name: str) -> tuple[str, str]:
    """``registry:5000/a/b:1.2`` is ``("registry:5000/a/b", "1.2")``; no tag is ``latest``."""
    name, _, digest = name.partition("@")
    path, slash, last = name.rpartition("/")
    bare, _, tag = last.partition(":")
    return path + slash + bare, tag or digest or "latest"

"""Where a process finds "its" files when there is no mount namespace.

Without root nobody can mount, so the convention is: a container's root is a directory of its own,
its working directory lies in it, ``KUBE_ACTORS_ROOT`` names it, and a volume mounted at
``/etc/web`` is the symbolic link ``$KUBE_ACTORS_ROOT/etc/web``. A program that opens
``etc/web/x`` (relative) or ``$KUBE_ACTORS_ROOT/etc/web/x`` finds it; ``/etc/web/x`` is the host's.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from kube_actors.node.runtimes.protocol import Mount, RuntimeRefused


def build_root(root: Path, mounts: Sequence[Mount], working_dir: str) -> Path:
    """Make the root with its links and return the working directory."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "tmp").mkdir(exist_ok=True)
    for mount in sorted(mounts, key=lambda mount: len(PurePosixPath(mount.container_path).parts)):
        place = inside(root, mount.container_path)
        if place == root:
            raise RuntimeRefused("CreateContainerError", "a volume cannot be mounted at /")
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        elif place.is_dir() and not any(place.iterdir()):
            place.rmdir()
        if not place.exists():
            place.symlink_to(mount.host_path)
    directory = inside(root, working_dir) if working_dir else root
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def inside(root: Path, path: str) -> Path:
    """Map an absolute path of the container below its root. Raises RuntimeRefused."""
    pure = PurePosixPath(path)
    if ".." in pure.parts:
        raise RuntimeRefused("CreateContainerError", f"path {path!r} must not contain '..'")
    return root.joinpath(*(part for part in pure.parts if part != "/"))


def find_program(name: str, root: Path, directory: Path, env: Mapping[str, str]) -> str | None:
    """Return what to execute for ``argv[0]``: a mounted file goes before the host's."""
    if "/" not in name:
        return shutil.which(name, path=env.get("PATH", os.defpath))
    places = (inside(root, name), Path(name)) if name.startswith("/") else (directory / name,)
    for place in places:
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    return None

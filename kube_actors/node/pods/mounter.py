"""A pod's volumes on a node that uses files: written before the sandbox, refreshed while it runs.

Below the pod's directory each volume is ``volumes/<name>``; hostPath volumes are the host's own
paths. Disk work runs in a thread.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread

from kube_actors.api import Object
from kube_actors.node.config import KubeletConfig
from kube_actors.node.env import Sources, expand
from kube_actors.node.pods.entry import PodEntry
from kube_actors.node.pods.referenced_objects import ReferencedObjects
from kube_actors.node.runtimes import Mount
from kube_actors.node.volumes import (
    File,
    contents,
    has_files,
    is_supported,
    references,
    tokens,
    write_volume,
)


class VolumeProblem(Exception):
    """A volume cannot be made; the text says which and why."""


class VolumeMounter:
    """One per kubelet; does nothing for a runtime without files."""

    def __init__(self, config: KubeletConfig, referenced: ReferencedObjects) -> None:
        self._config = config
        self._referenced = referenced
        self._root = config.runtime.root_dir if config.runtime.uses_files else None

    def pod_directory(self, entry: PodEntry) -> Path | None:
        """Name the directory of the pod's volumes, logs and containers; None without files."""
        return self._root / "pods" / entry.uid if self._root is not None else None

    async def write(self, entry: PodEntry, pod: Object) -> None:
        """Make all volumes hold what they should.

        Raises VolumeProblem, MissingReference, ReferencesUnavailable, ValueError or OSError.
        """
        directory = self.pod_directory(entry)
        if directory is None:
            return
        wanted: dict[Path, dict[str, File]] = {}
        empty: list[Path] = []
        for volume in pod["spec"].get("volumes") or ():
            place = directory / "volumes" / volume["name"]
            if not is_supported(volume):
                kind = next((key for key in volume if key != "name"), "unknown")
                text = f'volume "{volume["name"]}": {kind} volumes are not supported on this node'
                raise VolumeProblem(text)
            if has_files(volume):
                wanted[place] = await self._contents(entry, pod, volume)
            elif "hostPath" in volume:
                await anyio.to_thread.run_sync(_check_host_path, volume)
            else:
                empty.append(place)
        if wanted or empty:
            await anyio.to_thread.run_sync(_write, wanted, empty)

    async def _contents(
        self, entry: PodEntry, pod: Object, volume: dict[str, Any]
    ) -> dict[str, File]:
        config, referenced = self._config, self._referenced
        objects = await referenced.objects(entry, references(volume))
        known = Sources(objects, (), config.capacity, config.node_ip, entry.ip)
        asked = tokens(volume)
        issued = await referenced.tokens(pod, asked) if asked else {}
        return contents(pod, volume, known, issued)

    def watch(self, entry: PodEntry, pod: Object) -> None:
        """From now on a change of what the pod mounts refreshes its files."""
        for volume in pod["spec"].get("volumes") or ():
            self._referenced.mount(entry, references(volume))

    def mounts(
        self, entry: PodEntry, pod: Object, container: dict[str, Any], env: Mapping[str, str]
    ) -> tuple[Mount, ...]:
        """Return where the container finds its volumes. Raises VolumeProblem."""
        directory = self.pod_directory(entry)
        if directory is None:
            return ()
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        mounts = []
        for mount in container.get("volumeMounts") or ():
            volume = volumes.get(mount["name"])
            if volume is None:
                raise VolumeProblem(f'volume "{mount["name"]}" not found in pod')
            if "hostPath" in volume:
                place = Path(volume["hostPath"]["path"])
            else:
                place = directory / "volumes" / volume["name"]
            part = mount.get("subPath") or expand(mount.get("subPathExpr") or "", env)
            if part:
                if ".." in Path(part).parts or part.startswith("/"):
                    raise VolumeProblem(f"subPath {part!r} must stay inside the volume")
                place = place / part
                if not place.exists():
                    place.mkdir(parents=True)
            mounts.append(Mount(mount["mountPath"], place, bool(mount.get("readOnly"))))
        return tuple(mounts)

    def remove(self, entry: PodEntry) -> None:
        """Take the pod's directory off the disk."""
        directory = self.pod_directory(entry)
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)


def _write(wanted: Mapping[Path, Mapping[str, File]], empty: list[Path]) -> None:
    for place in empty:
        place.mkdir(parents=True, exist_ok=True)
    for place, files in wanted.items():
        write_volume(place, files)


def _check_host_path(volume: dict[str, Any]) -> None:
    source = volume["hostPath"]
    path, kind = Path(source["path"]), source.get("type") or ""
    name = volume["name"]
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch(exist_ok=True)
    elif kind == "Directory" and not path.is_dir():
        raise VolumeProblem(
            f'volume "{name}": hostPath type check failed: {path} is not a directory'
        )
    elif kind == "File" and not path.is_file():
        text = f"hostPath type check failed: {path} is not a file"
        raise VolumeProblem(f'volume "{name}": {text}')

"""What is in a pod's volumes: a pure translation of volume sources to files.

``contents`` turns configMap, secret, downwardAPI and projected volumes into a flat mapping of
relative paths to bytes and mode; emptyDir and hostPath are directories, and nothing is written into
them. A reference that is missing and not optional raises MissingReference, a path that leaves the
volume raises ValueError. Writing the files, atomically, is the work of ``files``.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from attrs import frozen

from kube_actors.api import Object
from kube_actors.node.env import (
    MissingReference,
    Reference,
    Sources,
    data_of,
    field_value,
    resource_value,
)

DEFAULT_MODE = 0o644
_FILE_SOURCES = ("configMap", "secret", "downwardAPI", "projected")


@frozen
class File:
    """A file's content and its permission bits."""

    data: bytes
    mode: int


@frozen
class Token:
    """A service account token that a projected volume asks for."""

    path: str
    audience: str
    expiration_s: int


def has_files(volume: dict[str, Any]) -> bool:
    """The volume's content comes from the API and may change while it is mounted."""
    return any(volume.get(key) is not None for key in _FILE_SOURCES)


def is_supported(volume: dict[str, Any]) -> bool:
    """Whether this node can make the volume at all (no claims, no CSI, no other drivers)."""
    return has_files(volume) or "emptyDir" in volume or "hostPath" in volume


def references(volume: dict[str, Any]) -> list[Reference]:
    """Name the ConfigMaps and Secrets behind a volume."""
    found: dict[Reference, None] = {}
    for source in _sources(volume):
        if source.get("configMap") is not None:
            found[Reference("ConfigMap", source["configMap"].get("name", ""))] = None
        if source.get("secret") is not None:
            secret = source["secret"]
            found[Reference("Secret", secret.get("secretName") or secret.get("name", ""))] = None
    return list(found)


def tokens(volume: dict[str, Any]) -> list[Token]:
    """Return the tokens the volume asks for; one that names no lifetime lives for an hour."""
    return [
        Token(
            source["serviceAccountToken"]["path"],
            source["serviceAccountToken"].get("audience") or "",
            int(source["serviceAccountToken"].get("expirationSeconds") or 3600),
        )
        for source in _sources(volume)
        if source.get("serviceAccountToken")
    ]


def _sources(volume: dict[str, Any]) -> list[dict[str, Any]]:
    if volume.get("projected") is not None:
        return list(volume["projected"].get("sources") or ())
    return [volume]


def contents(
    pod: Object,
    volume: dict[str, Any],
    sources: Sources,
    issued: Mapping[Token, str] | None = None,
) -> dict[str, File]:
    """Return the volume's files by relative path; ``issued`` holds the tokens it asked for."""
    projected = volume.get("projected")
    files: dict[str, File] = {}
    for source in _sources(volume):
        mode = None
        if projected is not None:
            mode = projected.get("defaultMode")
        files.update(_of_source(pod, source, sources, mode))
    mode = (projected or {}).get("defaultMode") or DEFAULT_MODE
    for token in tokens(volume):
        if issued is not None and token in issued:
            files[token.path] = File(issued[token].encode(), mode)
    for path in files:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise ValueError(f"invalid path {path!r} in volume {volume.get('name', '')}")
    return files


def _of_source(
    pod: Object, source: dict[str, Any], sources: Sources, mode: int | None
) -> dict[str, File]:
    for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
        if source.get(key) is not None:
            return _of_object(source[key], kind, sources, mode)
    if source.get("downwardAPI") is not None:
        return _of_pod(pod, source["downwardAPI"], sources, mode)
    return {}


def _of_object(
    source: dict[str, Any], kind: str, sources: Sources, mode: int | None
) -> dict[str, File]:
    name = source.get("secretName") or source.get("name", "")
    obj = sources.objects.get(Reference(kind, name))
    if obj is None:
        if source.get("optional"):
            return {}
        raise MissingReference(f'{kind.lower()} "{name}" not found')
    data = data_of(kind, obj)
    default = mode or source.get("defaultMode") or DEFAULT_MODE
    if not source.get("items"):
        return {key: File(value, default) for key, value in sorted(data.items())}
    files: dict[str, File] = {}
    for item in source["items"]:
        if item["key"] in data:
            files[item["path"]] = File(data[item["key"]], item.get("mode") or default)
        elif not source.get("optional"):
            raise MissingReference(f"references non-existent {kind.lower()} key: {item['key']}")
    return files


def _of_pod(
    pod: Object, source: dict[str, Any], sources: Sources, mode: int | None
) -> dict[str, File]:
    default = mode or source.get("defaultMode") or DEFAULT_MODE
    files: dict[str, File] = {}
    for item in source.get("items") or ():
        if item.get("fieldRef"):
            path = item["fieldRef"]["fieldPath"]
            try:
                text = field_value(pod, path, pod_ip=sources.pod_ip, host_ip=sources.host_ip)
            except KeyError:
                raise MissingReference(f"failed to resolve fieldRef {path}") from None
        else:
            reference = item["resourceFieldRef"]
            text = resource_value(pod, {}, reference, sources.allocatable)
        files[item["path"]] = File(text.encode(), item.get("mode") or default)
    return files

"""How objects lie in the store: keys, and values without their resourceVersion.

A value is the object's JSON with ``apiVersion``, ``kind``, ``metadata`` first and no
resourceVersion, because the store decides that. On the way out it is spliced in right after the
first ``"metadata":{``, so stored bytes are shared by everyone who reads them.
"""

import sys
from typing import Any

import orjson

from kube_actors.api import Object

PREFIX = b"/registry/"
_MARK = b'"metadata":{'
_MARK_LENGTH = len(_MARK)


def resource_prefix(group: str, plural: str) -> bytes:
    """Return the prefix of all keys of a resource."""
    return f"/registry/{group or 'core'}/{plural}/".encode()


def object_key(group: str, plural: str, namespace: str, name: str) -> bytes:
    """Return an object's key: ``/registry/<group>/<plural>/<namespace>/<name>``, with ``core`` and
    ``-`` for none.
    """
    return f"/registry/{group or 'core'}/{plural}/{namespace or '-'}/{name}".encode()


def namespace_prefix(group: str, plural: str, namespace: str) -> bytes:
    """Return the prefix of all keys of a resource in one namespace."""
    return f"/registry/{group or 'core'}/{plural}/{namespace or '-'}/".encode()


def split_key(key: bytes) -> tuple[str, str, str, str] | None:
    """Return (group, plural, namespace, name) of a registry key, None for any other key."""
    parts = key.decode("utf-8", "replace").split("/")
    if len(parts) != 6 or parts[1] != "registry":
        return None
    _, _, group, plural, namespace, name = parts
    # Interned, so that all caches of one process share the text.
    return (
        "" if group == "core" else group,
        plural,
        "" if namespace == "-" else sys.intern(namespace),
        sys.intern(name),
    )


def prefix_end(prefix: bytes) -> bytes:
    """Return the exclusive end of the keys that start with ``prefix`` (never empty)."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def encode_value(obj: Object) -> bytes:
    """Return the bytes to store; ``obj`` keeps its resourceVersion, the bytes do not."""
    metadata: dict[str, Any] = obj["metadata"]
    if "resourceVersion" in metadata:
        metadata = {k: v for k, v in metadata.items() if k != "resourceVersion"}
    ordered = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata}
    for key, value in obj.items():
        if key not in ordered:
            ordered[key] = value
    # The encoder leaves its result in a buffer of several kilobytes; stored bytes live long.
    return bytes(memoryview(orjson.dumps(ordered)))


def splice(value: bytes, revision: int) -> bytes:
    """Return the object's JSON with its resourceVersion; 0 means that it was never stored."""
    if not revision:
        return value
    at = value.index(_MARK) + _MARK_LENGTH
    return b'%b"resourceVersion":"%d",%b' % (value[:at], revision, value[at:])


def decode_value(value: bytes, revision: int) -> Object:
    """Return the stored object with its resourceVersion first among its metadata."""
    obj: Object = orjson.loads(value)
    if not revision:
        return obj
    obj["metadata"] = {"resourceVersion": str(revision), **obj["metadata"]}
    return obj

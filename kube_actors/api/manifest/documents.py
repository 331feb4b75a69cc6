"""A manifest: several documents, JSON or YAML, lists among them, as one flat list of objects.

Every object must say its ``apiVersion`` and ``kind``; the items of a typed list such as ``PodList``
inherit theirs from it, as they do on the wire.
"""

from collections.abc import Iterator
from typing import Any

from kube_actors.api.manifest.json_text import MalformedManifest, decode_json, malformed
from kube_actors.api.manifest.yaml_text import decode_documents

Object = dict[str, Any]


def _flatten(value: Any, document: int) -> Iterator[Object]:
    if not isinstance(value, dict):
        found = "a list" if isinstance(value, list) else f"{value!r}"
        raise malformed(f"document {document}: expected an object, found {found}")
    kind, version = value.get("kind"), value.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        raise malformed(f"document {document}: Object 'kind' is missing")
    if not isinstance(version, str) or not version:
        raise malformed(f"document {document}: Object 'apiVersion' is missing")
    if not kind.endswith("List") or not isinstance(value.get("items"), list):
        yield value
        return
    for item in value["items"]:
        if isinstance(item, dict) and kind != "List":
            item = {"apiVersion": version, "kind": kind.removesuffix("List"), **item}
        yield from _flatten(item, document)


def parse_yaml(text: str | bytes) -> list[Object]:
    """Give the objects of all documents in order; raises ``MalformedManifest``."""
    objects: list[Object] = []
    for number, decoded in enumerate(decode_documents(text), start=1):
        objects.extend(_flatten(decoded.value, number))
    return objects


def parse_manifest(text: str | bytes) -> list[Object]:
    """Like ``parse_yaml``, and reads a single JSON value by JSON's own rules."""
    data = text.encode() if isinstance(text, str) else text
    if data.lstrip().startswith(b"{"):
        try:
            value = decode_json(data, find_duplicates=False).value
        except MalformedManifest:
            return parse_yaml(text)
        return list(_flatten(value, 1))
    return parse_yaml(text)

"""Declarative changes as ``kubectl apply`` makes them, with the same annotation.

The manifest is kept on the object itself, in ``last-applied-configuration``; kubectl and this
library can take turns on one object. Built-in kinds get a strategic merge patch, others a merge
patch. No patch carries a resourceVersion, so that what others change meanwhile does not get in
the way.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from kube_actors.api import Kind, Object, StatusError
from kube_actors.api.manifest import parse_manifest
from kube_actors.api.patches import create_merge_patch, merge_rules, three_way_patch
from kube_actors.client.verbs import Verbs

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SUFFIXES = (".yaml", ".yml", ".json")


def _read(path: Path) -> list[Object]:
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES)
        return [obj for file in files for obj in _read(file)]
    return parse_manifest(path.read_bytes())


def objects_of(manifest: Object | Sequence[Object] | str | Path) -> list[Object]:
    """Give the objects of a manifest; raises ``MalformedManifest`` or ``OSError``."""
    if isinstance(manifest, Path):
        return _read(manifest)
    if isinstance(manifest, str):
        is_path = "\n" not in manifest and manifest.endswith(_SUFFIXES)
        return _read(Path(manifest)) if is_path else parse_manifest(manifest)
    if isinstance(manifest, dict):
        return parse_manifest(orjson.dumps(manifest))
    return [obj for each in manifest for obj in objects_of(each)]


def annotated(obj: Object, namespace: str | None) -> Object:
    """The object with its namespace and with itself, as it was given, in its annotation."""
    meta = dict(obj.get("metadata") or {})
    if namespace:
        meta["namespace"] = namespace
    annotations = dict(meta.get("annotations") or {})
    annotations.pop(LAST_APPLIED, None)
    bare = {**obj, "metadata": {**meta, "annotations": annotations}}
    text = orjson.dumps(bare, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()
    return {**bare, "metadata": {**meta, "annotations": {**annotations, LAST_APPLIED: text}}}


def last_applied(live: Object) -> Object:
    """What was applied last; empty if it was made otherwise, or the annotation is broken."""
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED, "")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def patch_for(kind: Kind, wanted: Object, live: Object) -> tuple[str, Any]:
    """Give the type and the patch that bring ``live`` to ``wanted``; empty if nothing differs."""
    rules = merge_rules(kind)
    original = last_applied(live)
    if rules is None:
        return "merge", create_merge_patch(original, wanted, live)
    return "strategic", three_way_patch(original, wanted, live, rules)


async def apply_all(
    client: Verbs,
    manifest: Object | Sequence[Object] | str | Path,
    namespace: str | None,
) -> list[Object]:
    """Apply in order; the first failure ends it, and what was applied stays."""
    return [await _apply(client, obj, namespace) for obj in objects_of(manifest)]


async def _apply(client: Verbs, obj: Object, namespace: str | None) -> Object:
    kind = await client.kind_of(obj)
    place = None
    if kind.namespaced:
        place = (obj.get("metadata") or {}).get("namespace") or namespace or "default"
    wanted = annotated(obj, place)
    name = wanted["metadata"].get("name", "")
    if not name:
        return await client.create(wanted)
    while True:
        try:
            live = await client.get(kind, name, place)
        except StatusError as error:
            if error.code != 404:
                raise
            created = await _created(client, wanted)
            if created is None:
                continue
            return created
        type_, patch = patch_for(kind, wanted, live)
        if not patch:
            return live
        if type_ == "strategic":
            return await client.patch(kind, name, patch, place, type="strategic")
        return await client.patch(kind, name, patch, place)


async def _created(client: Verbs, wanted: Object) -> Object | None:
    try:
        return await client.create(wanted)
    except StatusError as error:
        # Somebody made it between our look and our write: look again.
        if error.reason == "AlreadyExists":
            return None
        raise

"""OpenAPI v3 documents, one per group version, made from the same data that decoding uses.

They are as complete as kubectl needs for explain, apply, diff and validation: schemas with
their Kubernetes extensions, and paths whose operations name their kind and their parameters.
Documents are built when asked for and kept as bytes; the index costs nothing to make.
"""

import hashlib
from functools import lru_cache
from typing import Any

import orjson

from kube_actors.api.kinds import Group, Kind, Kinds
from kube_actors.api.openapi import paths as openapi_paths
from kube_actors.api.openapi import schemas as openapi_schemas

Document = dict[str, Any]
TITLE = "Kubernetes"
VERSION = "v1.36.0"


def root_path(group: str, version: str) -> str:
    """Return ``api/v1`` or ``apis/<group>/<version>``: a document's name in the index."""
    return f"apis/{group}/{version}" if group else f"api/{version}"


def index(kinds: Kinds) -> Document:
    """Return the body of ``/openapi/v3``. The hashes change when the documents do."""
    return {
        "paths": {
            path: _entry(kinds, group, version, path)
            for group in kinds.groups()
            for version in group.versions
            for path in [root_path(group.name, version)]
        }
    }


def _entry(kinds: Kinds, group: Group, version: str, path: str) -> Document:
    digest = _digest(kinds.in_group_version(group.name, version))
    return {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}


@lru_cache(maxsize=256)
def _digest(members: tuple[Kind, ...]) -> str:
    # A built-in's schema never changes while we run; a custom kind's name says which it is.
    said = [[kind.schema, kind.api_version, kind.plural, kind.subresources] for kind in members]
    return hashlib.sha256(orjson.dumps([VERSION, said])).hexdigest()[:32].upper()


def document(kinds: Kinds, group: str, version: str) -> bytes | None:
    """Return the JSON body of ``/openapi/v3/<root path>``, None if it is not served."""
    members = kinds.in_group_version(group, version)
    return _document(members) if members else None


@lru_cache(maxsize=64)
def _document(members: tuple[Kind, ...]) -> bytes:
    paths: Document = {}
    for kind in members:
        paths.update(openapi_paths.of_kind(kind))
    return orjson.dumps(
        {
            "openapi": "3.0.0",
            "info": {"title": TITLE, "version": VERSION},
            "paths": dict(sorted(paths.items())),
            "components": {"schemas": openapi_schemas.components(members)},
        }
    )

"""The structure of Kubernetes' built-in types, as compressed files, read on first use.

``structure.json.gz`` is written by ``generate.py`` at development time and holds OpenAPI-like
definitions without prose: properties, types, formats, references, list types and merge keys.
``descriptions.json.gz`` holds the prose of the published API reference (Kubernetes, Apache-2.0)
for ``kubectl explain`` alone. Nothing here is read when the package is imported.
"""

import gzip
from functools import cache
from importlib import resources
from typing import Any

import orjson

Schema = dict[str, Any]


@cache
def definitions() -> dict[str, Schema]:
    """Return every definition by its full name, e.g. ``io.k8s.api.core.v1.Pod``.

    The same mapping is returned each time and must not be changed.
    """
    packed = resources.files(__name__).joinpath("structure.json.gz").read_bytes()
    loaded: dict[str, Schema] = orjson.loads(gzip.decompress(packed))
    return loaded


@cache
def descriptions() -> dict[str, dict[str, str]]:
    """Return prose by definition and field ("" is the definition itself); empty if not there.

    The file is optional: ``generate.py --descriptions`` writes it, deleting it loses only prose.
    """
    file = resources.files(__name__).joinpath("descriptions.json.gz")
    if not file.is_file():
        return {}
    loaded: dict[str, dict[str, str]] = orjson.loads(gzip.decompress(file.read_bytes()))
    return loaded

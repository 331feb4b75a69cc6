"""Reads the structure and the prose of the built-in types, each once and only when asked."""

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
    packed = resources.files(__package__).joinpath("structure.json.gz").read_bytes()
    loaded: dict[str, Schema] = orjson.loads(gzip.decompress(packed))
    return loaded


@cache
def descriptions() -> dict[str, dict[str, str]]:
    """Return prose by definition and field ("" is the definition itself); empty if not there.

    The file is optional: ``generate.py --descriptions`` writes it, deleting it loses only prose.
    """
    file = resources.files(__package__).joinpath("descriptions.json.gz")
    if not file.is_file():
        return {}
    loaded: dict[str, dict[str, str]] = orjson.loads(gzip.decompress(file.read_bytes()))
    return loaded

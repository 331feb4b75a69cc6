"""Checks that an object has the structure of its kind, and gives it back without what it may not.

This is decoding, not validation: it answers what kube-apiserver's decoder answers. Unknown
fields are pruned and listed, nulls are unset, times and quantities take their canonical form and
the defaults that a schema states are filled in. What is structurally right may still be invalid.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from kube_actors.api import errors
from kube_actors.api.data import definitions
from kube_actors.api.kinds import Kind, Object
from kube_actors.api.schema.compiler import OBJECT_META, Compiler
from kube_actors.api.schema.scalars import Node, Place, Report

_ROOT = Place("", "", "")


class Structure(NamedTuple):
    """``unknown`` holds field paths, ``errors`` the decoder's words; both in document order."""

    obj: Object
    unknown: list[str]
    errors: list[str]


@cache
def _builtin() -> Compiler:
    return Compiler(definitions())


@lru_cache(maxsize=1024)
def _node(kind: Kind) -> Node:
    if kind.definition is None:
        return _builtin().named(kind.schema)
    compiler = Compiler({}, builtin=_builtin())
    properties = dict(kind.definition.get("properties", {}))
    properties.setdefault("apiVersion", {"type": "string"})
    properties.setdefault("kind", {"type": "string"})
    properties["metadata"] = {"$ref": OBJECT_META}
    return compiler.node({**kind.definition, "type": "object", "properties": properties})


def validate_structure(kind: Kind, obj: Any, *, strict: bool | str = "Warn") -> Structure:
    """Check, prune and default ``obj`` in one pass; ``obj`` itself is not changed.

    ``strict`` is the fieldValidation of the request: ``"Ignore"`` (or False) leaves the unknown
    fields unlisted. Nothing is raised: ``decoding_error`` makes the error of what is found.
    """
    return _checked(_node(kind), obj, strict)


def validate_definition(name: str, obj: Any, *, strict: bool | str = "Warn") -> Structure:
    """Do the same for a definition that is no kind, e.g. ``…meta.v1.DeleteOptions``."""
    return _checked(_builtin().named(name), obj, strict)


def _checked(node: Node, obj: Any, strict: bool | str) -> Structure:
    if node.clean(obj):
        return Structure(obj, [], [])
    report = Report()
    result = node.walk(obj, _ROOT, report)
    unknown = [] if strict is False or strict == "Ignore" else report.unknown
    return Structure(result, unknown, report.errors)


def _unhandled(kind: Kind, why: str) -> errors.StatusError:
    return errors.bad_request(
        f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}'
    )


def decoding_error(kind: Kind, found: Structure) -> errors.StatusError | None:
    """Return the 400 for wrong types, None if there are none. Go's decoder tells the first."""
    return _unhandled(kind, found.errors[0]) if found.errors else None


def field_warnings(unknown: Iterable[str], duplicates: Iterable[str] = ()) -> list[str]:
    """Return the 299 warning texts of fieldValidation=Warn."""
    texts = [f'duplicate field "{path}"' for path in duplicates]
    return texts + [f'unknown field "{path}"' for path in unknown]


def strict_error(
    kind: Kind, unknown: Iterable[str], duplicates: Iterable[str] = ()
) -> errors.StatusError | None:
    """Return the 400 of fieldValidation=Strict, None if nothing is unknown or duplicate."""
    texts = field_warnings(unknown, duplicates)
    return _unhandled(kind, "strict decoding error: " + ", ".join(texts)) if texts else None

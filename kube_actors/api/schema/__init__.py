"""What an object of a kind looks like: checked, pruned and defaulted in one pass.

A schema is compiled once into closures (``compiler``), whose leaves accept what Go's decoder
accepts (``scalars``); ``structure`` finds the schema of a kind. Values are never changed in
place.
"""

from kube_actors.api.schema.compiler import OBJECT_META
from kube_actors.api.schema.structure import (
    Structure,
    decoding_error,
    field_warnings,
    strict_error,
    validate_definition,
    validate_structure,
)

__all__ = [
    "OBJECT_META",
    "Structure",
    "decoding_error",
    "field_warnings",
    "strict_error",
    "validate_definition",
    "validate_structure",
]

"""The strict converter of one boundary.

Two cattrs converters with the same hooks: the quick one reads, and only what it refuses is read
again by the one that knows where in the data it is.
"""

from typing import Any, TypeVar

import attrs
from cattrs import BaseValidationError, Converter
from cattrs.dispatch import StructureHook, UnstructureHook
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from kube_actors.boundary.checks import register_checks
from kube_actors.boundary.json_values import parse_json
from kube_actors.boundary.refusal import Malformed, Rename, refusal, unexpected

T = TypeVar("T")


class Boundary:
    """Reads plain data into frozen attrs classes and writes them as plain data.

    Fields may be int, float, str, bool, unions of these and None, literals, attrs classes, and
    tuples and mappings by name of any of them. An integer may stand for a float and stays one.

    ``camel``: the data says ``sizeBytes`` for ``size_bytes``. ``omit_defaults``: a field that has
    its default is not written. ``complete``: every field must be there, those with a default too.
    """

    def __init__(
        self, *, camel: bool = False, omit_defaults: bool = False, complete: bool = False
    ) -> None:
        self._rename: Rename = _camel if camel else str
        self._omit_defaults = omit_defaults
        self._complete = complete
        self._quick = self._converter(detailed=False)
        self._telling = self._converter(detailed=True)

    def read(self, kind: type[T], value: object) -> T:
        """Make a ``kind`` of plain data; raises Malformed naming the first thing wrong in it."""
        try:
            return self._quick.structure(value, kind)
        except (ValueError, KeyError, ForbiddenExtraKeysError):
            pass
        try:
            return self._telling.structure(value, kind)
        except (ValueError, BaseValidationError) as error:
            raise refusal(error, self._rename) from None

    def read_json(self, kind: type[T], text: str | bytes) -> T:
        """Make a ``kind`` of a JSON text; raises Malformed."""
        return self.read(kind, parse_json(text))

    def write(self, value: object) -> Any:
        """Return a value as plain data, its fields in the order of its class."""
        return self._quick.unstructure(value)

    def _converter(self, *, detailed: bool) -> Converter:
        converter = Converter(detailed_validation=detailed)
        register_checks(converter)
        converter.register_structure_hook_factory(
            attrs.has, lambda kind: self._reader(converter, kind)
        )
        converter.register_unstructure_hook_factory(
            attrs.has, lambda kind: self._writer(converter, kind)
        )
        return converter

    def _names(self, kind: type[Any]) -> dict[str, Any]:
        return {
            field.name: override(rename=self._rename(field.name)) for field in attrs.fields(kind)
        }

    def _reader(self, converter: Converter, kind: type[Any]) -> StructureHook:
        generated = make_dict_structure_fn(
            kind, converter, _cattrs_forbid_extra_keys=True, **self._names(kind)
        )
        names = [self._rename(field.name) for field in attrs.fields(kind)]
        least = len(names) if self._complete else 0

        def read(value: Any, _: Any) -> Any:
            if type(value) is not dict:
                raise unexpected("an object", value)
            if len(value) < least:
                missing = [name for name in names if name not in value]
                unknown = [name for name in value if name not in names]
                if not unknown:
                    raise Malformed(missing[0], "it is missing")
            return generated(value, kind)

        return read

    def _writer(self, converter: Converter, kind: type[Any]) -> UnstructureHook:
        return make_dict_unstructure_fn(
            kind,
            converter,
            _cattrs_omit_if_default=self._omit_defaults,
            **self._names(kind),
        )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))

"""Request bodies into objects of their kind: media type, size, syntax, structure.

Field validation is the request's: Strict refuses unknown and duplicate fields, Warn tells of
them, Ignore drops them silently. Wrong types are always refused. Nothing here waits.
"""

from typing import Any

from kube_actors.api import BUILTIN, Cause, Kind, Object, errors
from kube_actors.api.manifest import Decoded, decode_json, decode_yaml
from kube_actors.api.schema import (
    Structure,
    decoding_error,
    field_warnings,
    strict_error,
    validate_definition,
    validate_structure,
)
from kube_actors.apiserver import protobuf
from kube_actors.apiserver.request import JSON, YAML, Request

ACCEPTED = (JSON, YAML, protobuf.MEDIA_TYPE)
_YAML_TYPES = frozenset((YAML, "text/yaml", "application/x-yaml"))
_VALIDATIONS = ("Ignore", "Warn", "Strict")


def media_type(content_type: str) -> str:
    """Cut a Content-Type's parameters off; lower case, for media types are compared without it."""
    return content_type.partition(";")[0].strip().lower()


def check_size(request: Request, limit: int) -> None:
    """Raise ``StatusError`` 413 when the body is larger than ``limit`` bytes."""
    if len(request.body) > limit:
        raise errors.too_large(f"limit is {limit}")


def options_of(request: Request) -> errors.Resource:
    """Return what the query's options are called in an error."""
    kinds = {"PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
    return errors.Resource("meta.k8s.io", "", kinds.get(request.method, "CreateOptions"))


def field_validation(request: Request) -> str:
    """Return Ignore, Warn or Strict; raises ``StatusError`` 422 for another value."""
    given = request.query.get("fieldValidation")
    if not given:
        return "Warn"
    if given not in _VALIDATIONS:
        cause = Cause.not_supported("fieldValidation", given, ("", *_VALIDATIONS))
        raise errors.invalid(options_of(request), "", [cause])
    return given


def decode_body(request: Request) -> Decoded:
    """Return the body's tree; raises ``StatusError`` 400 or 415."""
    kind = media_type(request.content_type) or JSON
    if kind == JSON:
        # Finding duplicates costs a second parse: it is done for those who asked.
        wanted = request.query.get("fieldValidation") in ("Warn", "Strict")
        return decode_json(request.body, find_duplicates=wanted)
    if kind in _YAML_TYPES:
        return decode_yaml(request.body)
    if kind == protobuf.MEDIA_TYPE:
        return _decode_protobuf(request.body)
    raise errors.unsupported_media_type(ACCEPTED)


def _decode_protobuf(body: bytes) -> Decoded:
    try:
        return Decoded(protobuf.decode(body))
    except protobuf.MalformedProtobuf as error:
        raise errors.bad_request(f"the body cannot be decoded: {error}") from None


def decode_object(request: Request, kind: Kind, warnings: list[str]) -> Object:
    """Return the body as a clean object of ``kind``; adds field ``warnings``.

    Raises ``StatusError`` 400 or 415.
    """
    decoded = decode_body(request)
    obj = typed(decoded.value, kind)
    return structured(obj, kind, field_validation(request), warnings, decoded.duplicates)


def decode_definition(request: Request, definition: str) -> Object:
    """Return the body as a clean object of a schema that is no kind, such as ``DeleteOptions``.

    An empty body is an empty object. Raises ``StatusError`` 400 or 415.
    """
    if not request.body.strip():
        return {}
    name = definition.rpartition(".")[2]
    value = decode_body(request).value
    kind = value.get("kind") if isinstance(value, dict) else None
    found = validate_definition(definition, value, strict="Ignore")
    if found.errors or not isinstance(found.obj, dict):
        why = found.errors[0] if found.errors else f"json: {_go_type(value)} is no object"
        raise errors.bad_request(f'{name} in version "v1" cannot be handled as a {name}: {why}')
    if kind not in (None, "", name):
        raise errors.bad_request(
            f'{kind} in version "v1" cannot be handled as a {name}: '
            f"the object provided is a {kind}, not a {name}"
        )
    return found.obj


def structured(
    obj: Object,
    kind: Kind,
    validation: str,
    warnings: list[str],
    duplicates: tuple[str, ...] = (),
) -> Object:
    """Check structure, prune and default; raises ``StatusError`` 400."""
    found: Structure = validate_structure(kind, obj, strict=validation)
    error = decoding_error(kind, found)
    if error is None and validation == "Strict":
        error = strict_error(kind, found.unknown, duplicates)
    if error is not None:
        raise error
    if validation == "Warn":
        warnings.extend(field_warnings(found.unknown, duplicates))
    if not isinstance(found.obj.get("metadata"), dict):
        found.obj["metadata"] = {}
    return found.obj


def typed(obj: Any, kind: Kind) -> Object:
    """Return the object with apiVersion and kind filled in; raises ``StatusError`` 400."""
    if not isinstance(obj, dict):
        raise errors.bad_request(
            "couldn't get version/kind; json parse error: json: cannot unmarshal "
            f"{_go_type(obj)} into Go value of type struct "
            '{ APIVersion string "json:\\"apiVersion,omitempty\\""; '
            'Kind string "json:\\"kind,omitempty\\"" }'
        )
    version, name = obj.get("apiVersion") or kind.api_version, obj.get("kind") or kind.kind
    if name != kind.kind:
        short = str(version).rpartition("/")[2]
        known = BUILTIN.by_kind(str(version), str(name)) is not None
        why = (
            f"converting ({short}.{name}) to (core.{kind.kind}): unknown conversion"
            if known
            else f'no kind "{name}" is registered for version "{version}" in scheme "kube_actors"'
        )
        raise errors.bad_request(
            f'{name} in version "{short}" cannot be handled as a {kind.kind}: {why}'
        )
    if version != kind.api_version:
        raise errors.bad_request(
            f"the API version in the data ({version}) does not match "
            f"the expected API version ({kind.api_version})"
        )
    return {"apiVersion": version, "kind": name, **_without_type(obj)}


def _without_type(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}


def _go_type(value: Any) -> str:
    names = {str: "string", bool: "bool", list: "array", int: "number", float: "number"}
    return names.get(type(value), "null")

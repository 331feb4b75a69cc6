"""JSON Patch (RFC 6902), copying only the containers along the path of each operation.

All operations apply or none does. Kubernetes' bounds hold: 10,000 operations, and copies that add
up to no more than 3 MiB.
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from kube_actors.api.errors import StatusError, bad_request, too_large, unprocessable
from kube_actors.api.patches.equality import same

OPERATIONS_MAX = 10_000
COPIED_BYTES_MAX = 3 * 1024 * 1024
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,9})\Z")
_BAD_ESCAPE = re.compile(r"~(?![01])")

Path = tuple[str, ...]


def _parse(pointer: Any, member: str) -> Path:
    if not isinstance(pointer, str):
        raise bad_request(f"json patch: operation has no valid '{member}'")
    if pointer == "":
        return ()
    if not pointer.startswith("/") or _BAD_ESCAPE.search(pointer):
        raise bad_request(f"json patch: '{pointer}' is not a JSON pointer")
    tokens = pointer[1:].split("/")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def _missing(path: Path) -> StatusError:
    pointer = "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in path)
    return unprocessable(f"json patch: path '{pointer}' does not exist")


def _index(token: str, length: int, path: Path) -> int:
    if not _INDEX.match(token) or int(token) >= length:
        raise _missing(path)
    return int(token)


def _get(doc: Any, path: Path) -> Any:
    for token in path:
        if isinstance(doc, dict) and token in doc:
            doc = doc[token]
        elif isinstance(doc, list):
            doc = doc[_index(token, len(doc), path)]
        else:
            raise _missing(path)
    return doc


def _edit(doc: Any, path: Path, change: Callable[[Any, str], None], whole: Path) -> Any:
    """Copy the containers on the way and let ``change`` alter the copy of the last one."""
    token, rest = path[0], path[1:]
    if isinstance(doc, dict):
        made: Any = dict(doc)
        if rest:
            if token not in doc:
                raise _missing(whole)
            made[token] = _edit(doc[token], rest, change, whole)
            return made
    elif isinstance(doc, list):
        made = list(doc)
        if rest:
            index = _index(token, len(doc), whole)
            made[index] = _edit(doc[index], rest, change, whole)
            return made
    else:
        raise _missing(whole)
    change(made, token)
    return made


def _add(doc: Any, path: Path, value: Any) -> Any:
    def change(container: Any, token: str) -> None:
        if isinstance(container, dict):
            container[token] = value
        elif token == "-":
            container.append(value)
        else:
            container.insert(_index(token, len(container) + 1, path), value)

    return _edit(doc, path, change, path) if path else value


def _remove(doc: Any, path: Path) -> Any:
    def change(container: Any, token: str) -> None:
        if isinstance(container, list):
            del container[_index(token, len(container), path)]
        elif token in container:
            del container[token]
        else:
            raise _missing(path)

    return _edit(doc, path, change, path) if path else None


def _replace(doc: Any, path: Path, value: Any) -> Any:
    def change(container: Any, token: str) -> None:
        if isinstance(container, list):
            container[_index(token, len(container), path)] = value
        elif token in container:
            container[token] = value
        else:
            raise _missing(path)

    return _edit(doc, path, change, path) if path else value


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise bad_request(f"json patch: operation '{operation['op']}' has no 'value'")
    return operation["value"]


def _test(doc: Any, path: Path, operation: dict[str, Any]) -> None:
    if not same(_get(doc, path), _value(operation)):
        raise unprocessable(f"testing value {operation['path']} failed")


def _size(value: Any) -> int:
    return len(orjson.dumps(value))


def json_patch(doc: Any, operations: Any) -> Any:
    """Give ``doc`` with ``operations`` applied in order; ``doc`` itself is not changed."""
    if not isinstance(operations, list):
        raise bad_request("json patch: a patch is a list of operations")
    if len(operations) > OPERATIONS_MAX:
        raise too_large(
            f"The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, "
            f"got {len(operations)}"
        )
    copied = 0
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad_request("json patch: an operation is an object")
        path = _parse(operation.get("path"), "path")
        match operation.get("op"):
            case "add":
                doc = _add(doc, path, _value(operation))
            case "remove":
                doc = _remove(doc, path)
            case "replace":
                doc = _replace(doc, path, _value(operation))
            case "test":
                _test(doc, path, operation)
            case "copy":
                value = _get(doc, _parse(operation.get("from"), "from"))
                copied += _size(value)
                if copied > COPIED_BYTES_MAX:
                    raise too_large(f"copies of a JSON patch exceed {COPIED_BYTES_MAX} bytes")
                doc = _add(doc, path, value)
            case "move":
                doc = _move(doc, _parse(operation.get("from"), "from"), path)
            case unknown:
                raise bad_request(f"Unexpected kind: {unknown}")
    return doc


def _move(doc: Any, source: Path, path: Path) -> Any:
    value = _get(doc, source)
    if source == path:
        return doc
    if path[: len(source)] == source:
        raise unprocessable("json patch: a value cannot be moved into itself")
    return _add(_remove(doc, source), path, value)

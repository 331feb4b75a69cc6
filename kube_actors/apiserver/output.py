"""How a client wants its answer: objects, tables or metadata only; JSON or YAML. Pure.

Protobuf is not spoken: a client that accepts nothing else gets 406, others get JSON.
"""

from collections.abc import Callable
from functools import lru_cache

import attrs
import orjson

from kube_actors.api import Kind, Object, errors
from kube_actors.api.manifest import dump_yaml
from kube_actors.api.tables import to_table
from kube_actors.apiserver.cache import SERVED, STORED, Form
from kube_actors.apiserver.objects import decode_value, to_served
from kube_actors.apiserver.request import JSON, YAML
from kube_actors.client import messages

OFFERED = (JSON, YAML)
_JSON_TYPES = frozenset((JSON, "*/*", "application/*", ""))
_PARTIAL = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}


@attrs.frozen
class Output:
    """``style`` is object, stored, table or partial; ``include`` is a table row's object."""

    style: str = "object"
    yaml: bool = False
    include: str = "Metadata"

    @property
    def content_type(self) -> str:
        """The media type of the answer."""
        return YAML if self.yaml else JSON


@lru_cache(maxsize=256)
def negotiate(accept: str, include: str = "", *, watching: bool = False) -> Output:
    """Read an Accept header; raises ``StatusError`` 406. Only a watch can bring stored bytes."""
    if watching and accept == messages.STORED:
        return Output("stored")
    for choice in accept.split(","):
        kind, *parameters = (part.strip() for part in choice.split(";"))
        kind = kind.lower()
        if kind not in _JSON_TYPES and kind != YAML:
            continue
        options = dict(pair.partition("=")[::2] for pair in parameters)
        style = {"": "object", "Table": "table"}.get(options.get("as", ""))
        if options.get("as", "").startswith("PartialObjectMetadata"):
            style = "partial"
        if style is None or (style != "object" and options.get("g") != "meta.k8s.io"):
            continue
        if style != "object" and options.get("v", "v1") != "v1":
            continue
        return Output(style, kind == YAML, include or "Metadata")
    raise errors.not_acceptable(OFFERED)


def form(output: Output, kind: Kind, storage: Kind, now: Callable[[], float]) -> Form:
    """Return how single objects of ``kind``, stored as ``storage``, are shown.

    A watch's form lives long: ages in its tables are told by ``now`` as each event is shown.
    """
    converts = kind.api_version != storage.api_version
    if output.style in ("object", "stored") and not converts:
        return STORED if output.style == "stored" else SERVED

    def tree(value: bytes, revision: int) -> Object:
        obj = decode_value(value, revision)
        return to_served(kind, storage, obj) if converts else obj

    if output.style in ("object", "stored"):
        return Form(kind.api_version, lambda value, rv: orjson.dumps(tree(value, rv)))
    if output.style == "partial":
        return Form("partial", lambda value, rv: orjson.dumps(partial(tree(value, rv))))

    def encode(value: bytes, revision: int) -> bytes:
        return orjson.dumps(table(output, kind, [tree(value, revision)], now()))

    def bookmark(value: bytes, revision: int) -> bytes:
        shown = table(output, kind, [], now())
        shown["metadata"] = {"resourceVersion": str(revision)}
        annotations = orjson.loads(value)["metadata"].get("annotations")
        if annotations:
            # A table carries the bookmark's annotations on its only row's object.
            row = {"cells": [], "object": {**_PARTIAL, "metadata": {"annotations": annotations}}}
            shown["rows"] = [row]
        return orjson.dumps(shown)

    return Form(f"table:{kind.api_version}:{output.include}", encode, bookmark)


def partial(obj: Object) -> Object:
    """Return an object's PartialObjectMetadata."""
    return {**_PARTIAL, "metadata": obj["metadata"]}


def table(output: Output, kind: Kind, objects: list[Object], now_s: float) -> Object:
    """Return a ``meta.k8s.io/v1`` Table whose rows hold what ``include`` asks."""
    return to_table(kind, objects, now_s, include_object=output.include)


def encode(output: Output, body: bytes) -> bytes:
    """Return ``body`` (JSON) in the wanted syntax."""
    return dump_yaml(orjson.loads(body)).encode() if output.yaml else body

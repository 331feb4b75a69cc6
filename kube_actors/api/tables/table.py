"""Objects as a Table: cells are computed from the object alone and a given time.

Columns of priority 1 show with ``-o wide``. A kind without columns gets its name and age.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kube_actors.api.kinds import Kind
from kube_actors.api.tables.printer import Printer
from kube_actors.api.tables.printers import printer_of

Object = dict[str, Any]
_PARTIAL = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}


def _items(objects: Object | Sequence[Object]) -> tuple[Sequence[Object], Mapping[str, Any]]:
    if not isinstance(objects, dict):
        return objects, {}
    meta = objects.get("metadata") or {}
    if isinstance(objects.get("items"), list):
        return objects["items"], meta
    shown = {"resourceVersion": meta["resourceVersion"]} if "resourceVersion" in meta else {}
    return [objects], shown


def to_table(
    kind: Kind,
    objects: Object | Sequence[Object],
    now_s: float,
    include_object: str = "Metadata",
    *,
    printer: Printer | None = None,
) -> Object:
    """Give the Table of one object, several, or a List.

    ``now_s`` is unix time for ages; ``include_object`` what each row carries: Metadata, Object or
    None. ``printer`` is for custom kinds with columns of their own.
    """
    items, meta = _items(objects)
    chosen = printer or printer_of(kind)
    rows = []
    for obj in items:
        row = chosen.row(obj, now_s)
        if include_object == "Object":
            row["object"] = obj
        elif include_object == "Metadata":
            row["object"] = {**_PARTIAL, "metadata": obj.get("metadata") or {}}
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(meta),
        "columnDefinitions": chosen.definitions(),
        "rows": rows,
    }

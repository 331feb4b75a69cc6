"""What a kind's row shows, by column, at one given time."""

from typing import Any

from kube_actors.api import BUILTIN
from kube_actors.api.tables import to_table

NOW_S = 1_767_225_600.0 + 3600
MADE = "2026-01-01T00:00:00Z"
META = {"name": "x", "namespace": "a", "creationTimestamp": MADE}
Object = dict[str, Any]


def cells(kind: str, obj: Object, *, wide: bool = False) -> dict[str, Any]:
    table = to_table(BUILTIN.find(kind), [{"metadata": META, **obj}], NOW_S)
    columns = table["columnDefinitions"]
    (row,) = table["rows"]
    shown = zip(columns, row["cells"], strict=True)
    return {each["name"]: cell for each, cell in shown if wide or each["priority"] == 0}

"""How one kind is printed: its columns, and a function that gives an object's cells."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

Object = dict[str, Any]
Cells = Callable[[Object, float], list[Any]]
Conditions = Callable[[Object], list[Object]]


@frozen
class Column:
    """``priority`` 0 always shows, 1 with ``-o wide``."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def definition(self) -> Object:
        """Give the ``TableColumnDefinition``."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description or self.name,
            "priority": self.priority,
        }


def columns(*specs: str) -> tuple[Column, ...]:
    """Read specs such as ``Ready``, ``Current:integer`` and, shown only when wide, ``+Node``."""
    made = []
    for spec in specs:
        name, _, type_ = spec.removeprefix("+").partition(":")
        format_ = "name" if name == "Name" else ""
        made.append(Column(name, type_ or "string", format_, 1 if spec.startswith("+") else 0))
    return tuple(made)


def _no_conditions(_obj: Object) -> list[Object]:
    return []


@frozen
class Printer:
    """``conditions`` mark whole rows, such as those of completed pods."""

    columns: Sequence[Column]
    cells: Cells
    conditions: Conditions = _no_conditions

    def definitions(self) -> list[Object]:
        """Give the definitions of all columns, also of those shown only when wide."""
        return [each.definition() for each in self.columns]

    def row(self, obj: Object, now_s: float) -> Object:
        """Give the row of an object at ``now_s`` (unix seconds), without the object itself."""
        cells = self.cells(obj, now_s)
        assert len(cells) == len(self.columns)
        row: Object = {"cells": cells}
        conditions = self.conditions(obj)
        if conditions:
            row["conditions"] = conditions
        return row

"""Which printer a kind has."""

from typing import Any

from kube_actors.api.kinds import Kind
from kube_actors.api.tables import configuration, nodes, pods, policies, traffic, workloads
from kube_actors.api.tables.durations import age
from kube_actors.api.tables.printer import Printer, columns
from kube_actors.api.tables.words import Object, name


def _name_and_age(obj: Object, now_s: float) -> list[Any]:
    return [name(obj), age(obj, now_s)]


GENERIC = Printer(columns("Name", "Age"), _name_and_age)
_PRINTERS: dict[tuple[str, str], Printer] = {
    ("", "pods"): pods.POD,
    **workloads.PRINTERS,
    **traffic.PRINTERS,
    **nodes.PRINTERS,
    **configuration.PRINTERS,
    **policies.PRINTERS,
}


def printer_of(kind: Kind) -> Printer:
    """The kind's own columns, or name and age."""
    return _PRINTERS.get((kind.group, kind.plural), GENERIC)

"""What ``kubectl get`` prints: a ``meta.k8s.io/v1`` Table per kind, with Kubernetes' own columns.

Pure: objects and a time in, a Table out. A family of kinds is one file of printers.
"""

from kube_actors.api.tables.durations import human_duration
from kube_actors.api.tables.printer import Printer
from kube_actors.api.tables.printers import printer_of
from kube_actors.api.tables.table import to_table

__all__ = ["Printer", "human_duration", "printer_of", "to_table"]

"""What goes wrong in a Raft group: the verbs, the stories made of them, and carrying them out."""

from kube_actors.simulation.raft.faults.injection import Injector
from kube_actors.simulation.raft.faults.troubles import (
    crossing_changes,
    forgotten,
    handed_over,
    late_answers,
    reboots,
    silenced,
    unknown_change,
)
from kube_actors.simulation.raft.faults.verbs import (
    CLOCK,
    LEADERSHIP,
    MEMBERSHIP,
    NETWORK,
    OPERATIONS,
    PROCESS,
    RESIDUAL,
    RULES,
    STORAGE,
    draw_fault,
    draw_schedule,
    targets_of,
)

__all__ = [
    "CLOCK",
    "Injector",
    "LEADERSHIP",
    "MEMBERSHIP",
    "NETWORK",
    "OPERATIONS",
    "PROCESS",
    "RESIDUAL",
    "RULES",
    "STORAGE",
    "crossing_changes",
    "draw_fault",
    "draw_schedule",
    "forgotten",
    "handed_over",
    "late_answers",
    "reboots",
    "silenced",
    "targets_of",
    "unknown_change",
]

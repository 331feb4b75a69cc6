"""When a container is probed, what a result means, and how http, tcp and exec are asked.

``thresholds`` turns results into verdicts, purely; ``handlers`` carries out what a probe or a hook
names. Nothing here decides what becomes of a container: ``lifecycle`` does, from a ``ProbeView``.
"""

from kube_actors.node.probes.handlers import ProbeFailed, perform
from kube_actors.node.probes.thresholds import (
    EAGER_S,
    ProbeSpec,
    ProbeTrack,
    ProbeView,
    first_track,
    is_settled,
    probe_of,
    record,
    view,
)

__all__ = [
    "EAGER_S",
    "ProbeFailed",
    "ProbeSpec",
    "ProbeTrack",
    "ProbeView",
    "first_track",
    "is_settled",
    "perform",
    "probe_of",
    "record",
    "view",
]

"""Is a history of concurrent operations what one object, used by one client at a time, would do?

``check(events, model)`` judges it; ``read_history(text, model)`` reads events from Jepsen's EDN or
from JSON lines; ``explain(judgement, model)`` says the verdict for a person. The package imports
nothing of ours and can be used alone.
"""

from kube_actors.simulation.linearizability.checker import (
    Judgement,
    Verdict,
    check,
    check_operations,
)
from kube_actors.simulation.linearizability.explanation import explain
from kube_actors.simulation.linearizability.generated import falsified, right_history
from kube_actors.simulation.linearizability.growing import AppendList, GrowingSet
from kube_actors.simulation.linearizability.history import (
    Event,
    HistoryError,
    Operation,
    operations,
)
from kube_actors.simulation.linearizability.models import REFUSED, IllTyped, Model
from kube_actors.simulation.linearizability.reading import read_history
from kube_actors.simulation.linearizability.registers import CasRegister, KeyValue, Register
from kube_actors.simulation.linearizability.serializable import Replay, RevisionRead, RevisionWrite
from kube_actors.simulation.linearizability.shrink import BadPart

__all__ = [
    "AppendList",
    "BadPart",
    "CasRegister",
    "Event",
    "GrowingSet",
    "HistoryError",
    "IllTyped",
    "Judgement",
    "KeyValue",
    "MODELS",
    "Model",
    "Operation",
    "REFUSED",
    "Register",
    "Replay",
    "RevisionRead",
    "RevisionWrite",
    "Verdict",
    "check",
    "check_operations",
    "explain",
    "falsified",
    "operations",
    "read_history",
    "right_history",
]

MODELS: dict[str, Model] = {
    model.name: model
    for model in (Register(), CasRegister(), KeyValue(), GrowingSet(), AppendList())
}
"""Every model by its name."""

"""What makes a run repeatable, and what looks for the seed that breaks a promise.

A ``Scenario`` says what can be run, a ``FaultSchedule`` what goes wrong in a run, as data. There
are two worlds, each a package that knows nothing of the other: ``raft`` is a Raft group on one
plain heap of events, ``cluster`` whole clusters on virtual time. ``run_campaign`` runs many seeds
in several processes, ``shrink_schedule`` makes what fails small, a ``Recording`` and ``report``
show it, ``linearizability`` judges what clients saw. Importing this package loads none of it:
every name is fetched from its file when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kube_actors.simulation import determinism
    from kube_actors.simulation.campaign import (
        Campaign,
        parse_seeds,
        replay_command,
        run_campaign,
    )
    from kube_actors.simulation.recording import Recording, RecordingError
    from kube_actors.simulation.scenario import (
        Finding,
        Run,
        Scenario,
        UnknownScenario,
        failures_as_findings,
        find_scenario,
        load_scenarios,
        register,
    )
    from kube_actors.simulation.schedule import Fault, FaultSchedule, ScheduleError, VerbRule
    from kube_actors.simulation.shrink import Shrunk, shrink_schedule
    from kube_actors.simulation.virtual_time import backend_options

__all__ = [
    "Campaign",
    "Fault",
    "FaultSchedule",
    "Finding",
    "Recording",
    "RecordingError",
    "Run",
    "Scenario",
    "ScheduleError",
    "Shrunk",
    "UnknownScenario",
    "VerbRule",
    "backend_options",
    "determinism",
    "failures_as_findings",
    "find_scenario",
    "load_scenarios",
    "parse_seeds",
    "register",
    "replay_command",
    "run_campaign",
    "shrink_schedule",
]

_FILES: Final = {
    "campaign": ("Campaign", "parse_seeds", "replay_command", "run_campaign"),
    "recording": ("Recording", "RecordingError"),
    "scenario": (
        "Finding",
        "Run",
        "Scenario",
        "UnknownScenario",
        "failures_as_findings",
        "find_scenario",
        "load_scenarios",
        "register",
    ),
    "schedule": ("Fault", "FaultSchedule", "ScheduleError", "VerbRule"),
    "shrink": ("Shrunk", "shrink_schedule"),
    "virtual_time": ("backend_options",),
}
_FILE_OF: Final = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    # The checker and recordings stand alone, and the command line starts without a simulator.
    if name in _FILE_OF:
        return getattr(import_module(f"{__name__}.{_FILE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

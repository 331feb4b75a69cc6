"""A scenario is a world that a seed decides: what ``kube-actors sim`` lists, runs and replays.

A run never raises for what it finds: a broken promise is a ``Finding``, and so is a crash inside
the run. Scenarios register themselves when their package is imported; ``load_scenarios`` imports
all of those that ship.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Final, Protocol

from attrs import frozen

from kube_actors.simulation.recording import Recording
from kube_actors.simulation.schedule import FaultSchedule, ScheduleError

SHIPPED: Final = ("kube_actors.simulation.raft", "kube_actors.simulation.cluster")
"""The packages that register their scenarios when they are imported, the lighter one first."""


class UnknownScenario(ValueError):
    """There is no scenario of that name."""


@frozen
class Finding:
    """A promise that a run broke: ``property`` names it, ``text`` says how.

    ``step`` counts the events of the run, ``time_s`` is simulated.
    """

    scenario: str
    seed: int
    property: str
    text: str
    step: int
    time_s: float


@frozen
class Run:
    """What came of one seed. ``digest`` is a hash of everything that happened, in order.

    ``withheld`` says which faults of the schedule were not done, as no code could have survived.
    """

    scenario: str
    seed: int
    findings: tuple[Finding, ...]
    steps: int
    simulated_s: float
    digest: str
    schedule: FaultSchedule
    withheld: tuple[str, ...] = ()


class Scenario(Protocol):
    """``run`` with a schedule replaces the one that the seed would draw.

    Raises ScheduleError, before anything runs, if the schedule is impossible here.
    """

    @property
    def name(self) -> str:
        """What it is called on the command line; no two have one name."""

    @property
    def summary(self) -> str:
        """One line for ``sim list``."""

    def run(
        self,
        seed: int,
        *,
        schedule: FaultSchedule | None = None,
        recording: Recording | None = None,
    ) -> Run:
        """Run one seed, and write what happens into ``recording`` if there is one.

        The same seed and schedule give the same ``Run``. Raises ScheduleError.
        """


SCENARIOS: Final[dict[str, Scenario]] = {}


def register(scenario: Scenario) -> Scenario:
    """Make a scenario known by its name. Raises ValueError if the name is taken."""
    if SCENARIOS.setdefault(scenario.name, scenario) is not scenario:
        raise ValueError(f"there is a scenario {scenario.name} already")
    return scenario


def load_scenarios() -> dict[str, Scenario]:
    """Import every scenario that ships; return them by name, sorted."""
    for module in SHIPPED:
        _import_shipped(module)
    return dict(sorted(SCENARIOS.items()))


def find_scenario(name: str) -> Scenario:
    """Return a scenario, importing no more than is needed to find it.

    Raises UnknownScenario naming those that there are.
    """
    for module in SHIPPED:
        if name in SCENARIOS:
            break
        _import_shipped(module)
    if name not in SCENARIOS:
        raise UnknownScenario(f"there is no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


def _import_shipped(module: str) -> None:
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise


def failures_as_findings(
    scenario: str, seed: int, schedule: FaultSchedule, body: Callable[[], Run]
) -> Run:
    """Run ``body``; an exception that it raises becomes the run's finding ``crash``.

    Raises ScheduleError: that is a wrong question, and nothing has run.
    """
    try:
        return body()
    except ScheduleError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        finding = Finding(scenario, seed, "crash", text, 0, 0.0)
        return Run(scenario, seed, (finding,), 0, 0.0, "", schedule)

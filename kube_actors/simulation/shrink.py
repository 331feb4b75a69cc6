"""Makes a failing schedule smaller: fewer faults, shorter windows, fewer requests.

Delta debugging: try without large parts, then without smaller ones, then with each fault that is
left made weaker, as long as the same property fails. It is only as patient as it is told to be,
and always returns the smallest schedule that was seen to fail.
"""

from collections.abc import Callable, Sequence
from typing import Final

from attrs import define, evolve, frozen

from kube_actors.simulation.scenario import Finding, Run
from kube_actors.simulation.schedule import Fault, FaultSchedule, ScheduleError

OPERATIONS: Final = "operations"
SHORTEST_S: Final = 0.02


@frozen
class Shrunk:
    """``before`` and ``after`` fail with ``finding``'s property; ``runs`` is what it cost."""

    before: FaultSchedule
    after: FaultSchedule
    finding: Finding
    runs: int

    def describe(self) -> str:
        """Say both sizes in one line."""
        sizes = [(_real(s), _requests(s)) for s in (self.before, self.after)]
        (faults, requests), (faults_left, requests_left) = sizes
        text = f"{faults_left} of {faults} faults"
        if requests:
            text += f", {requests_left} of {requests} requests"
        return f"{text}, after {self.runs} runs"


def shrink_schedule(
    run: Run,
    repeat: Callable[[FaultSchedule], Run],
    *,
    runs_max: int = 400,
    expired: Callable[[], bool] = lambda: False,
) -> Shrunk:
    """Shrink the schedule of a run that found something.

    ``repeat`` runs the same seed with another schedule. Raises ValueError for a run without a
    finding.
    """
    if not run.findings:
        raise ValueError(f"seed {run.seed} of {run.scenario} has no finding to shrink")
    search = _Search(repeat, run.findings[0], run.schedule, runs_max, expired)
    before = None
    while search.best != before and not search.over:
        before = search.best
        search.drop()
        search.weaken()
    return Shrunk(run.schedule, search.best, search.finding, search.runs)


@define
class _Search:
    repeat: Callable[[FaultSchedule], Run]
    finding: Finding
    best: FaultSchedule
    runs_max: int
    expired: Callable[[], bool]
    runs: int = 0

    @property
    def over(self) -> bool:
        return self.runs >= self.runs_max or self.expired()

    def fails(self, faults: Sequence[Fault]) -> bool:
        """Try a schedule; keep it if the same property fails."""
        if self.over:
            return False
        self.runs += 1
        schedule = FaultSchedule.of(faults)
        try:
            findings = self.repeat(schedule).findings
        except ScheduleError:
            # A verb that needs all its targets cannot be aimed at fewer.
            return False
        for finding in findings:
            if finding.property == self.finding.property:
                self.best = schedule
                self.finding = finding
                return True
        return False

    def drop(self) -> None:
        """Leave out runs of faults, half of them at first, single ones at last."""
        size = max(_real(self.best) // 2, 1)
        while not self.over:
            at = 0
            while True:
                fixed = [f for f in self.best.faults if f.verb == OPERATIONS]
                faults = [f for f in self.best.faults if f.verb != OPERATIONS]
                if at >= len(faults):
                    break
                if not self.fails([*fixed, *faults[:at], *faults[at + size :]]):
                    at += size
            if size == 1:
                return
            size //= 2

    def weaken(self) -> None:
        """Make each fault that is left shorter, aim it at fewer, and ask for fewer requests."""
        for position in range(len(self.best.faults)):
            for smaller in (_fewer, _shorter, _narrower):
                while True:
                    faults = list(self.best.faults)
                    if position >= len(faults):
                        return
                    other = smaller(faults[position])
                    if other is None:
                        break
                    faults[position] = other
                    if not self.fails(faults):
                        break


def _fewer(fault: Fault) -> Fault | None:
    if fault.verb != OPERATIONS or fault.amount < 1:
        return None
    return evolve(fault, amount=float(int(fault.amount * 0.6)))


def _shorter(fault: Fault) -> Fault | None:
    if fault.until_s is None or fault.until_s - fault.at_s < SHORTEST_S:
        return None
    return evolve(fault, until_s=round((fault.at_s + fault.until_s) / 2, 3))


def _narrower(fault: Fault) -> Fault | None:
    if len(fault.targets) < 2:
        return None
    return evolve(fault, targets=fault.targets[:-1])


def _real(schedule: FaultSchedule) -> int:
    return sum(fault.verb != OPERATIONS for fault in schedule.faults)


def _requests(schedule: FaultSchedule) -> int:
    return int(sum(f.amount for f in schedule.faults if f.verb == OPERATIONS))

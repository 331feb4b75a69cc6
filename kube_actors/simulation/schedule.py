"""What goes wrong in a run, as data: drawn before the run, written to a file, made smaller.

A ``FaultSchedule`` is everything that a run adds to its seed. Running one seed with a smaller
schedule is how a failure is shrunk, and how a person tries an idea. Which verbs there are, and
what their targets and amounts mean, belongs to the scenario: ``VerbRule`` says it in a table.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from kube_actors.boundary import Boundary, Malformed, parse_json

FAULTS_MAX: Final = 10_000
_BOUNDARY: Final = Boundary(omit_defaults=True)


class ScheduleError(ValueError):
    """A schedule that cannot be run; ``line`` is the line of its file, 1 and up."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: {text}")
        self.line = line
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.line, self.text)


@frozen
class Fault:
    """One fault: from ``at_s`` to ``until_s`` (None: it is over at once or never ends).

    Times are simulated seconds since the run began. ``amount`` is a probability, a number of
    seconds or a count, as the verb says.
    """

    at_s: float
    verb: str
    targets: tuple[str, ...] = ()
    until_s: float | None = None
    amount: float = 0.0

    def to_json(self) -> str:
        """Write one line of JSON, without what has its default."""
        return json.dumps(_BOUNDARY.write(self))


@frozen
class VerbRule:
    """What a scenario accepts for one verb.

    ``targets``: how many, as (least, most). ``window``: whether ``until_s`` must be there (True),
    must not (False), or may (None). ``amount``: the smallest and largest that make sense.
    ``of_links``: whether a target is a link, such as ``1>2``, or never one; None: either.
    """

    text: str
    targets: tuple[int, int] = (0, 0)
    window: bool | None = None
    amount: tuple[float, float] = (0.0, 0.0)
    of_links: bool | None = None

    @property
    def takes(self) -> str:
        """Say which fields a fault of this verb has beside ``at_s``."""
        least, most = self.targets
        what = "links" if self.of_links else "targets"
        fields = [] if not most else [f"{what}: {least}" + (f" to {most}" if most > least else "")]
        if self.window is not False:
            fields.append("until_s" if self.window else "until_s if it ends")
        low, high = self.amount
        if high:
            fields.append(f"amount: {low:g} to {high:g}")
        return ", ".join(fields)


@frozen
class FaultSchedule:
    """Faults in the order in which they begin; ``lines`` says where each was read from."""

    faults: tuple[Fault, ...] = ()
    lines: tuple[int, ...] = field(default=(), eq=False, repr=False)

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> "FaultSchedule":
        """Put faults in order; those of one time keep theirs."""
        return cls(tuple(sorted(faults, key=lambda fault: fault.at_s)))

    @property
    def verbs(self) -> tuple[str, ...]:
        """Every verb that occurs, once, in alphabetical order."""
        return tuple(sorted({fault.verb for fault in self.faults}))

    def to_json_lines(self) -> str:
        """Write one fault per line; ``from_json_lines`` reads it back."""
        return "".join(fault.to_json() + "\n" for fault in self.faults)

    @classmethod
    def from_json_lines(cls, text: str) -> "FaultSchedule":
        """Read what ``to_json_lines`` wrote; empty lines and ``#`` lines are skipped.

        Raises ScheduleError naming the first line that is no fault.
        """
        found: list[tuple[Fault, int]] = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                if len(found) == FAULTS_MAX:
                    raise ScheduleError(number, f"more than {FAULTS_MAX} faults")
                found.append((_read_fault(number, line), number))
        found.sort(key=lambda pair: pair[0].at_s)
        return cls(tuple(fault for fault, _ in found), tuple(line for _, line in found))

    def check(
        self, verbs: Mapping[str, VerbRule], targets: Collection[str], *, end_s: float
    ) -> None:
        """Refuse what the scenario cannot do. Raises ScheduleError with the fault's line."""
        lines = self.lines or range(1, len(self.faults) + 1)
        for line, fault in zip(lines, self.faults, strict=True):
            problem = _problem(fault, verbs, targets, end_s)
            if problem:
                raise ScheduleError(line, f"{fault.verb}: {problem}")


def _problem(
    fault: Fault, verbs: Mapping[str, VerbRule], targets: Collection[str], end_s: float
) -> str:
    rule = verbs.get(fault.verb)
    if rule is None:
        return f"there is no such verb here, there are {', '.join(sorted(verbs))}"
    for target in fault.targets:
        if target not in targets:
            return f"there is no {target!r}, there are {', '.join(sorted(targets))}"
        if rule.of_links is not None and rule.of_links is not (">" in target):
            what = "links, such as 1>2" if rule.of_links else "members, not links"
            return f"its targets are {what}: {target!r} is none"
    least, most = rule.targets
    if not least <= len(fault.targets) <= most:
        return f"it takes {least} to {most} targets, not {len(fault.targets)}"
    if fault.at_s > end_s:
        return f"at_s is {fault.at_s}, the faults end at {end_s}"
    if fault.until_s is None and rule.window is True:
        return "it needs until_s"
    if fault.until_s is not None and rule.window is False:
        return "it is over at once and takes no until_s"
    low, high = rule.amount
    if not low <= fault.amount <= high:
        return f"the amount must be from {low:g} to {high:g}, not {fault.amount:g}"
    return ""


def _read_fault(line: int, text: str) -> Fault:
    try:
        # Whole numbers too are times and amounts; one beyond all bounds becomes an endless one.
        fault = _BOUNDARY.read(Fault, parse_json(text, parse_int=float))
    except Malformed as error:
        raise ScheduleError(line, str(error)) from None
    if not fault.verb:
        raise ScheduleError(line, "verb: expected a word, got none")
    for name in ("at_s", "until_s", "amount"):
        if (getattr(fault, name) or 0.0) < 0:
            raise ScheduleError(
                line, f"{name} must not be negative, it is {getattr(fault, name):g}"
            )
    if fault.until_s is not None and fault.until_s < fault.at_s:
        text = f"until_s ({fault.until_s:g}) is before at_s ({fault.at_s:g})"
        raise ScheduleError(line, text)
    return fault

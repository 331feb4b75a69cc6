"""When a cron expression is due: five fields, or ``@hourly`` and its kin.

As in Vixie's cron, a day matches either of the two day fields when both are restricted. Times are
minutes; a schedule that never comes (30 February) gives None.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from attrs import frozen

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_YEARS_MAX = 5


class BadSchedule(ValueError):
    """The expression cannot be read."""


@frozen
class Schedule:
    """The minutes, hours, days, months and weekdays (0 is Sunday) at which it is due."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def _on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (in_month or in_week) if self.either_day else (in_month and in_week)

    def after(self, now_s: float, zone: tzinfo) -> float | None:
        """Give the first due time later than ``now_s``, in unix seconds."""
        start = datetime.fromtimestamp(now_s, zone).replace(second=0, microsecond=0)
        day = start.replace(hour=0, minute=0)
        for _ in range(366 * _YEARS_MAX):
            if self._on(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        due_s = day.replace(hour=hour, minute=minute).timestamp()
                        if due_s > now_s:
                            return due_s
            day = (day + timedelta(days=1)).replace(hour=0, minute=0)
        return None


def parse_schedule(text: str) -> Schedule:
    """Read an expression; raises BadSchedule."""
    fields = _MACROS.get(text.strip(), text).split()
    if len(fields) != 5:
        raise BadSchedule(f"expected exactly 5 fields, found {len(fields)}: {text}")
    minutes, hours, days, months, weekdays = fields
    return Schedule(
        frozenset(_values(minutes, 0, 59)),
        frozenset(_values(hours, 0, 23)),
        frozenset(_values(days, 1, 31)),
        frozenset(_values(months, 1, 12, _MONTHS, 1)),
        frozenset(value % 7 for value in _values(weekdays, 0, 7, _DAYS, 0)),
        either_day=days[0] not in "*?" and weekdays[0] not in "*?",
    )


def _values(
    field: str, low: int, high: int, names: list[str] | None = None, first: int = 0
) -> Iterator[int]:
    for part in field.split(","):
        span, _, step = part.partition("/")
        if step and not (step.isdigit() and int(step) > 0):
            raise BadSchedule(f"bad step in {field}")
        if span in ("*", "?"):
            begin, end = low, high
        else:
            head, _, tail = span.partition("-")
            begin = _number(head, names, first)
            end = _number(tail, names, first) if tail else high if step else begin
        if not low <= begin <= end <= high:
            raise BadSchedule(f"{field} is not within {low}-{high}")
        yield from range(begin, end + 1, int(step or 1))


def _number(text: str, names: list[str] | None, first: int) -> int:
    if text.isdigit():
        return int(text)
    if names and text.lower() in names:
        return names.index(text.lower()) + first
    raise BadSchedule(f"not a number: {text}")

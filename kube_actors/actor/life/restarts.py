"""Decides whether and when a crashed child starts again: Erlang's intensity, with backoff.

Pure: times are arguments. More than ``intensity`` restarts within ``window_s`` are a crash loop
(https://www.erlang.org/doc/system/sup_princ.html#maximum-restart-intensity) and escalate; within
that, every next restart of the same child waits twice as long, until it has lived a window.
"""

from enum import Enum

import attrs


class Strategy(Enum):
    """Who is restarted with a crashed child: nobody, everybody, or those started after it."""

    ONE_FOR_ONE = "one_for_one"
    ONE_FOR_ALL = "one_for_all"
    REST_FOR_ONE = "rest_for_one"

    def affected(self, crashed: int, count: int) -> range:
        """Places, in order of start, of the children that restart when ``crashed`` does."""
        if self is Strategy.ONE_FOR_ONE:
            return range(crashed, crashed + 1)
        return range(0 if self is Strategy.ONE_FOR_ALL else crashed, count)


@attrs.frozen
class Backoff:
    """Seconds before a restart: the first waits ``min_s``, each next one twice as long."""

    min_s: float = attrs.field(validator=attrs.validators.ge(0))
    max_s: float = attrs.field(validator=attrs.validators.ge(0))

    def delay_s(self, crashes_in_a_row: int) -> float:
        """Wait after the n-th crash in a row, n from 1."""
        doublings = min(crashes_in_a_row - 1, 60)
        return float(min(self.min_s * 2**doublings, self.max_s))


class Intensity:
    """Remembers the latest restarts of one supervisor."""

    def __init__(self, restarts_max: int, window_s: float) -> None:
        if restarts_max < 0 or window_s <= 0:
            raise ValueError("intensity is not negative and its window is positive")
        self._restarts_max = restarts_max
        self._window_s = window_s
        self._times: list[float] = []

    def exceeded(self, now_s: float) -> bool:
        """Count a restart; say whether it is one too many."""
        self._times = (
            [*self._times[-self._restarts_max :], now_s] if self._restarts_max else [now_s]
        )
        full = len(self._times) > self._restarts_max
        return full and now_s - self._times[0] <= self._window_s

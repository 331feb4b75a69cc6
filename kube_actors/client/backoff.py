"""How long to wait before the next try: doubling, bounded, spread by jitter."""

from collections.abc import Callable
from random import Random

from attrs import define, field


@define
class Backoff:
    """``next_s`` grows from ``first_s`` to ``max_s``; ``jitter`` 0.5 adds up to a half."""

    random: Random | Callable[[], Random]
    first_s: float = 0.05
    max_s: float = 5.0
    jitter: float = 0.5
    _tries: int = field(default=0, init=False)

    def next_s(self) -> float:
        """The delay before the next try; each one is longer than the last."""
        delay_s: float = min(self.first_s * 2 ** min(self._tries, 30), self.max_s)
        self._tries += 1
        random = self.random() if callable(self.random) else self.random
        return delay_s * (1 + self.jitter * random.random())

    def reset(self) -> None:
        """It worked: the next delay is the first again."""
        self._tries = 0

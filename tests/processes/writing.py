"""A client that keeps writing, and remembers exactly what was acknowledged."""

import threading
from collections.abc import Sequence
from types import TracebackType

from tests.processes.masters import BUSY, CONFIGMAPS, Api, Masters, configmap


class Writing:
    """Creates one object after the other, at whichever master answers, until the block ends."""

    def __init__(self, masters: Masters, names: Sequence[str], prefix: str) -> None:
        self.acknowledged: list[str] = []
        self._masters = masters
        self._names = list(names)
        self._prefix = prefix
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Writing":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending = True
        self._thread.join(120)

    def wait_more(self, count: int, timeout_s: float = 120.0) -> None:
        """Wait until so many more were acknowledged than now."""
        with self._changed:
            wanted = len(self.acknowledged) + count
            done = self._changed.wait_for(lambda: len(self.acknowledged) >= wanted, timeout_s)
        assert done, f"only {len(self.acknowledged)} of {wanted} writes within {timeout_s} s"

    def _run(self) -> None:
        at, number = 0, 0
        api: Api | None = None
        while not self._ending:
            number += 1
            name = f"{self._prefix}-{number}"
            try:
                if api is None:
                    api = self._masters.api(self._names[at], 3.0)
                answer = api.ask("POST", CONFIGMAPS, configmap(name, n=str(number)))
                done = answer.status == 201
            except (*BUSY, FileNotFoundError):
                done = False
            if done:
                with self._changed:
                    self.acknowledged.append(name)
                    self._changed.notify_all()
            else:
                # Its fate is unknown: the next name, at the next master.
                if api is not None:
                    api.close()
                api, at = None, (at + 1) % len(self._names)
        if api is not None:
            api.close()


def stored(api: Api, prefix: str) -> set[str]:
    """Read, consistently, the names of everything written with a prefix."""
    answer = api.read(CONFIGMAPS)
    assert answer.status == 200
    assert not answer.warnings, answer.warnings
    names = [item["metadata"]["name"] for item in answer.body["items"]]
    return {name for name in names if name.startswith(f"{prefix}-")}

"""What a cluster owes its users whatever fails: every promise by name, with one sentence.

A ``Breach`` is one promise broken. The first breach of each promise in a run is what a person
needs; later ones are its echoes and are counted only.
"""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from kube_actors.simulation.recording import Recording

PROMISES: Final[dict[str, str]] = {
    "pod-bound-once": "A pod that has been given to a node is never given to another one.",
    "rollout-availability": (
        "A rollout takes no available pod away when that leaves fewer than replicas less"
        " maxUnavailable."
    ),
    "rollout-surge": "A rollout asks for no more pods than replicas and maxSurge together.",
    "job-parallelism": (
        "A Job never has more pods that run than its parallelism, nor than are still to succeed."
    ),
    "node-not-overcommitted": "The pods bound to a node ask for no more than it has.",
    "service-address-unique": "No two Services have one cluster address.",
    "acknowledged-write-kept": "What a server acknowledged stands in the store's history.",
    "watch-complete": (
        "A watch delivers every change of its resource once, in the order of revisions, without"
        " a gap."
    ),
    "store-history-whole": "Revisions follow one another, and every member has the same.",
    "store-members-equal": "Members at one revision have one hash.",
    "registers-linearizable": "What clients wrote and read is what one register would have done.",
    "read-only-without-majority": (
        "Without a majority reads are served and writes are refused with 503 at once."
    ),
    "damage-refused": (
        "A member that met damage on its disk serves nothing until it has been rebuilt."
    ),
    "lease-exclusive": (
        "A lease of a leader changes hands only when it was given back, or the old leader must"
        " have stopped, however the clocks of machines run."
    ),
    "dependents-go": "When an owner is gone, its dependents go.",
    "dependents-stay": "The garbage collector takes nothing whose owner lives.",
    "controllers-converge": "When the faults stop, every controller reaches what was asked.",
    "store-heals": "When the faults stop, the store serves a fresh write and a fresh read.",
    "time-passes": "What happens at one moment comes to an end.",
    "expectation": "What a test expects of its own part comes true when the faults stop.",
    "crash": "Nothing in a run raises what nobody expects.",
}
"""Every promise by name."""


@frozen
class Breach:
    """One promise broken: how, at which envelope of the run and at which simulated time."""

    promise: str
    text: str
    step: int
    time_s: float


class Breaches:
    """The first breach of each promise, in the order in which they were found."""

    def __init__(
        self,
        moment: Callable[[], tuple[int, float]] = lambda: (0, 0.0),
        recording: Recording | None = None,
        first_found: Callable[[str], None] = lambda promise: None,
    ) -> None:
        """``moment`` says at which step and time of the run it is asked.

        ``first_found`` is told of each promise when it is broken for the first time.
        """
        self.first: dict[str, Breach] = {}
        self.counts: dict[str, int] = {}
        self._moment = moment
        self._recording = recording
        self._first_found = first_found

    def found(self, promise: str, text: str, *, lane: str = "") -> None:
        """Take note; ``promise`` is a name of ``PROMISES``."""
        assert promise in PROMISES, promise
        self.counts[promise] = self.counts.get(promise, 0) + 1
        if promise in self.first:
            return
        step, time_s = self._moment()
        self.first[promise] = Breach(promise, text, step, time_s)
        if self._recording is not None:
            self._recording.violation(step, time_s, lane, promise, text)
        self._first_found(promise)

"""How a simulated container behaves: stages with a delay, some jitter and a chance to fail.

A script comes from the runtime's default, from the image's name, or from the pod's annotations
``simulate.kube-actors.dev/<field>`` (``run-s: "5"``, ``exit-code: "1"``, ``ready-s: "2"``,
``start-s``, ``pull-s``, ``stop-s``, ``sandbox-s``, ``pull-failure: "true"``,
``unhealthy-after-s``), which win. Pure but for the randomness it is given.
"""

import random
from collections.abc import Iterable
from typing import Any

from attrs import evolve, field, frozen

ANNOTATION_PREFIX = "simulate.kube-actors.dev/"


@frozen
class Stage:
    """Takes ``delay_s`` plus up to ``jitter_s``, and fails with probability ``failure_rate``."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    failure_rate: float = 0.0

    def duration_s(self, rng: random.Random) -> float:
        """Draw how long it takes; chance is only asked when there is jitter."""
        return self.delay_s + (rng.uniform(0.0, self.jitter_s) if self.jitter_s else 0.0)

    def fails(self, rng: random.Random) -> bool:
        """Draw whether it fails; chance is only asked when it can."""
        return self.failure_rate > 0.0 and rng.random() < self.failure_rate


@frozen
class Script:
    """``run.delay_s`` inf: it runs until it is stopped, else it exits with ``exit_code``.

    A failing ``run`` ends with 1. ``ready`` is when startup and readiness probes begin to succeed
    after the start; a failing one never does. ``unhealthy_after_s``: when liveness fails.
    """

    sandbox: Stage = Stage()
    pull: Stage = Stage()
    start: Stage = Stage()
    ready: Stage = Stage()
    run: Stage = field(default=Stage(delay_s=float("inf")))
    stop: Stage = Stage()
    exit_code: int = 0
    stop_exit_code: int = 0
    unhealthy_after_s: float = float("inf")


_STAGES = {
    "sandbox-s": "sandbox",
    "pull-s": "pull",
    "start-s": "start",
    "ready-s": "ready",
    "run-s": "run",
    "stop-s": "stop",
}


def annotated(script: Script, annotations: Iterable[tuple[str, str]]) -> Script:
    """Apply a pod's annotations; one that makes no sense is ignored."""
    for key, text in annotations:
        if not key.startswith(ANNOTATION_PREFIX):
            continue
        name = key.removeprefix(ANNOTATION_PREFIX)
        if name == "pull-failure":
            rate = 1.0 if text == "true" else 0.0
            script = evolve(script, pull=evolve(script.pull, failure_rate=rate))
            continue
        try:
            value = float(text)
        except ValueError:
            continue
        if name in _STAGES:
            stage: Stage = getattr(script, _STAGES[name])
            change: dict[str, Any] = {_STAGES[name]: evolve(stage, delay_s=value)}
            script = evolve(script, **change)
        elif name == "exit-code":
            script = evolve(script, exit_code=int(value))
        elif name == "unhealthy-after-s":
            script = evolve(script, unhealthy_after_s=value)
    return script

"""Scenarios that go wrong in every way, for the tests of campaigns."""

import os
import threading
from typing import Any

from attrs import evolve

from kube_actors.simulation import FaultSchedule, Run, find_scenario, register
from kube_actors.simulation.raft import RaftScenario
from tests.raft.mutants.careless_callers import AnswersBeforeTheDisk


class Broken:
    """Raises at seed 3, kills its process at 5, hangs at 7; else nothing happens."""

    name = "broken"
    summary = "goes wrong"

    def run(self, seed: int, *, schedule: Any = None, recording: Any = None) -> Run:
        if seed == 3:
            raise RuntimeError("this seed is not liked")
        if seed == 5:
            os._exit(9)
        while seed == 7:
            threading.Event().wait()
        return Run(self.name, seed, (), 10, 1.0, f"d{seed}", schedule or FaultSchedule())


register(Broken())
_raft = find_scenario("raft-5")
assert isinstance(_raft, RaftScenario)
register(evolve(_raft, name="careless", member_type=AnswersBeforeTheDisk))

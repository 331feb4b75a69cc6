"""The scenarios of whole clusters: names for ``kube-actors sim``, each one plan of a world.

A run of one seed on asyncio and one on trio are two runs: a scenario's name says which.
"""

from attrs import frozen

from kube_actors.simulation.cluster.faults import VERBS, Shape, draw_schedule
from kube_actors.simulation.cluster.world import ClusterWorld, Plan
from kube_actors.simulation.recording import Recording
from kube_actors.simulation.scenario import Finding, Run, failures_as_findings, register
from kube_actors.simulation.schedule import FaultSchedule

_LINKS = ("partition", "isolate", "cut", "delay", "drop", "duplicate", "reorder", "corrupt")


@frozen
class ClusterScenario:
    """Implements ``Scenario``."""

    name: str
    summary: str
    plan: Plan
    backend: str = "asyncio"

    def run(
        self,
        seed: int,
        *,
        schedule: FaultSchedule | None = None,
        recording: Recording | None = None,
    ) -> Run:
        """Live through one seed; what is raised inside becomes a finding.

        Raises ScheduleError, before anything runs, if the schedule is impossible in this shape.
        """
        shape = self.plan.shape
        drawn = draw_schedule(seed, shape) if schedule is None else schedule
        drawn.check(VERBS, tuple(shape.targets), end_s=shape.faults_s)

        def live() -> Run:
            world = ClusterWorld(
                seed, backend=self.backend, schedule=drawn, plan=self.plan, recording=recording
            )
            world.run()
            findings = tuple(
                Finding(self.name, seed, breach.promise, breach.text, breach.step, breach.time_s)
                for breach in world.breaches.first.values()
            )
            return Run(
                self.name,
                seed,
                findings,
                world.network.steps,
                world.simulated_s,
                world.digest,
                drawn,
                world.withheld,
            )

        return failures_as_findings(self.name, seed, drawn, live)


GENERAL = Plan(read_only_probe=True)
CROWDED = Plan(shape=Shape(nodes=3), users=2, pods_fit=9)
ROLLOUT = Plan(shape=Shape(faults_s=20.0), users=2, roll_only=True, registers=False)
NETWORK = Plan(shape=Shape(verbs=_LINKS), users=1)
READ_ONLY = Plan(
    shape=Shape(nodes=2, faults_s=30.0, majority_losses=2, verbs=("kill", "pause", "crash")),
    read_only_probe=True,
)

for _scenario in (
    ClusterScenario("cluster", "a whole cluster, every fault, users of every kind", GENERAL),
    ClusterScenario("cluster-trio", "the same on trio, in another schedule", GENERAL, "trio"),
    ClusterScenario("cluster-rollout", "rollouts over rollouts, every fault", ROLLOUT),
    ClusterScenario("cluster-crowded", "more pods than fit on the nodes, every fault", CROWDED),
    ClusterScenario("cluster-network", "links alone are at fault", NETWORK),
    ClusterScenario(
        "cluster-readonly",
        "majorities of the masters are lost for a while; reads go on, writes are refused",
        READ_ONLY,
    ),
):
    register(_scenario)

"""Runs one seed for a command, and says what was found in it."""

from pathlib import Path

import click

from kube_actors import simulation


def run_seed(
    scenario: "simulation.Scenario",
    seed: int,
    schedule: "simulation.FaultSchedule | None",
    path: Path | None,
    recording: "simulation.Recording | None",
) -> "simulation.Run":
    """Run a seed; without a schedule the scenario draws its own.

    An exception inside the run is its finding ``crash``. Raises UsageError, naming ``path``, if the
    schedule is impossible in this scenario.
    """
    try:
        return simulation.failures_as_findings(
            scenario.name,
            seed,
            schedule or simulation.FaultSchedule(),
            lambda: scenario.run(seed, schedule=schedule, recording=recording),
        )
    except simulation.ScheduleError as error:
        raise click.UsageError(f"{path}, {error}") from None


def tell(run: "simulation.Run") -> None:
    """Print each finding of a run on a line of its own."""
    for finding in run.findings:
        click.echo(
            f"{finding.scenario} seed {finding.seed}: {finding.property}: {finding.text} "
            f"(step {finding.step}, {finding.time_s:.3f} s)"
        )

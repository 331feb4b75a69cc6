"""``kube-actors sim shrink``: the shortest schedule with which a seed still fails."""

import sys
import time
from pathlib import Path

import click

from kube_actors import simulation
from kube_actors.cli.sim.findings import run_seed
from kube_actors.cli.sim.questions import (
    FOUND_EXIT,
    SEED,
    check_writable,
    find_scenario,
    import_modules,
    import_option,
    read_schedule,
    scenario_option,
)


@click.command()
@click.argument("seed", type=SEED)
@scenario_option
@click.option("--schedule", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it here.")
@click.option(
    "--time", "time_s", default=60.0, show_default=True, type=click.FloatRange(min=0, min_open=True)
)
@import_option
def shrink(
    seed: int,
    scenario: str,
    schedule: Path | None,
    out: Path | None,
    time_s: float,
    modules: tuple[str, ...],
) -> None:
    """Find the shortest schedule with which SEED still fails."""

    import_modules(modules)
    found = find_scenario(scenario)
    outcome = run_seed(found, seed, read_schedule(schedule), schedule, None)
    if out is not None:
        check_writable(out)
    if not outcome.findings:
        raise click.UsageError(f"seed {seed} of {scenario} breaks no promise: nothing to shrink")
    end_s = time.monotonic() + time_s
    smaller = simulation.shrink_schedule(
        outcome,
        lambda other: found.run(seed, schedule=other),
        runs_max=5_000,
        expired=lambda: time.monotonic() > end_s,
    )
    click.echo(f"{smaller.finding.property}: {smaller.finding.text}")
    click.echo(smaller.describe())
    if out is None:
        click.echo(smaller.after.to_json_lines(), nl=False)
    else:
        out.write_text(smaller.after.to_json_lines())
        click.echo(f"replay: {simulation.replay_command(outcome, str(out), modules)}")
    sys.exit(FOUND_EXIT)

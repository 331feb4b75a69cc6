"""``kube-actors sim replay``: one seed once more, written down for a person to look at."""

import sys
from pathlib import Path

import click

from kube_actors import simulation
from kube_actors.cli.sim.findings import run_seed, tell
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
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.html")
@click.option("--trace", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.json")
@click.option("--faults", is_flag=True, help="Print the schedule, to be changed and given again.")
@import_option
def replay(
    seed: int,
    scenario: str,
    schedule: Path | None,
    report: Path | None,
    trace: Path | None,
    faults: bool,
    modules: tuple[str, ...],
) -> None:
    """Run one SEED again, and write down what happened."""
    from kube_actors.simulation.report import html, perfetto

    import_modules(modules)
    found = find_scenario(scenario)
    given = read_schedule(schedule)
    for path in (report, trace):
        if path is not None:
            check_writable(path)
    recording = simulation.Recording(scenario, seed) if report or trace else None
    outcome = run_seed(found, seed, given, schedule, recording)
    if faults:
        click.echo(outcome.schedule.to_json_lines(), nl=False)
    click.echo(
        f"{scenario} seed {seed}: {outcome.steps} steps, {outcome.simulated_s:.2f} simulated s, "
        f"digest {outcome.digest}",
        err=faults,
    )
    for text in outcome.withheld:
        click.echo(f"withheld at {text}", err=faults)
    if recording is not None:
        command = simulation.replay_command(outcome, str(schedule or ""), modules)
        if report:
            title = f"{scenario} seed {seed}"
            report.write_text(html.render(recording, title=title, command=command))
        if trace:
            trace.write_text(perfetto.render(recording))
    tell(outcome)
    if outcome.findings:
        sys.exit(FOUND_EXIT)

"""``kube-actors sim run``: many seeds, and which promises were broken."""

import shlex
import sys
import time
from pathlib import Path

import click

from kube_actors import simulation
from kube_actors.cli.sim.pages import write_pages
from kube_actors.cli.sim.progress import Progress
from kube_actors.cli.sim.questions import (
    FOUND_EXIT,
    INTERRUPTED_EXIT,
    check_writable,
    import_modules,
    import_option,
)


@click.command()
@click.option("--seeds", default="0..99", show_default=True, metavar="FIRST..LAST")
@click.option("--scenario", "scenarios", multiple=True, help="[default: all of raft-…]")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256))
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Write HTML pages here."
)
@click.option(
    "--limit",
    "limit_s",
    default=120.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds after which a run is taken for hung.",
)
@click.option("--findings-max", default=20, show_default=True, type=click.IntRange(1))
@click.option(
    "--shrink-time",
    "shrink_s",
    default=30.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds for making failing schedules smaller.",
)
@import_option
def run(
    seeds: str,
    scenarios: tuple[str, ...],
    jobs: int,
    report: Path | None,
    limit_s: float,
    findings_max: int,
    shrink_s: float,
    modules: tuple[str, ...],
) -> None:
    """Run many seeds and say which promises were broken."""

    try:
        chosen = simulation.parse_seeds(seeds)
    except ValueError as error:
        raise click.UsageError(f"--seeds: {error}") from None
    import_modules(modules)
    raft = (name for name in simulation.load_scenarios() if name.startswith("raft-"))
    names = tuple(dict.fromkeys(scenarios)) or tuple(raft)
    progress = Progress(len(chosen) * len(names), modules, findings_max)
    if report is not None:
        # Before the campaign, not after it: what it found must not be lost to a wrong path.
        check_writable(report / "campaign.html")
    try:
        campaign = simulation.run_campaign(
            names,
            chosen,
            clock=time.monotonic,
            jobs=jobs,
            limit_s=limit_s,
            findings_max=findings_max,
            shrink_s=shrink_s,
            modules=modules,
            on_run=progress.ran,
            on_shrunk=progress.shrunk,
        )
    except simulation.UnknownScenario as error:
        raise click.UsageError(str(error)) from None
    progress.end(campaign)
    if report is not None:
        write_pages(report, campaign, "kube-actors " + shlex.join(sys.argv[1:]), modules)
    if campaign.interrupted:
        sys.exit(INTERRUPTED_EXIT)
    if campaign.found:
        sys.exit(FOUND_EXIT)

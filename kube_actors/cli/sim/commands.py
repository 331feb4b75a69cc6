"""``kube-actors sim``: run seeds, replay one, shrink a failing one, list what there is.

Exit codes: 0 nothing found, 1 something found, 2 a wrong question, 130 stopped by Ctrl-C.
"""

import shlex
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kube_actors.cli.sim.check import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kube_actors.simulation.campaign import Campaign
    from kube_actors.simulation.scenario import Run, Scenario
    from kube_actors.simulation.schedule import FaultSchedule, VerbRule
    from kube_actors.simulation.shrink import Shrunk

FOUND_EXIT = 1
INTERRUPTED_EXIT = 130
PROGRESS_S = 0.5
QUIET_PROGRESS_S = 15.0


@click.group()
def sim() -> None:
    """Replay whole clusters from a seed, and find what is wrong with them."""


sim.add_command(check)
_SEED = click.IntRange(0)
_SEED.name = "seed"
_scenario = click.option(
    "--scenario", default="raft-5", show_default=True, help="Which one; see `sim list`."
)
_import = click.option(
    "--import", "modules", multiple=True, metavar="MODULE", help="Where scenarios of yours are."
)


@sim.command("list")
@click.option("--properties", is_flag=True, help="The properties that are checked, too.")
@click.option("--verbs", is_flag=True, help="The faults that a schedule may name, too.")
@_import
def list_scenarios(properties: bool, verbs: bool, modules: tuple[str, ...]) -> None:
    """List the scenarios."""
    from kube_actors.simulation.cluster import PROMISES
    from kube_actors.simulation.cluster.faults import VERBS
    from kube_actors.simulation.raft.faults import RULES
    from kube_actors.simulation.raft.judges import PROPERTIES
    from kube_actors.simulation.scenario import load_scenarios

    _import_all(modules)
    for name, scenario in load_scenarios().items():
        click.echo(f"{name:<18} {scenario.summary}")
    if properties:
        for heading, table in (("raft-…", PROPERTIES), ("cluster…", PROMISES)):
            click.echo(f"\n{heading}\n")
            for name, text in table.items():
                click.echo(f"{name:<26} {text}")
    if verbs:
        click.echo("\nraft-…: a target is a member, such as 1; a link is two, such as 1>2\n")
        _list_verbs(RULES)
        click.echo("\ncluster…: a target is a machine or an actor, such as master/1 or store/1\n")
        _list_verbs(VERBS)


def _list_verbs(rules: "Mapping[str, VerbRule]") -> None:
    for name, rule in rules.items():
        click.echo(f"{name:<16} {rule.text}" + (f" ({rule.takes})" if rule.takes else ""))


@sim.command()
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
@_import
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
    from kube_actors.simulation.campaign import parse_seeds, run_campaign
    from kube_actors.simulation.scenario import UnknownScenario, load_scenarios

    try:
        chosen = parse_seeds(seeds)
    except ValueError as error:
        raise click.UsageError(f"--seeds: {error}") from None
    _import_all(modules)
    raft = (name for name in load_scenarios() if name.startswith("raft-"))
    names = tuple(dict.fromkeys(scenarios)) or tuple(raft)
    progress = _Progress(len(chosen) * len(names), modules, findings_max)
    if report is not None:
        # Before the campaign, not after it: what it found must not be lost to a wrong path.
        _writable(report / "campaign.html")
    try:
        campaign = run_campaign(
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
    except UnknownScenario as error:
        raise click.UsageError(str(error)) from None
    progress.end(campaign)
    if report is not None:
        _write_reports(report, campaign, "kube-actors " + shlex.join(sys.argv[1:]), modules)
    if campaign.interrupted:
        sys.exit(INTERRUPTED_EXIT)
    if campaign.found:
        sys.exit(FOUND_EXIT)


@sim.command()
@click.argument("seed", type=_SEED)
@_scenario
@click.option("--schedule", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.html")
@click.option("--trace", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.json")
@click.option("--faults", is_flag=True, help="Print the schedule, to be changed and given again.")
@_import
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
    from kube_actors.simulation.campaign import replay_command
    from kube_actors.simulation.recording import Recording
    from kube_actors.simulation.report import html, perfetto

    _import_all(modules)
    found = _find(scenario)
    given = _read_schedule(schedule)
    for path in (report, trace):
        if path is not None:
            _writable(path)
    recording = Recording(scenario, seed) if report or trace else None
    outcome = _run(found, seed, given, schedule, recording)
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
        command = replay_command(outcome, str(schedule or ""), modules)
        if report:
            title = f"{scenario} seed {seed}"
            report.write_text(html.render(recording, title=title, command=command))
        if trace:
            trace.write_text(perfetto.render(recording))
    _tell(outcome)
    if outcome.findings:
        sys.exit(FOUND_EXIT)


@sim.command()
@click.argument("seed", type=_SEED)
@_scenario
@click.option("--schedule", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it here.")
@click.option(
    "--time", "time_s", default=60.0, show_default=True, type=click.FloatRange(min=0, min_open=True)
)
@_import
def shrink(
    seed: int,
    scenario: str,
    schedule: Path | None,
    out: Path | None,
    time_s: float,
    modules: tuple[str, ...],
) -> None:
    """Find the shortest schedule with which SEED still fails."""
    from kube_actors.simulation.campaign import replay_command
    from kube_actors.simulation.shrink import shrink as shrink_run

    _import_all(modules)
    found = _find(scenario)
    outcome = _run(found, seed, _read_schedule(schedule), schedule, None)
    if out is not None:
        _writable(out)
    if not outcome.findings:
        raise click.UsageError(f"seed {seed} of {scenario} breaks no promise: nothing to shrink")
    end_s = time.monotonic() + time_s
    smaller = shrink_run(
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
        click.echo(f"replay: {replay_command(outcome, str(out), modules)}")
    sys.exit(FOUND_EXIT)


def _import_all(modules: tuple[str, ...]) -> None:
    from importlib import import_module

    sys.path.insert(0, "")
    for module in modules:
        try:
            import_module(module)
        except Exception as error:
            text = str(error) if isinstance(error, ImportError) else _describe(error)
            raise click.UsageError(f"--import {module}: {text}") from None


def _describe(error: Exception) -> str:
    """Say what was raised, and where, in one line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({last.filename}, line {last.lineno})"


def _writable(path: Path) -> None:
    """Make the directory of a file that will be written. Raises UsageError if it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        with path.open("a"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None


def _find(name: str) -> "Scenario":
    from kube_actors.simulation.scenario import UnknownScenario, find_scenario

    try:
        return find_scenario(name)
    except UnknownScenario as error:
        raise click.UsageError(str(error)) from None


def _read_schedule(path: Path | None) -> "FaultSchedule | None":
    from kube_actors.simulation.schedule import FaultSchedule, ScheduleError

    if path is None:
        return None
    try:
        return FaultSchedule.from_json_lines(path.read_text(encoding="utf-8"))
    except ScheduleError as error:
        raise click.UsageError(f"{path}, {error}") from None
    except UnicodeDecodeError as error:
        text = f"not text in UTF-8: {error.reason} at byte {error.start}"
        raise click.UsageError(f"{path}: {text}") from None


def _run(
    scenario: "Scenario",
    seed: int,
    schedule: "FaultSchedule | None",
    path: Path | None,
    recording: "object | None",
) -> "Run":
    from kube_actors.simulation.scenario import failures_as_findings
    from kube_actors.simulation.schedule import FaultSchedule, ScheduleError

    try:
        return failures_as_findings(
            scenario.name,
            seed,
            schedule or FaultSchedule(),
            lambda: scenario.run(seed, schedule=schedule, recording=recording),  # type: ignore[arg-type]
        )
    except ScheduleError as error:
        raise click.UsageError(f"{path}, {error}") from None


def _tell(run: "Run") -> None:
    for finding in run.findings:
        click.echo(
            f"{finding.scenario} seed {finding.seed}: {finding.property}: {finding.text} "
            f"(step {finding.step}, {finding.time_s:.3f} s)"
        )


class _Progress:
    """One line that is written over on a terminal, and now and then a line elsewhere."""

    def __init__(self, total: int, modules: tuple[str, ...], findings_max: int) -> None:
        self.total = total
        self.findings_max = findings_max
        self.modules = modules
        self.begun_s = time.monotonic()
        self.shown_s = self.begun_s
        self.terminal = sys.stderr.isatty()

    def ran(self, campaign: "Campaign", run: "Run") -> None:
        if run.findings:
            self._clear()
            _tell(run)
        now_s = time.monotonic()
        if now_s - self.shown_s >= (PROGRESS_S if self.terminal else QUIET_PROGRESS_S):
            self.shown_s = now_s
            text = self._line(campaign)
            click.echo(f"\r{text}" if self.terminal else text, nl=not self.terminal, err=True)

    def shrunk(self, run: "Run", smaller: "Shrunk") -> None:
        from kube_actors.simulation.campaign import replay_command

        self._clear()
        click.echo(f"{run.scenario} seed {run.seed}, {smaller.finding.property}: shortest found")
        click.echo(f"  {smaller.describe()}; {smaller.finding.text}")
        for line in smaller.after.to_json_lines().splitlines():
            click.echo(f"  {line}")
        click.echo(f"  {replay_command(run, '', self.modules)}")

    def end(self, campaign: "Campaign") -> None:
        from kube_actors.simulation.campaign import replay_command

        self._clear()
        if campaign.interrupted:
            click.echo("stopped: what was found so far", err=True)
        elif len(campaign.found) >= self.findings_max and campaign.seeds < self.total:
            text = f"stopped at {len(campaign.found)} findings: --findings-max lets it go on"
            click.echo(text, err=True)
        for run in campaign.found:
            if (run.scenario, run.seed) not in campaign.shrunk:
                click.echo(replay_command(run, "", self.modules))
        click.echo(f"{self._line(campaign)}, digest {campaign.digest}")

    def _line(self, campaign: "Campaign") -> str:
        passed_s = max(time.monotonic() - self.begun_s, 1e-6)
        return (
            f"{campaign.seeds} of {self.total} seeds, {len(campaign.found)} with findings, "
            f"{campaign.seeds / passed_s:.1f} seeds/s, {campaign.simulated_s:.0f} simulated s"
        )

    def _clear(self) -> None:
        if self.terminal:
            click.echo("\r\x1b[K", nl=False, err=True)


def _write_reports(
    directory: Path, campaign: "Campaign", command: str, modules: tuple[str, ...]
) -> None:
    """Write a page for the campaign, and a page, a trace and a schedule for each finding."""
    from kube_actors.simulation.campaign import replay_command
    from kube_actors.simulation.recording import Recording
    from kube_actors.simulation.report import campaign as campaign_page
    from kube_actors.simulation.report import html, perfetto

    results = []
    for run in campaign.found:
        name = f"{run.scenario}-{run.seed}"
        smaller = campaign.shrunk.get((run.scenario, run.seed))
        schedule = smaller.after if smaller is not None else run.schedule
        href = ""
        if run.digest:  # else the process died or hung: it would do so here as well
            path = directory / f"{name}.schedule"
            path.write_text(schedule.to_json_lines())
            recording = Recording(run.scenario, run.seed)
            _find(run.scenario).run(run.seed, schedule=schedule, recording=recording)
            shown = replay_command(run, str(path), modules)
            href = f"{name}.html"
            (directory / href).write_text(html.render(recording, title=name, command=shown))
            (directory / f"{name}.trace.json").write_text(perfetto.render(recording))
            click.echo(f"{directory / href}: {shown}")
        finding = run.findings[0]
        results.append(
            campaign_page.SeedResult(
                run.scenario,
                run.seed,
                finding.property,
                finding.text,
                run.steps,
                run.simulated_s,
                href,
                replay_command(run, "", modules),
            )
        )
    for scenario, seed, steps, simulated_s in campaign.sound:
        results.append(
            campaign_page.SeedResult(scenario, seed, steps=steps, simulated_s=simulated_s)
        )
    results.sort(key=lambda result: (result.scenario, result.seed))
    page = campaign_page.render(results, title="campaign", command=command)
    (directory / "campaign.html").write_text(page)
    click.echo(f"reports: {directory / 'campaign.html'}")

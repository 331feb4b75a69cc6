"""How far a campaign has come, said while it runs and when it has ended."""

import sys
import time

import click

from kube_actors import simulation
from kube_actors.cli.sim.findings import tell

PROGRESS_S = 0.5
QUIET_PROGRESS_S = 15.0


class Progress:
    """One line that is written over on a terminal, and now and then a line elsewhere."""

    def __init__(self, total: int, modules: tuple[str, ...], findings_max: int) -> None:
        self.total = total
        self.findings_max = findings_max
        self.modules = modules
        self.begun_s = time.monotonic()
        self.shown_s = self.begun_s
        self.terminal = sys.stderr.isatty()

    def ran(self, campaign: "simulation.Campaign", run: "simulation.Run") -> None:
        """Tell what a run found; say how far it is, if that was last said some time ago."""
        if run.findings:
            self._clear()
            tell(run)
        now_s = time.monotonic()
        if now_s - self.shown_s >= (PROGRESS_S if self.terminal else QUIET_PROGRESS_S):
            self.shown_s = now_s
            text = self._line(campaign)
            click.echo(f"\r{text}" if self.terminal else text, nl=not self.terminal, err=True)

    def shrunk(self, run: "simulation.Run", smaller: "simulation.Shrunk") -> None:
        """Print the shortest schedule of a finding, and the command that runs its seed again."""
        self._clear()
        click.echo(f"{run.scenario} seed {run.seed}, {smaller.finding.property}: shortest found")
        click.echo(f"  {smaller.describe()}; {smaller.finding.text}")
        for line in smaller.after.to_json_lines().splitlines():
            click.echo(f"  {line}")
        click.echo(f"  {simulation.replay_command(run, '', self.modules)}")

    def end(self, campaign: "simulation.Campaign") -> None:
        """Say why it ended early, how findings that were not shrunk run again, and the digest."""
        self._clear()
        if campaign.interrupted:
            click.echo("stopped: what was found so far", err=True)
        elif len(campaign.found) >= self.findings_max and campaign.seeds < self.total:
            text = f"stopped at {len(campaign.found)} findings: --findings-max lets it go on"
            click.echo(text, err=True)
        for run in campaign.found:
            if (run.scenario, run.seed) not in campaign.shrunk:
                click.echo(simulation.replay_command(run, "", self.modules))
        click.echo(f"{self._line(campaign)}, digest {campaign.digest}")

    def _line(self, campaign: "simulation.Campaign") -> str:
        passed_s = max(time.monotonic() - self.begun_s, 1e-6)
        return (
            f"{campaign.seeds} of {self.total} seeds, {len(campaign.found)} with findings, "
            f"{campaign.seeds / passed_s:.1f} seeds/s, {campaign.simulated_s:.0f} simulated s"
        )

    def _clear(self) -> None:
        if self.terminal:
            click.echo("\r\x1b[K", nl=False, err=True)

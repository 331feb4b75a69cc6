"""The pages of a campaign: one for all of it; page, trace and schedule for each finding."""

from pathlib import Path

import click

from kube_actors import simulation
from kube_actors.cli.sim.questions import find_scenario


def write_pages(
    directory: Path, campaign: "simulation.Campaign", command: str, modules: tuple[str, ...]
) -> None:
    """Write a page for the campaign, and a page, a trace and a schedule for each finding."""
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
            recording = simulation.Recording(run.scenario, run.seed)
            find_scenario(run.scenario).run(run.seed, schedule=schedule, recording=recording)
            shown = simulation.replay_command(run, str(path), modules)
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
                simulation.replay_command(run, "", modules),
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

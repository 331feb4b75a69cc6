"""A campaign as one HTML file: every seed a square, red where it broke, linked to its run."""

from collections.abc import Sequence

from attrs import asdict, frozen

from kube_actors.simulation.report.html import assemble

__all__ = ["SeedResult", "render"]


@frozen
class SeedResult:
    """What came of one seed. ``property`` is empty when every promise held.

    ``href`` is the page of the run, relative to the campaign's; empty when none was written.
    """

    scenario: str
    seed: int
    property: str = ""
    text: str = ""
    steps: int = 0
    simulated_s: float = 0.0
    href: str = ""
    command: str = ""


def render(results: Sequence[SeedResult], *, title: str, command: str) -> str:
    """Draw a campaign. Raises ValueError for a link that is not to a file beside the page."""
    for result in results:
        if ":" in result.href or result.href.startswith("/"):
            raise ValueError(f"seed {result.seed}: {result.href!r} is not a relative path")
    payload = {
        "title": title,
        "command": command,
        "results": [asdict(result) for result in results],
    }
    return assemble("campaign.html", "campaign.css", ("campaign.js",), title, payload)

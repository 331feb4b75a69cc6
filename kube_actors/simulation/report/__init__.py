"""What a person looks at: a run as one HTML file or a Perfetto trace, a campaign as a grid.

``html.render(recording, title=…, command=…)``, ``perfetto.render(recording)`` and
``campaign.render(results, …)`` each return one text to write to a file.
"""

from kube_actors.simulation.report import campaign, html, perfetto

__all__ = ["campaign", "html", "perfetto"]

"""``kube-actors sim`` itself, with one command from each file beside it."""

import click

from kube_actors.cli.sim.check import check
from kube_actors.cli.sim.listing import list_scenarios
from kube_actors.cli.sim.replay import replay
from kube_actors.cli.sim.run import run
from kube_actors.cli.sim.shrink import shrink


@click.group()
def sim() -> None:
    """Replay whole clusters from a seed, and find what is wrong with them."""


for _command in (list_scenarios, run, replay, shrink, check):
    sim.add_command(_command)

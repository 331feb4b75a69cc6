"""``kube-actors sim``: run seeds, replay one, shrink a failing one, judge a history."""

from kube_actors.cli.sim.commands import sim

__all__ = ["sim"]

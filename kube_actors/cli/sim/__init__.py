"""``kube-actors sim``: run seeds, replay one, shrink a failing one, judge a history.

Gives the group of commands and nothing else. Asking for help loads no simulator.
"""

from kube_actors.cli.sim.group import sim

__all__ = ["sim"]

"""The command line: ``kube-actors up``, ``demo``, ``status``, ``chaos``.

Every command prints what it did, errors in one line with what to do next, and exits with 0 (done),
1 (it did not work), 2 (asked wrongly) or 3 (the cluster is read-only or cannot be reached).
"""

from kube_actors.cli.command import main

__all__ = ["main"]

"""What every cluster has from the start: written once, by whichever apiserver comes first.

The objects themselves are pure data; writing them is one transaction each, never over what is
there.
"""

from kube_actors.apiserver.bootstrap.bootstrap import is_bootstrapped, run_bootstrap
from kube_actors.apiserver.bootstrap.objects import kubernetes_service

__all__ = ["is_bootstrapped", "kubernetes_service", "run_bootstrap"]

"""Checks of what carries traffic: services, ingresses, network policies, and their addresses.

The words are those of ``pkg/apis/core``, ``networking`` and ``discovery``. Whether an address is
free, or a backend exists, is not asked here: allocation and routing find that out.
"""

from kube_actors.api.validation.networking import addresses, ingresses, policies, services

__all__ = ["addresses", "ingresses", "policies", "services"]

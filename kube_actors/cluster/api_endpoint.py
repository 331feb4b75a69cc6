"""Where pods reach the API: the ``kubernetes`` Service follows the master whose store member leads.

Every master serves the API at an address of its own, and a dead one's must not stay in the
Service. Whoever leads the store is alive and has a majority, so it puts its own address there.
"""

import logging

import anyio

from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.apiserver import ApiServerConfig
from kube_actors.apiserver.bootstrap import kubernetes_service
from kube_actors.client import Client
from kube_actors.cluster.health import Health

logger = logging.getLogger(__name__)

LOOK_S = 1.0
_PLURALS = {"Service": "services", "Endpoints": "endpoints", "EndpointSlice": "endpointslices"}
_LEADING = ("endpoints", "ports", "subsets")
"""The fields that hold the address."""


async def run_api_endpoint(
    client: Client, config: ApiServerConfig, health: Health, member: int
) -> None:
    """See to it that the Service points here while ``member`` leads, for ever.

    Looking once is not enough: a master that starts points it at itself, and may die again.
    """
    while True:
        status = health.members.get(member)
        if status is not None and status.leader == status.member and not status.read_only:
            try:
                await point_here(client, config)
            except (StatusError, ActorError) as error:
                logger.info("the kubernetes Service keeps its address for now: %s", error)
        await anyio.sleep(LOOK_S)


async def point_here(client: Client, config: ApiServerConfig) -> None:
    """Write this master's address where it is not there yet."""
    for wanted in kubernetes_service(config):
        plural = _PLURALS.get(wanted["kind"])
        if plural is None:
            continue
        # What this master has at hand will do: a write that is based on something old is refused.
        old = await client.get(plural, "kubernetes", "default", resource_version="0")
        if wanted["kind"] == "Service":
            new = {**old, "spec": {**old["spec"], "ports": wanted["spec"]["ports"]}}
        else:
            new = {**old, **{key: wanted[key] for key in _LEADING if key in wanted}}
        if new != old:
            await client.update(new)

"""grpc.health.v1: whether the store can serve, for whoever probes by gRPC."""

from collections.abc import AsyncIterator
from typing import Any

import anyio

from kube_actors.actor import ActorError
from kube_actors.etcd.grpc import Answers, Methods, Streaming, Unary
from kube_actors.etcd.schema import Parser, pb
from kube_actors.etcd.services.origin import Origin

SERVING, NOT_SERVING = 1, 2
POLL_S = 1.0


class HealthService:
    """SERVING while the member knows a leader and a quorum."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def methods(self) -> Methods:
        """Both methods of grpc.health.v1.Health."""
        service, parser = "/grpc.health.v1.Health", Parser(pb.HealthCheckRequest)
        return {
            f"{service}/Check": Unary(parser, self.check),
            f"{service}/Watch": Streaming(parser, self.watch),
        }

    async def check(self, request: Any) -> Any:
        """Check: SERVING unless this member is read-only or does not answer."""
        return pb.HealthCheckResponse(status=await self._state())

    async def watch(self, requests: AsyncIterator[Any], answers: Answers) -> None:
        """Say the state, and say it again whenever it is another."""
        said = 0
        while True:
            state = await self._state()
            if state != said:
                said = state
                await answers.send(pb.HealthCheckResponse(status=state))
            await anyio.sleep(POLL_S)

    async def _state(self) -> int:
        try:
            status = await self._origin.status()
        except ActorError:
            return NOT_SERVING
        return NOT_SERVING if status.read_only else SERVING

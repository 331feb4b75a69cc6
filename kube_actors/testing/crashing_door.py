"""A way to the API that ends whoever uses it, right after one of its writes was answered.

No moment drawn from a clock falls between two requests of which one follows the other's answer at
once; yet that is where an operator breaks that is not idempotent: what it wrote is there, and it
has forgotten why.
"""

from collections.abc import Callable

import anyio

from kube_actors.client import ApiRequest, ApiResponse, Door


class CrashingDoor(Door):
    """Calls ``crash`` when the ``writes``-th write of its user has been answered."""

    def __init__(self, door: Door, writes: int, crash: Callable[[], None]) -> None:
        super().__init__(door.actor, door.apiservers, door.user, door.groups)
        self._left = writes
        self._crash = crash

    async def request(self, request: ApiRequest) -> ApiResponse:
        """Send a request; after the last write its user is gone before it hears the answer."""
        answer = await super().request(request)
        if request.method != "GET":
            self._left -= 1
            if self._left == 0:
                self._crash()
                await anyio.lowlevel.checkpoint()
        return answer

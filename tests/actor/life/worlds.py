"""Actors that live and die as they are told, and what their supervisor says of them."""

from kube_actors.actor import (
    Actor,
    State,
    Supervisor,
    message,
)


@message("supervision.ask")
class Ask:
    number: int = 0


class Lives:
    """Actors that write down when they begin and end, and crash when told to."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def run(self, actor: Actor) -> None:
        self.log.append(f"+{actor.address}")
        try:
            if (await actor.receive()).message == Ask(1):
                raise RuntimeError("on purpose")
        finally:
            self.log.append(f"-{actor.address}")

    def take(self) -> str:
        log, self.log = self.log, []
        return " ".join(log)


def state(supervisor: Supervisor, address: str) -> State:
    return next(
        child.state for child in supervisor.statistics().children if child.address == address
    )

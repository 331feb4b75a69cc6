"""What a member passes on to the leader."""

from kube_actors.actor import Actor, ActorError, Address, Delivery, message
from kube_actors.store.commands import Command
from kube_actors.store.messages import OutcomeUnknown

FORWARD_TIMEOUT_S = 5.0


@message("store.forward")
class Forward:
    """Propose these. Lost, repeated or late, each is applied at most once."""

    commands: tuple[Command, ...]


async def forward_call(actor: Actor, leader: Address, delivery: Delivery) -> None:
    """Ask the leader what only it knows, and pass its answer on."""
    try:
        answer = await actor.call(leader, delivery.message, timeout_s=FORWARD_TIMEOUT_S)
    except ActorError as error:
        delivery.fail(OutcomeUnknown(f"{leader}: {error}"))
    else:
        delivery.reply(answer)

"""What a member passes on to the leader, and what the leader has been passed."""

from collections.abc import Callable, Sequence

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorError,
    Address,
    DeadlineExceeded,
    Delivery,
    Unreachable,
    message,
)
from kube_actors.store.member.proposals import size_of
from kube_actors.store.messages import Command, OutcomeUnknown

FORWARD_TIMEOUT_S = 5.0


@message("store.forward")
class Forward:
    """Propose these. Lost, repeated or late, each is applied at most once."""

    commands: tuple[Command, ...]


class Forwarded:
    """The commands that a leader has still to propose, its own and others'.

    What others repeat because it is slow is taken once: on a slow disk it would otherwise pile up
    in the log, and make it slower yet. ``has_applied`` asks the sessions of the day.
    """

    def __init__(self, commands_max: int, has_applied: Callable[[int, int, int], bool]) -> None:
        self.commands: list[Command] = []
        self._commands_max = commands_max
        self._has_applied = has_applied
        self._taken: dict[tuple[int, int, int], None] = {}
        self._sweep_at = commands_max

    def accept(self, commands: Sequence[Command]) -> None:
        """Take what is new, unless too much waits already."""
        if len(self.commands) >= self._commands_max:
            return
        for command in commands:
            name = (command.member, command.incarnation, command.sequence)
            if name not in self._taken and not self._has_applied(*name):
                self._taken[name] = None
                self.commands.append(command)
        if len(self._taken) >= self._sweep_at:
            self._taken = {name: None for name in self._taken if not self._has_applied(*name)}
            self._sweep_at = 2 * len(self._taken) + self._commands_max

    def next_batch(self, count_max: int, bytes_max: int) -> list[Command]:
        """Remove and return what may travel together, at least one if there is any."""
        count = size = 0
        for command in self.commands[:count_max]:
            if count and size >= bytes_max:
                break
            size += size_of(command.request)
            count += 1
        batch = self.commands[:count]
        del self.commands[:count]
        return batch

    def clear(self) -> None:
        """Somebody else leads, or this member anew: everything is sent again."""
        self.commands.clear()
        self._taken.clear()


async def forward_call(actor: Actor, leader: Address, delivery: Delivery) -> None:
    """Ask the leader what only it knows, and pass its answer or its refusal on."""
    try:
        answer = await actor.call(leader, delivery.message, timeout_s=FORWARD_TIMEOUT_S)
    except (Unreachable, DeadlineExceeded, ActorCrashed) as error:
        delivery.fail(OutcomeUnknown(f"{leader}: {error}"))
    except ActorError as refusal:
        delivery.fail(refusal.with_traceback(None))
    else:
        delivery.reply(answer)

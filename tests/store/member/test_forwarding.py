"""What the leader takes from others: each command once, and never too much in one entry."""

import pytest

from kube_actors.actor import Actor, ActorError, ActorSystem, Address, Blob, Child, Supervisor
from kube_actors.store import LeaseKeepAlive, NoQuorum, OutcomeUnknown, Put, Txn
from kube_actors.store.member.forwarding import Forwarded, forward_call
from kube_actors.store.messages import Command


def command(sequence: int, size: int = 1000) -> Command:
    return Command(2, 1, sequence, 1, Txn((), (Put(b"k", Blob(bytes(size))),)))


def test_a_repeated_command_is_taken_once_and_not_after_it_was_applied() -> None:
    applied: list[int] = []
    forwarded = Forwarded(4, lambda _member, _incarnation, sequence: sequence in applied)
    forwarded.accept([command(1), command(2), command(1)])
    assert [one.sequence for one in forwarded.next_batch(10, 1 << 20)] == [1, 2]
    forwarded.accept([command(1), command(3)])
    assert [one.sequence for one in forwarded.commands] == [3]
    applied += [1, 2]
    forwarded.accept([command(4), command(2)])
    forwarded.accept([command(1), command(5)])
    assert [one.sequence for one in forwarded.commands] == [3, 4, 5]
    forwarded.clear()
    forwarded.accept([command(3), command(1)])
    assert [one.sequence for one in forwarded.commands] == [3]


def test_large_commands_travel_in_several_entries() -> None:
    forwarded = Forwarded(100, lambda *_: False)
    forwarded.accept([command(n, 600_000) for n in range(1, 6)])
    sizes = []
    while found := forwarded.next_batch(512, 1 << 20):
        sizes.append(len(found))
    assert sizes == [2, 2, 1]


@pytest.mark.anyio
@pytest.mark.parametrize(("refuses", "told"), [(True, NoQuorum), (False, OutcomeUnknown)])
async def test_what_the_leader_refuses_is_refused_and_its_silence_is_said(
    refuses: bool, told: type[ActorError]
) -> None:
    async def leader(actor: Actor) -> None:
        delivery = await actor.receive()
        if refuses:
            delivery.fail(NoQuorum(1, 3))
        raise RuntimeError

    async def follower(actor: Actor) -> None:
        await forward_call(actor, Address("leader/1"), await actor.receive())

    async with (
        ActorSystem() as system,
        Supervisor(system, name="root") as supervisor,
        system.client("client/1") as asking,
    ):
        supervisor.start(Child("leader/1", leader))
        supervisor.start(Child("follower/1", follower))
        with pytest.raises(told):
            await asking.call("follower/1", LeaseKeepAlive(7))

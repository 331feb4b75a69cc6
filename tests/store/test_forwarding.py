"""What the leader takes from others: each command once, and never too much in one entry."""

from kube_actors.actor import Blob
from kube_actors.store import Put, Txn
from kube_actors.store.commands import Command
from kube_actors.store.forwarding import Forwarded


def command(sequence: int, size: int = 1000) -> Command:
    return Command(2, 1, sequence, 1, Txn((), (Put(b"k", Blob(bytes(size))),)))


def test_a_repeated_command_is_taken_once_and_not_after_it_was_applied() -> None:
    applied: list[int] = []
    forwarded = Forwarded(4, lambda _member, _incarnation, sequence: sequence in applied)
    forwarded.take([command(1), command(2), command(1)])
    assert [one.sequence for one in forwarded.some(10, 1 << 20)] == [1, 2]
    forwarded.take([command(1), command(3)])
    assert [one.sequence for one in forwarded.commands] == [3]
    applied += [1, 2]
    forwarded.take([command(4), command(2)])
    forwarded.take([command(1), command(5)])
    assert [one.sequence for one in forwarded.commands] == [3, 4, 5]
    forwarded.clear()
    forwarded.take([command(3), command(1)])
    assert [one.sequence for one in forwarded.commands] == [3]


def test_large_commands_travel_in_several_entries() -> None:
    forwarded = Forwarded(100, lambda *_: False)
    forwarded.take([command(n, 600_000) for n in range(1, 6)])
    sizes = []
    while found := forwarded.some(512, 1 << 20):
        sizes.append(len(found))
    assert sizes == [2, 2, 1]

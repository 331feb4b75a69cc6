"""Who is asked whether they are there, and how often; and who counts."""

from kube_actors.raft import ConfigState
from kube_actors.store.group.peers import Peers


def test_those_who_are_silent_are_asked_now_and_then_and_all_the_time_without_a_majority() -> None:
    peers = Peers(1, ConfigState((1, 2, 3, 4, 5)), lost_ticks=10)
    assert peers.to_greet() == [2, 3, 4, 5]
    asked: list[int] = []
    for _ in range(20):
        peers.tick()
        peers.hear(2)
        peers.hear(3)
        asked += peers.to_greet()
    assert peers.has_quorum
    assert asked == [4, 5] * 4
    for _ in range(11):
        peers.tick()
    assert not peers.has_quorum
    peers.to_greet()
    peers.tick()
    assert peers.to_greet() == [2, 3, 4, 5]


def test_only_voters_count_and_both_halves_of_a_joint_configuration_must_answer() -> None:
    peers = Peers(1, ConfigState((1, 2, 3), learners=(4,)), lost_ticks=10)
    for _ in range(11):
        peers.tick()
    peers.hear(4)
    assert (peers.answering, peers.voters, peers.has_quorum) == (1, 3, False)
    peers.hear(2)
    assert peers.has_quorum
    peers.follow(ConfigState((1, 2, 4), voters_outgoing=(1, 3, 5)))
    assert peers.has_quorum, "nobody who is new is missed at once"
    for _ in range(11):
        peers.tick()
    peers.hear(2)
    assert not peers.has_quorum
    peers.hear(3)
    assert peers.has_quorum
    assert (peers.answering, peers.voters) == (3, 5)

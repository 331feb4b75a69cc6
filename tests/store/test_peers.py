"""Who is asked whether they are there, and how often."""

from kube_actors.store.peers import Peers


def test_those_who_are_silent_are_asked_now_and_then_and_all_the_time_without_a_majority() -> None:
    peers = Peers((2, 3, 4, 5), 5, lost_ticks=10)
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

"""§6: a member's vote may be needed before its log tells it that it has one."""

from random import Random

from kube_actors.raft import Heartbeat, PreVote, PreVoteReply, Raft, RaftConfig
from tests.raft.raft_group import out


def test_a_leader_that_fell_silent_holds_no_lease_on_a_member_that_cannot_campaign() -> None:
    newcomer = Raft(RaftConfig(id=4), random=Random(1))
    newcomer.step(Heartbeat(1, 4, 1, 0, 0))
    out(newcomer)
    for _ in range(20):
        newcomer.tick()
    for _ in range(30):
        newcomer.tick()
        newcomer.step(PreVote(2, 4, 2, 9, 1))
        assert out(newcomer) == [PreVoteReply(4, 2, 2, granted=True)]

"""A crash between the parts of one Ready: entries are on disk, their term's hard state is not."""

from random import Random

from kube_actors.raft import HardState, Heartbeat, HeartbeatReply, Raft, RaftConfig
from tests.raft.raft_group import entries


def test_a_term_known_from_the_log_alone_is_written_before_anything_is_promised_in_it() -> None:
    raft = Raft(
        RaftConfig(id=2),
        random=Random(1),
        members=(1, 2, 3),
        hard_state=HardState(1, 1, 1),
        entries=entries(1, 2),
    )
    assert raft.term == 2
    raft.step(Heartbeat(1, 2, 2, 1, 5))
    ready = raft.ready()
    assert ready.hard_state == HardState(2, 0, 1)
    assert ready.must_sync
    assert list(ready.messages) == []
    assert list(ready.messages_after_persist) == [HeartbeatReply(2, 1, 2, 5)]

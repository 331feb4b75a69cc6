"""§7: a snapshot says who belongs to the group, so a member that does not know takes none."""

import pytest

from kube_actors.raft import ChangeType, ConfigChange, LogCompacted, MemberChange
from tests.raft.raft_group import Group


def test_a_member_that_joined_takes_no_snapshot_before_it_knows_the_configuration() -> None:
    group = Group(3, message_bytes_max=1, committed_bytes_max=1)
    leader = group.elect(1)
    for number in range(4):
        leader.propose(b"%d" % number)
    group.deliver()
    group.join(4)
    leader.propose_change(ConfigChange((MemberChange(ChangeType.ADD_LEARNER, 4),)))
    joined = group[4]
    refused = 0
    advance = type(joined).advance

    def look() -> None:
        nonlocal refused
        if 0 < joined.applied_index < 6:
            with pytest.raises(LogCompacted):
                joined.snapshot_metadata()
            refused += 1

    # One entry at a time reaches it, as its limits say; look after each.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(joined), "advance", lambda self, ready: (advance(self, ready), look())[0]
        )
        group.deliver()
        group.tick(2)
    assert refused
    assert joined.applied_index == 6
    assert joined.snapshot_metadata().config == leader.config_state

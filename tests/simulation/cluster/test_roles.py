"""Who leads is read from the messages of Raft, and nothing else is made of them."""

import kube_actors.store.member.raft_wire  # noqa: F401  makes Raft's messages ones that can be sent
from kube_actors import raft
from kube_actors.actor.talk import CALL, CANCEL, TELL, Envelope, Frame, encode
from kube_actors.simulation import Recording
from kube_actors.simulation.cluster.roles import RolesHeard


def heard(*messages: tuple[int, object]) -> list[tuple[str, str, str, dict[str, object]]]:
    recording = Recording()
    roles = RolesHeard(recording)
    for step, (member, message) in enumerate(messages):
        envelope = Envelope(TELL, f"store/{member}", "store/9", 0, encode(message))
        assert roles.hear(envelope, f"store/{member}", step, 0.0) == type(message).__name__
    return [(e.lane, e.kind, e.text, dict(e.data)) for e in recording.events]


def test_who_asks_for_votes_and_then_appends_has_become_leader() -> None:
    assert heard(
        (1, raft.Vote(1, 2, 3, 0, 0)),
        (1, raft.Heartbeat(1, 2, 3, 7, 0)),
        (1, raft.Heartbeat(1, 2, 3, 7, 1)),
        (2, raft.HeartbeatReply(2, 1, 3, 0)),
    ) == [
        ("store/1", "role", "candidate", {"term": 3}),
        ("store/1", "role", "leader", {"term": 3}),
        ("store/1", "commit", "", {"index": 7}),
        ("store/2", "role", "follower", {"term": 3}),
    ]


def test_what_comes_late_from_an_older_term_changes_nothing() -> None:
    assert heard(
        (1, raft.HeartbeatReply(1, 2, 5, 0)),
        (1, raft.Heartbeat(1, 2, 4, 0, 0)),
    ) == [("store/1", "role", "follower", {"term": 5})]


def test_what_is_no_message_keeps_the_name_of_its_envelope() -> None:
    roles = RolesHeard(Recording())
    assert roles.hear(Envelope(CANCEL, "a", "b"), "a", 0, 0.0) == "cancel"
    broken = Envelope(CALL, "a", "b", 1, Frame(b"\xc1", ()))
    assert roles.hear(broken, "a", 0, 0.0) == "call"
    asked = Envelope(CALL, "a", "b", 1, encode(raft.TimeoutNow(1, 2, 3)))
    assert roles.hear(asked, "a", 0, 0.0) == "call TimeoutNow"

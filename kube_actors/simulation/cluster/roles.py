"""Who leads the store, read from what its members tell each other.

A recording of a whole cluster hears only envelopes. The messages of Raft among them say enough for
a person: who appends is the leader of its term, who asks for votes is a candidate, who answers is
a follower. Reading changes nothing in the run.
"""

from typing import Final

from kube_actors.actor import MalformedMessage
from kube_actors.actor.talk import KINDS, Envelope, decode
from kube_actors.simulation.recording import Recording

ROLES: Final = {
    "CarriedAppend": "leader",
    "Append": "leader",
    "Heartbeat": "leader",
    "Vote": "candidate",
    "AppendReply": "follower",
    "HeartbeatReply": "follower",
}
SPOKEN: Final = {"CarriedAppend": "Append"}


class RolesHeard:
    """Writes ``role`` and ``commit`` events of store members into a recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._roles: dict[str, tuple[int, str]] = {}
        self._commits: dict[str, int] = {}

    def hear(self, envelope: Envelope, lane: str, step: int, now_s: float) -> str:
        """Take note of what one envelope says about its sender; return what to call it."""
        kind = KINDS[envelope.kind]
        if not envelope.frame.header:
            return kind
        try:
            message = decode(envelope.frame)
        except MalformedMessage:
            return kind
        name = type(message).__name__
        if name in ROLES:
            self._hear_role(lane, ROLES[name], message.term, step, now_s)
            commit = getattr(message, "commit", 0)
            if ROLES[name] == "leader" and commit > self._commits.get(lane, 0):
                self._commits[lane] = commit
                self._recording.event(step, now_s, lane, "commit", index=commit)
        said = SPOKEN.get(name, name)
        return said if kind == "tell" else f"{kind} {said}"

    def forget(self, lane: str) -> None:
        """Whoever starts again has no role until it says so."""
        term, _ = self._roles.get(lane, (-1, ""))
        self._roles[lane] = (term, "")

    def _hear_role(self, lane: str, role: str, term: int, step: int, now_s: float) -> None:
        before_term, before = self._roles.get(lane, (-1, ""))
        if term < before_term or (term == before_term and (role == before or before == "leader")):
            return
        self._roles[lane] = (term, role)
        self._recording.event(step, now_s, lane, "role", role, term=term)

"""Writes a run of a Raft group down as a ``Recording``, for a person to look at.

Only a run that is asked for one has a recorder: bulk runs pay nothing.
"""

from typing import TYPE_CHECKING, Any

from kube_actors.raft import Message
from kube_actors.simulation.raft.faults import OPERATIONS, RESIDUAL
from kube_actors.simulation.raft.member import SimulatedMember

if TYPE_CHECKING:
    from kube_actors.simulation.raft.world import RaftWorld
    from kube_actors.simulation.recording import Recording


class Recorder:
    """Lanes are ``member 1`` and so on, and ``clients``."""

    def __init__(self, recording: "Recording") -> None:
        self.recording = recording
        self.world: Any = None
        self.seen: dict[int, tuple[str, int]] = {}
        self.commits: dict[int, int] = {}

    def watch(self, world: "RaftWorld") -> None:
        """Begin with a world that has not run yet."""
        self.world = world
        self.recording.lane(*[f"member {number}" for number in world.members], "clients")
        world.network.on_fate = self._message
        world.network.settle()
        for fault in world.schedule.faults:
            if fault.verb == OPERATIONS:
                continue
            members = [t for target in fault.targets for t in target.split(">")]
            lanes = [f"member {number}" for number in members or world.members]
            end_s = None if fault.verb in RESIDUAL else (fault.until_s or fault.at_s)
            text = f"{fault.amount:g}" if fault.amount else ""
            text = " ".join([*fault.targets, text]).strip()
            self.recording.window(lanes, fault.at_s, end_s, fault.verb, text)

    def _message(self, message: Message, fate: str, delay_us: int) -> None:
        events = self.world.events
        received_s = None if fate in ("lost", "cut") else (events.now_us + delay_us) / 1e6
        self.recording.message(
            events.step,
            events.now_s,
            f"member {message.source}",
            f"member {message.target}",
            received_s,
            type(message).__name__,
            f"term {message.term}",
            fate,
        )

    def restarted(self, member: SimulatedMember) -> None:
        self.seen.pop(member.id, None)
        self.commits[member.id] = 0
        if member.incarnation > 1:
            self.note(member, "restart")

    def look(self, member: SimulatedMember) -> None:
        """Write down what is new about a member after a step."""
        state = member.state
        if state is None:
            return
        events = self.world.events
        lane = f"member {member.id}"
        now = (state.role.value, state.term)
        if self.seen.get(member.id) != now:
            self.seen[member.id] = now
            self.recording.event(events.step, events.now_s, lane, "role", now[0], term=now[1])
        if state.log.committed > self.commits.get(member.id, 0):
            self.commits[member.id] = state.log.committed
            self.recording.event(
                events.step, events.now_s, lane, "commit", index=state.log.committed
            )

    def note(self, member: SimulatedMember, kind: str, text: str = "") -> None:
        events = self.world.events
        self.recording.event(events.step, events.now_s, f"member {member.id}", kind, text)

    def finish(self) -> None:
        """Write down what clients asked and were told."""
        for operation in self.world.clients.history:
            text = f"{operation!r}: {operation.outcome or 'open'}"
            if operation.outcome == "ok":
                text += f" {operation.result}"
            self.recording.event(
                self.world.events.step,
                operation.invoked_us / 1e6,
                "clients",
                "operation",
                text,
                returned_s=operation.returned_us / 1e6,
            )

"""Writes a run of a Raft group down as a ``Recording``, for a person to look at.

Only a run that is asked for one has a recorder: bulk runs pay nothing.
"""

from collections.abc import Iterable, Sequence

from kube_actors.raft import Message
from kube_actors.simulation.raft.events import Events
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.network import Network
from kube_actors.simulation.raft.registers import Operation
from kube_actors.simulation.recording import Recording
from kube_actors.simulation.schedule import Fault


class Recorder:
    """Lanes are ``member 1`` and so on, and ``clients``."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.events = Events()
        self.seen: dict[int, tuple[str, int]] = {}
        self.commits: dict[int, int] = {}

    def watch(
        self,
        events: Events,
        network: Network,
        members: Iterable[int],
        faults: Iterable[tuple[Fault, bool]],
    ) -> None:
        """Begin with a run that has not begun yet; a fault comes with whether it never ends."""
        self.events = events
        everybody = [f"member {number}" for number in members]
        self.recording.lane(*everybody, "clients")
        network.on_fate = self._message
        network.settle()
        for fault, residual in faults:
            named = [t for target in fault.targets for t in target.split(">")]
            lanes = [f"member {number}" for number in named] or everybody
            end_s = None if residual else (fault.until_s or fault.at_s)
            text = f"{fault.amount:g}" if fault.amount else ""
            text = " ".join([*fault.targets, text]).strip()
            self.recording.window(lanes, fault.at_s, end_s, fault.verb, text)

    def _message(self, message: Message, fate: str, delay_us: int) -> None:
        events = self.events
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
        """Begin anew with a member that started; its first start is no event."""
        self.seen.pop(member.id, None)
        self.commits[member.id] = 0
        if member.incarnation > 1:
            self.note(member, "restart")

    def look(self, member: SimulatedMember) -> None:
        """Write down what is new about a member after a step."""
        state = member.state
        if state is None:
            return
        events = self.events
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
        """Write down an event on a member's lane."""
        events = self.events
        self.recording.event(events.step, events.now_s, f"member {member.id}", kind, text)

    def finish(self, history: Sequence[Operation]) -> None:
        """Write down what clients asked and were told."""
        for operation in history:
            text = f"{operation!r}: {operation.outcome or 'open'}"
            if operation.outcome == "ok":
                text += f" {operation.result}"
            self.recording.event(
                self.events.step,
                operation.invoked_us / 1e6,
                "clients",
                "operation",
                text,
                returned_s=operation.returned_us / 1e6,
            )

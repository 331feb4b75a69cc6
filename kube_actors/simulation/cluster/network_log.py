"""A network that takes note of every envelope: what makes two runs comparable byte for byte.

The digest covers time, source, target, kind, conversation and bytes of all that was sent, in
order. With a recording, envelopes also become messages between lanes; a lane is a component.
"""

import hashlib
from collections.abc import Callable

import anyio

from kube_actors.actor import Address, MemoryNetwork
from kube_actors.actor.loop import Timers
from kube_actors.actor.talk import Envelope
from kube_actors.simulation.cluster.roles import RolesHeard
from kube_actors.simulation.recording import Recording

DIGEST_STEPS = 1000
_COMPONENTS = ("store/", "apiserver/", "controllers/", "scheduler/", "kubelet/")


class LoggedNetwork(MemoryNetwork):
    """``steps`` counts envelopes; ``digest`` is a hash of them all, and of what was ``note``d.

    ``digests`` keeps what it was before every thousandth, so that two runs can be compared up to
    where they part.
    """

    def __init__(self, seed: int = 0, recording: Recording | None = None) -> None:
        super().__init__(seed)
        self.steps = 0
        self.recording = recording
        self.listeners: list[Callable[[Envelope], None]] = []
        self._heard = None if recording is None else RolesHeard(recording)
        self._hash = hashlib.blake2b(digest_size=16)
        self.digests: list[str] = []
        self.digest_at_mark = ""
        self._mark = -1
        self._marked: Callable[[], None] = lambda: None
        self._met: dict[str, None] = {}
        self._under_way_since: dict[int, tuple[Envelope, float, int]] = {}

    @property
    def digest(self) -> str:
        """The hash so far, 32 hexadecimal digits."""
        return self._hash.hexdigest()

    def attach(self, address: Address, deliver: Callable[[Envelope], None], timers: Timers) -> None:
        """Attach an actor; a component that was there before is recorded as restarted."""
        super().attach(address, deliver, timers)
        lane = lane_of(address)
        if self.recording is not None and address.startswith(_COMPONENTS):
            if lane in self._met:
                self.recording.event(self.steps, anyio.current_time(), lane, "restart")
            self._met[lane] = None

    def detach(self, address: Address) -> None:
        """Detach an actor; a component is recorded as crashed, and its role is forgotten."""
        super().detach(address)
        if self.recording is not None and address.startswith(_COMPONENTS):
            assert self._heard is not None
            lane = lane_of(address)
            self._heard.forget(lane)
            self.recording.event(self.steps, anyio.current_time(), lane, "crash")

    def stop_recording(self) -> None:
        """What ends from now on ends with the world: no crash."""
        self.recording = None

    def note(self, data: bytes) -> None:
        """Make something else that happened a part of the digest."""
        self._hash.update(data)

    def mark(self, step: int, marked: Callable[[], None]) -> None:
        """Call ``marked`` when that many envelopes were sent; keep the digest as it is then."""
        self._mark, self._marked = step, marked

    def send(self, envelope: Envelope) -> None:
        """Count and hash an envelope, tell the listeners, and pass it on.

        All this comes before the network decides its fate: the digest has what is lost as well.
        """
        self.steps += 1
        if self.steps % DIGEST_STEPS == 0:
            self.digests.append(self.digest)
        if self.steps == self._mark:
            self.digest_at_mark = self.digest
            self._marked()
        now_s = anyio.current_time()
        kind, source, target, number, frame, amount = envelope
        update = self._hash.update
        update(f"{now_s!r} {kind} {source} {target} {number} {amount!r}\n".encode())
        update(frame.header)
        for blob in frame.blobs:
            update(blob)
        for listener in self.listeners:
            listener(envelope)
        if self.recording is None:
            super().send(envelope)
        else:
            self._record(envelope, now_s)

    def _record(self, envelope: Envelope, now_s: float) -> None:
        before, step = self.statistics(), self.steps
        calm = self._calm
        if not calm:
            self._under_way_since[id(envelope)] = (envelope, now_s, step)
        super().send(envelope)
        after = self.statistics()
        if calm:
            self._write(envelope, step, now_s, now_s, "delivered")
        elif after.cut > before.cut:
            self._write(envelope, step, now_s, None, "cut")
        elif after.dropped > before.dropped or after.corrupted > before.corrupted:
            self._write(envelope, step, now_s, None, "lost")
        else:
            return
        self._under_way_since.pop(id(envelope), None)

    def _arrive(self, envelope: Envelope) -> None:
        if self.recording is not None:
            sent = self._under_way_since.pop(id(envelope), None)
            now_s = anyio.current_time()
            if sent is not None:
                self._write(envelope, sent[2], sent[1], now_s, "delivered")
            else:
                self._write(envelope, self.steps, now_s, now_s, "duplicate")
        super()._arrive(envelope)

    def _write(
        self, envelope: Envelope, step: int, sent_s: float, received_s: float | None, fate: str
    ) -> None:
        assert self.recording is not None
        assert self._heard is not None
        source, target = lane_of(envelope.source), lane_of(envelope.target)
        kind = self._heard.hear(envelope, source, step, sent_s)
        if source != target:
            self.recording.message(step, sent_s, source, target, received_s, kind, fate=fate)


def lane_of(address: str) -> str:
    """Name the lane of an actor: its component, or the node that it runs on."""
    head, _, rest = address.partition("/")
    if head == "controller":
        return f"controllers/{rest.rpartition('/')[2]}"
    return rest if head in ("kubelet", "proxy") else address

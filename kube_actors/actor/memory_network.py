"""A network inside one process: sending is a function call into the receiver's mailbox."""

from collections.abc import Callable

from kube_actors.actor.address import Address
from kube_actors.actor.envelope import (
    CALL,
    CANCEL,
    CREDIT,
    END,
    FAIL,
    ITEM,
    KEEPALIVE,
    STREAM,
    Envelope,
)
from kube_actors.actor.errors import ActorCrashed, Unreachable
from kube_actors.actor.timers import Timers
from kube_actors.actor.wire import encode


class MemoryNetwork:
    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._ports: dict[Address, Callable[[Envelope], None]] = {}

    @property
    def lossy(self) -> bool:
        return False

    def attach(self, address: Address, deliver: Callable[[Envelope], None], timers: Timers) -> None:
        if address in self._ports:
            raise ValueError(f"the address {address} is taken")
        self._ports[address] = deliver

    def detach(self, address: Address) -> None:
        self._ports.pop(address, None)

    def send(self, envelope: Envelope) -> None:
        deliver = self._ports.get(envelope.target)
        if deliver is not None:
            deliver(envelope)
        else:
            self._bounce(envelope)

    def _bounce(self, envelope: Envelope) -> None:
        kind, source, target, number = envelope[:4]
        if kind in (CALL, STREAM):
            frame = encode(Unreachable(str(target)))
            self.send(Envelope(FAIL, target, source, number, frame))
        elif kind == CREDIT:
            self.send(Envelope(END, target, source, number, encode(ActorCrashed(str(target)))))
        elif kind in (ITEM, KEEPALIVE):
            self.send(Envelope(CANCEL, target, source, number))

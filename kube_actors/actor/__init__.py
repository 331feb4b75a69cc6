"""How actors live and talk.

An actor is one async function with one mailbox, run by a ``Supervisor`` inside an
``ActorSystem``; it says ``message`` classes to addresses by ``tell``, ``call`` and ``stream``.
Every message crosses as msgpack bytes over a ``Network`` that can be broken on purpose. Runs on
asyncio and trio, and imports nothing else of this package.
"""

from kube_actors.actor.address import Address
from kube_actors.actor.errors import (
    ActorCrashed,
    ActorError,
    DeadlineExceeded,
    MalformedMessage,
    OutsideTrouble,
    Overloaded,
    Unreachable,
)
from kube_actors.actor.life import (
    Actor,
    ActorSystem,
    Child,
    ChildStatistics,
    Escalated,
    InjectedCrash,
    Restart,
    State,
    Strategy,
    Supervisor,
    SupervisorStatistics,
)
from kube_actors.actor.loop import Clock
from kube_actors.actor.memory_network import MemoryNetwork
from kube_actors.actor.message import Blob, message, register
from kube_actors.actor.talk import Delivery, Frame, Network, Overflow, StreamWriter, decode, encode
from kube_actors.actor.tcp import TcpConfig, TcpNetwork, Tls, mutual_tls

ONE_FOR_ONE = Strategy.ONE_FOR_ONE
ONE_FOR_ALL = Strategy.ONE_FOR_ALL
REST_FOR_ONE = Strategy.REST_FOR_ONE

__all__ = [
    "Actor",
    "ActorCrashed",
    "ActorError",
    "ActorSystem",
    "Address",
    "Blob",
    "Child",
    "ChildStatistics",
    "Clock",
    "DeadlineExceeded",
    "Delivery",
    "Escalated",
    "Frame",
    "InjectedCrash",
    "MalformedMessage",
    "MemoryNetwork",
    "Network",
    "ONE_FOR_ALL",
    "ONE_FOR_ONE",
    "OutsideTrouble",
    "Overflow",
    "Overloaded",
    "REST_FOR_ONE",
    "Restart",
    "State",
    "Strategy",
    "StreamWriter",
    "Supervisor",
    "SupervisorStatistics",
    "TcpConfig",
    "TcpNetwork",
    "Tls",
    "Unreachable",
    "decode",
    "encode",
    "message",
    "mutual_tls",
    "register",
]

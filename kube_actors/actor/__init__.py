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
from kube_actors.actor.life.actor import Actor
from kube_actors.actor.life.child import (
    Child,
    ChildStatistics,
    Restart,
    State,
    SupervisorStatistics,
)
from kube_actors.actor.life.restarts import Strategy
from kube_actors.actor.life.supervisor import Escalated, InjectedCrash, Supervisor
from kube_actors.actor.life.system import ActorSystem
from kube_actors.actor.loop.clock import Clock
from kube_actors.actor.memory_network import MemoryNetwork
from kube_actors.actor.message import Blob, message
from kube_actors.actor.talk.delivery import Delivery, StreamWriter
from kube_actors.actor.talk.frame import Frame
from kube_actors.actor.talk.mailbox import Overflow
from kube_actors.actor.talk.network import Network
from kube_actors.actor.talk.wire import decode, encode
from kube_actors.actor.tcp.config import TcpConfig, Tls, mutual_tls
from kube_actors.actor.tcp.network import TcpNetwork

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
    "Overflow",
    "OutsideTrouble",
    "Overloaded",
    "REST_FOR_ONE",
    "Restart",
    "State",
    "StreamWriter",
    "Strategy",
    "TcpConfig",
    "TcpNetwork",
    "Tls",
    "Supervisor",
    "SupervisorStatistics",
    "Unreachable",
    "decode",
    "encode",
    "message",
    "mutual_tls",
]

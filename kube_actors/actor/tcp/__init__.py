"""The network between processes: mutual TLS, one connection per pair, the promises of ``Network``.

Handshake, frames and connection are state machines without tasks; ``TcpNetwork`` dials, listens
and knows who is connected. Bytes of strangers are trusted in nothing: lengths, checksums,
message layouts and certificates are judged first. A lost connection loses what was on its way,
and says so.
"""

from kube_actors.actor.tcp import listening
from kube_actors.actor.tcp.config import TcpConfig, Tls, mutual_tls
from kube_actors.actor.tcp.listening import accept_stream
from kube_actors.actor.tcp.network import TcpNetwork

__all__ = ["TcpConfig", "TcpNetwork", "Tls", "accept_stream", "listening", "mutual_tls"]

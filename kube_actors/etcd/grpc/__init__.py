"""gRPC over HTTP/2 on anyio byte streams: framing without IO, then a server and a channel.

``h2`` speaks HTTP/2; what gRPC adds is here. It runs on asyncio and trio, on virtual time over
in-memory streams, and every wait can be cancelled. It knows nothing of protobuf: messages are
bytes. Wire format: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from kube_actors.etcd.grpc.call import Call
from kube_actors.etcd.grpc.channel import Channel, Dial, Endpoint, dial_tcp
from kube_actors.etcd.grpc.server import Answers, GrpcServer, Methods, Streaming, Unary
from kube_actors.etcd.grpc.status import Code, GrpcError, Headers

__all__ = [
    "Answers",
    "Call",
    "Channel",
    "Code",
    "Dial",
    "Endpoint",
    "GrpcError",
    "GrpcServer",
    "Headers",
    "Methods",
    "Streaming",
    "Unary",
    "dial_tcp",
]

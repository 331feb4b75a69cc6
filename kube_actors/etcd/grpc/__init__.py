"""gRPC over HTTP/2 on anyio byte streams: framing without IO, then a server and a channel.

``h2`` speaks HTTP/2; what gRPC adds is here. It runs on asyncio and trio, on virtual time over
in-memory streams, and every wait can be cancelled. It knows nothing of protobuf: messages are
bytes. Wire format: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from kube_actors.etcd.grpc.status import Code, GrpcError

__all__ = ["Code", "GrpcError"]

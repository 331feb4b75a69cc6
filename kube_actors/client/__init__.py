"""How components and embedders see the cluster: requests, views of many objects, and leadership.

Everything goes through the API servers' channel door as ``ApiRequest``; nothing here knows the
store. A ``Client`` moves on to another API server when one is gone, an ``Informer`` keeps a view
that survives that, and a ``LeaderElector`` makes one of many act.
"""

from kube_actors.client import messages
from kube_actors.client.client import Client
from kube_actors.client.door import Door
from kube_actors.client.election import ElectionTimes, LeaderElector
from kube_actors.client.event_recorder import EventRecorder
from kube_actors.client.informer import Informer, Record
from kube_actors.client.messages import (
    AddressAssigned,
    ApiRefused,
    ApiRequest,
    ApiResponse,
    AssignAddress,
    KubeletRefused,
    LogChunk,
    NoAddress,
    ReadLog,
    ReleaseAddress,
    WatchBatch,
    WatchEvent,
)
from kube_actors.client.waiting import wait_for
from kube_actors.client.watch import Watch
from kube_actors.client.work_queue import WorkQueue

__all__ = [
    "AddressAssigned",
    "ApiRefused",
    "ApiRequest",
    "ApiResponse",
    "AssignAddress",
    "Client",
    "Door",
    "ElectionTimes",
    "EventRecorder",
    "Informer",
    "KubeletRefused",
    "LeaderElector",
    "LogChunk",
    "NoAddress",
    "ReadLog",
    "Record",
    "ReleaseAddress",
    "Watch",
    "WatchBatch",
    "WatchEvent",
    "WorkQueue",
    "messages",
    "wait_for",
]

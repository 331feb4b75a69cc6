"""How components and embedders see the cluster: requests, views of many objects, and leadership.

Everything goes through the API servers' channel door as ``ApiRequest``; nothing here knows the
store. A ``Client`` moves on to another API server when one is gone, an ``Informer`` keeps a view
that survives that, and a ``LeaderElector`` makes one of many act.
"""

from kube_actors.client.client import Client
from kube_actors.client.election.leader_elector import ElectionTimes, LeaderElector
from kube_actors.client.event_recorder import EventRecorder
from kube_actors.client.informer.informer import Informer
from kube_actors.client.informer.record import Record
from kube_actors.client.waiting import wait_for
from kube_actors.client.watch import Watch
from kube_actors.client.work_queue import WorkQueue

__all__ = [
    "Client",
    "ElectionTimes",
    "EventRecorder",
    "Informer",
    "LeaderElector",
    "Record",
    "Watch",
    "WorkQueue",
    "wait_for",
]

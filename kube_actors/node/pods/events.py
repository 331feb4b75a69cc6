"""The events a kubelet records, about its pods and about its node.

Normal events can be left out (``KubeletConfig.record_normal_events``): in a large simulated cluster
Pulled, Created and Started would be most of what is written. Warnings are always recorded.
"""

from collections.abc import Mapping

from anyio.abc import TaskGroup

from kube_actors.client import EventRecorder
from kube_actors.node.pods.entry import PodEntry


class Events:
    """The recorder's task begins with the first event: a silent node costs none."""

    def __init__(self, recorder: EventRecorder, tasks: TaskGroup, *, normal: bool) -> None:
        self._recorder = recorder
        self._tasks = tasks
        self._normal = normal
        self._recording = False

    def record(
        self, entry: PodEntry, kind: str, reason: str, message: str, container: str = ""
    ) -> None:
        """Record an event about a pod, or about one of its containers; ``kind`` as in ``tell``."""
        self.tell(entry.reference(container), kind, reason, message)

    def tell(self, about: Mapping[str, str], kind: str, reason: str, message: str) -> None:
        """Record an event about any object (an ``involvedObject``); ``kind``: Normal or Warning."""
        if kind != "Warning" and not self._normal:
            return
        self._recorder.record(about, kind, reason, message)
        if not self._recording:
            self._recording = True
            self._tasks.start_soon(self._recorder.run)

"""What components say to each other: the channel door of the apiserver, kubelets and proxies.

Objects ride as ``Blob`` (JSON bytes, resourceVersion included) and are decoded only by who needs
them. An ``ApiRequest`` means exactly what the same request over HTTP means: both doors enter one
pipeline.
"""

from kube_actors.actor import ActorError, Blob, message

STORED = "application/vnd.kube-actors.stored+json"
"""What a view accepts: its watch events bring the very bytes that the store holds.

They are without resourceVersion, which is the event's ``resource_version``.
"""


@message("api.request")
class ApiRequest:
    """One request: ``path`` without query, e.g. ``/apis/apps/v1/namespaces/a/deployments/web``.

    ``content_type`` is that of ``body`` (JSON, YAML or a patch type). ``user`` and ``groups`` are
    who asks; the door trusts the channel it came by.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    body: Blob = Blob(b"")
    user: str = ""
    groups: tuple[str, ...] = ()
    accept: str = "application/json"


@message("api.response")
class ApiResponse:
    """``body`` is an object, a list or a ``Status`` as JSON bytes; ``warnings`` are 299 texts."""

    status: int
    body: Blob
    warnings: tuple[str, ...] = ()


@message("api.watch_event")
class WatchEvent:
    """``type`` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (then ``object`` is a Status)."""

    type: str
    object: Blob
    resource_version: int


@message("api.watch_batch")
class WatchBatch:
    """Items of a watch opened with ``actor.stream(apiserver, ApiRequest(… watch=1))``."""

    events: tuple[WatchEvent, ...]


@message("api.refused")
class ApiRefused(ActorError):
    """A watch or log stream could not be opened; ``body`` is the ``Status``."""

    status: int
    body: Blob


@message("kubelet.read_log")
class ReadLog:
    """Opened with ``actor.stream("kubelet/<node>", …)``; yields ``LogChunk`` until the end.

    ``container`` "" means the only one. ``tail_lines`` and ``limit_bytes`` -1 mean no limit;
    ``since_s`` is an age in seconds, -1 for all.
    """

    namespace: str
    pod: str
    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int = -1
    limit_bytes: int = -1
    since_s: float = -1.0


@message("kubelet.log_chunk")
class LogChunk:
    """What a container wrote, as bytes; a chunk need not end at the end of a line."""

    data: Blob


@message("kubelet.refused")
class KubeletRefused(ActorError):
    """The kubelet cannot do it; ``reason`` is NotFound, BadRequest or Internal."""

    reason: str
    text: str


@message("proxy.assign_address")
class AssignAddress:
    """A kubelet asks its node's proxy for the pod's address; idempotent per ``pod_uid``."""

    pod_uid: str
    namespace: str
    name: str


@message("proxy.address_assigned")
class AddressAssigned:
    """The answer to ``AssignAddress``: the same for a pod until it is released."""

    ip: str


@message("proxy.release_address")
class ReleaseAddress:
    """Told, not called: the pod is gone and its address may be given again."""

    pod_uid: str


@message("proxy.no_address")
class NoAddress(ActorError):
    """The node's pod CIDR is used up."""

    cidr: str

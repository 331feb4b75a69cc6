"""Which function serves which subresource."""

from collections.abc import Awaitable, Callable

from kube_actors.api import Kind
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.request import AnyAnswer
from kube_actors.apiserver.subresources import binding, eviction, finalize, logs, scale, token

Handler = Callable[[Call], Awaitable[AnyAnswer]]
_HANDLERS: dict[tuple[str, str], Handler] = {
    ("binding", "create"): binding.bind,
    ("eviction", "create"): eviction.evict,
    ("finalize", "update"): finalize.finalize,
    ("log", "get"): logs.read_log,
    ("scale", "get"): scale.get_scale,
    ("scale", "update"): scale.update_scale,
    ("scale", "patch"): scale.patch_scale,
    ("token", "create"): token.request_token,
}


def find_subresource(kind: Kind, name: str, verb: str) -> Handler | None:
    """Return what serves ``verb`` on ``name``, None if that is not served."""
    return _HANDLERS.get((name, verb))

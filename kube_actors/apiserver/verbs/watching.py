"""watch: from the present state or from a revision, over the watch cache."""

from kube_actors.api import Cause, errors
from kube_actors.apiserver.cache import Bookmark
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.freshness import catch_up, parse_revision
from kube_actors.apiserver.request import WatchAnswer
from kube_actors.apiserver.verbs.reading import selection


async def watch(call: Call) -> WatchAnswer:
    """Open a watch; raises ``StatusError`` 400, 410 or 504."""
    query = call.request.query
    chosen = selection(call)
    version, match = query.get("resourceVersion"), query.get("resourceVersionMatch")
    initial = query.flag("sendInitialEvents")
    bookmarks = bool(query.flag("allowWatchBookmarks"))
    _check_initial(initial, match, bookmarks)
    timeout_s = max(query.integer("timeoutSeconds") or 0, 0)
    server = call.server
    resource = server.cached(call.kind)
    since: int | None = None
    end: Bookmark | None = None
    if version not in ("", "0") and initial is not True:
        since = parse_revision(version)
        if since >= resource.ring_start:
            call.warnings.extend(await catch_up(server, version))
    else:
        call.warnings.extend(await catch_up(server, version))
        if initial is False:
            since = server.cache.revision
        elif initial is True:
            end = Bookmark(call.kind.api_version, call.kind.kind, server.cache.revision, True)
    watcher = resource.watch(chosen, call.form(), since=since, bookmarks=bookmarks, initial_end=end)
    return WatchAnswer(
        watcher,
        float(timeout_s or server.config.watch_timeout_s),
        call.output.content_type,
        tuple(call.warnings),
    )


def _check_initial(initial: bool | None, match: str, bookmarks: bool) -> None:
    options = errors.Resource("meta.k8s.io", "", "ListOptions")
    if initial is None:
        if match:
            cause = Cause.forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
            raise errors.invalid(options, "", [cause])
        return
    if match != "NotOlderThan":
        cause = Cause.forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )
        raise errors.invalid(options, "", [cause])
    if initial and not bookmarks:
        cause = Cause.forbidden(
            "sendInitialEvents", "sendInitialEvents requires allowWatchBookmarks to be true"
        )
        raise errors.invalid(options, "", [cause])

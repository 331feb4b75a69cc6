"""pods/log: the kubelet of the pod's node streams it; this only finds out whom to ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from kube_actors.actor import ActorError, DeadlineExceeded, Unreachable
from kube_actors.api import Cause, Object, errors
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.freshness import catch_up
from kube_actors.apiserver.request import StreamAnswer
from kube_actors.client import KubeletRefused, ReadLog


async def read_log(call: Call) -> StreamAnswer:
    """Open the log; raises ``StatusError`` 400, 404 or 500."""
    await catch_up(call.server, "")
    entry = call.server.cached(call.kind).get(call.namespace, call.name)
    if entry is None:
        raise errors.not_found(call.kind, call.name)
    pod = entry.decode()
    node = (pod.get("spec") or {}).get("nodeName")
    message = _message(call, pod)
    if not node:
        raise errors.bad_request(f"pod {call.name} does not have a host assigned")
    return StreamAnswer(_open(call, f"kubelet/{node}", message))


def _message(call: Call, pod: Object) -> ReadLog:
    query = call.request.query
    since_s: float = -1.0
    if query.get("sinceSeconds"):
        since_s = float(query.integer("sinceSeconds") or 0)
        if since_s == 0:
            cause = Cause.invalid("sinceSeconds", 0, "must be greater than 0")
            raise errors.invalid(errors.Resource("", "", "PodLogOptions"), call.name, [cause])
    elif query.get("sinceTime"):
        try:
            since = datetime.fromisoformat(query.get("sinceTime")).timestamp()
        except ValueError:
            raise errors.bad_request(f"invalid sinceTime {query.get('sinceTime')!r}") from None
        since_s = max(call.server.clock.now() - since, 0.0)
    tail, limit = query.integer("tailLines"), query.integer("limitBytes")
    _check_bounds(call.name, tail, limit)
    return ReadLog(
        namespace=call.namespace,
        pod=call.name,
        container=_container(call.name, pod, query.get("container")),
        follow=bool(query.flag("follow")),
        previous=bool(query.flag("previous")),
        timestamps=bool(query.flag("timestamps")),
        tail_lines=-1 if tail is None else tail,
        limit_bytes=-1 if limit is None else limit,
        since_s=since_s,
    )


def _check_bounds(name: str, tail: int | None, limit: int | None) -> None:
    causes = []
    if tail is not None and tail < 0:
        text = "must be greater than or equal to 0"
        causes.append(Cause.invalid("tailLines", tail, text))
    if limit is not None and limit < 1:
        causes.append(Cause.invalid("limitBytes", limit, "must be greater than 0"))
    if causes:
        raise errors.invalid(errors.Resource("", "", "PodLogOptions"), name, causes)


def _container(name: str, pod: Object, wanted: str) -> str:
    spec = pod.get("spec") or {}
    names = [each["name"] for each in spec.get("containers") or ()]
    initial = [each["name"] for each in spec.get("initContainers") or ()]
    if wanted:
        if wanted not in names and wanted not in initial:
            raise errors.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(names) == 1:
        return str(names[0])
    choices = f"a container name must be specified for pod {name}, choose one of: "
    choices += f"[{' '.join(names)}]"
    if initial:
        choices += f" or one of the init containers: [{' '.join(initial)}]"
    raise errors.bad_request(choices)


@asynccontextmanager
async def _open(call: Call, kubelet: str, message: ReadLog) -> AsyncIterator[AsyncIterator[bytes]]:
    async def chunks(stream: AsyncIterator[object]) -> AsyncIterator[bytes]:
        try:
            async for chunk in stream:
                yield bytes(chunk.data)  # type: ignore[attr-defined]
        except ActorError as error:
            raise _refusal(call, kubelet, error) from error

    try:
        async with call.server.open_stream(kubelet, message) as stream:
            yield chunks(stream)
    except ActorError as error:
        raise _refusal(call, kubelet, error) from error


def _refusal(call: Call, kubelet: str, error: ActorError) -> errors.StatusError:
    if isinstance(error, KubeletRefused):
        if error.reason == "NotFound":
            return errors.StatusError(404, "NotFound", error.text, {})
        if error.reason == "BadRequest":
            return errors.bad_request(error.text)
        return errors.internal(error.text)
    if isinstance(error, Unreachable | DeadlineExceeded):
        return errors.internal(f"the kubelet {kubelet} does not answer: {error!r}")
    return errors.internal(f"reading the log of {call.name} failed: {error!r}")

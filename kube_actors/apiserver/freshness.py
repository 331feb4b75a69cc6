"""Bringing the cache to where a read wants it: newest, at least N, or whatever it has."""

import anyio

from kube_actors.api import errors
from kube_actors.apiserver.server import Server
from kube_actors.store.messages import NoQuorum

_FUTURE_WAIT_S = 3.0


def parse_revision(text: str) -> int:
    """Return a resourceVersion as a number; raises ``StatusError`` 400."""
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    raise errors.bad_request(
        f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    )


async def catch_up(server: Server, version: str) -> tuple[str, ...]:
    """Wait as ``version`` ("", "0" or N) demands; returns warnings, said when reads are stale.

    Raises ``StatusError`` 504 for a revision that is not reached in time.
    """
    if version == "0":
        return ()
    if not version:
        stale = await server.read_index.wait()
        if stale is None:
            return ()
        server.metrics.count("apiserver_stale_reads_total")
        return (stale_text(stale),)
    wanted = parse_revision(version)
    if wanted > server.cache.revision:
        with anyio.move_on_after(_FUTURE_WAIT_S):
            await server.cache.wait_revision(wanted)
        if wanted > server.cache.revision:
            raise errors.too_new(wanted, server.cache.revision)
    return ()


def stale_text(error: Exception) -> str:
    """Word the warning that goes with a read from a cache that could not be brought up to date."""
    if isinstance(error, NoQuorum):
        return (
            "this read may be stale: the cluster is read-only, "
            f"{error.answering} of {error.members} store members answer"
        )
    return f"this read may be stale: the store does not answer: {error}"

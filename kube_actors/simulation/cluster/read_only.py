"""Without a majority a cluster is read-only, and says so: asked again and again, and judged.

Whether there is a majority is known from outside: the schedule said which masters are down or cut
off. A write needs some time to be refused; a moment that has just begun is not judged.
"""

import anyio
import orjson

from kube_actors.actor import ActorError, Blob
from kube_actors.client import ApiRequest, Client
from kube_actors.simulation.cluster.faults import Chaos
from kube_actors.simulation.cluster.promises import Breaches

LOOK_S = 0.5
PATIENCE_S = 4.0
"""After this long without a majority, a master must have noticed."""

PATH = "/api/v1/namespaces/default/configmaps"


async def probe(client: Client, master: int, chaos: Chaos, breaches: Breaches) -> None:
    """Ask one apiserver for a read and a write for ever; judge while it has no majority."""
    lost_since_s, written = -1.0, 0
    while True:
        await anyio.sleep(LOOK_S)
        alone = not chaos.has_majority(master)
        if not chaos.is_untouched(master) or not alone:
            lost_since_s = -1.0
            continue
        if lost_since_s < 0:
            lost_since_s = anyio.current_time()
        if anyio.current_time() - lost_since_s < PATIENCE_S:
            continue
        began_s = anyio.current_time()
        written += 1
        meta = {"name": f"probe-{master}-{written}", "namespace": "default"}
        body = Blob(orjson.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}))
        read = await _status(client, ApiRequest("GET", PATH))
        wrote = await _status(client, ApiRequest("POST", PATH, body=body))
        took_s = anyio.current_time() - began_s
        if chaos.has_majority(master) or not chaos.is_untouched(master):
            continue
        judge(breaches, master, read, wrote, took_s)


def judge(breaches: Breaches, master: int, read: str, wrote: str, took_s: float) -> None:
    """Judge what an apiserver without a majority answered: HTTP codes, or an error's name."""
    if read != "200":
        text = f"apiserver/{master} answered a read with {read}"
        breaches.found("read-only-without-majority", text)
    if wrote != "503" or took_s > PATIENCE_S:
        text = f"apiserver/{master} answered a write with {wrote} in {took_s:.1f} s"
        breaches.found("read-only-without-majority", text)


async def _status(client: Client, request: ApiRequest) -> str:
    try:
        response = await client.actor.call(
            client.door.apiservers[0], client.door.signed(request), timeout_s=PATIENCE_S
        )
    except ActorError as error:
        return type(error).__name__
    return str(response.status)

"""The Kubernetes API mounted under a path of your own ASGI application.

``cluster.app`` is a plain ASGI app: FastAPI and Starlette take ``app.mount("/k8s", cluster.app)``.
Here the mount is written out, and served by the small server that ships with kube_actors; any
ASGI server does. Callers authenticate with a bearer token.

    python examples/asgi_mount.py [asyncio|trio]
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from kube_actors import Cluster
from kube_actors.apiserver.http import serve

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def application(cluster: Cluster) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return an app with a page of its own at ``/`` and the cluster below ``/k8s``."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/k8s/"):
            await cluster.app({**scope, "root_path": "/k8s"}, receive, send)
            return
        page = b"my application; the cluster is below /k8s\n"
        headers = [(b"content-length", str(len(page)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page})

    return app


async def fetch(port: int, path: str, token: str = "") -> str:
    """Fetch one page and return its status line and body."""
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if token:
            request += f"Authorization: Bearer {token}\r\n"
        await stream.send(f"{request}\r\n".encode())
        answer = b""
        async for chunk in stream:
            answer += chunk
    return answer.decode()


async def main() -> None:
    async with (
        Cluster(masters=1, nodes=1, runtime="simulated", listen=None) as cluster,
        anyio.create_task_group() as tasks,
    ):
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_address)[1]
        tasks.start_soon(serve, application(cluster), listener)
        print(await fetch(port, "/"))
        path = "/k8s/api/v1/namespaces/default"
        print((await fetch(port, path)).splitlines()[0])
        print(await fetch(port, path, cluster.keys.admin_token))
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, backend=sys.argv[1] if len(sys.argv) > 1 else "asyncio")

"""Serves discovery and OpenAPI documents alone, over plain HTTP, for the real kubectl to read."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from kube_actors.api import Kinds, discovery
from kube_actors.api.openapi import documents as openapi


def answer(kinds: Kinds, path: str, accept: str) -> bytes | None:
    """Return the body for a path, None if there is none."""
    aggregated = "APIGroupDiscoveryList" in accept
    found: dict[str, Any] | None = None
    parts = path.strip("/").split("/")
    match parts:
        case ["api"]:
            found = (
                discovery.aggregated(kinds, core=True) if aggregated else discovery.api_versions()
            )
        case ["apis"]:
            found = (
                discovery.aggregated(kinds, core=False)
                if aggregated
                else discovery.api_group_list(kinds)
            )
        case ["api", version]:
            found = discovery.api_resource_list(kinds, "", version)
        case ["apis", group]:
            found = discovery.api_group(kinds, group)
        case ["apis", group, version]:
            found = discovery.api_resource_list(kinds, group, version)
        case ["openapi", "v3"]:
            found = openapi.index(kinds)
        case ["openapi", "v3", "api", version]:
            return openapi.document(kinds, "", version)
        case ["openapi", "v3", "apis", group, version]:
            return openapi.document(kinds, group, version)
        case _:
            return None
    return json.dumps(found).encode() if found is not None else None


@contextmanager
def serving(kinds: Kinds, *, allow_aggregated: bool) -> Iterator[tuple[str, list[str]]]:
    """Serve on a loopback port; gives the address and the paths asked for so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            accept = self.headers.get("Accept", "") if allow_aggregated else ""
            body = answer(kinds, urlsplit(self.path).path, accept)
            kind = "application/json"
            if "APIGroupDiscoveryList" in accept and self.path.startswith(("/api?", "/apis?")):
                kind = discovery.AGGREGATED_MEDIA_TYPE
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

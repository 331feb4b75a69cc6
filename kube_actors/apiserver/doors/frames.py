"""Watch events as HTTP lines, encoded once per event and shared by all who watch alike."""

from collections.abc import Iterable

import orjson

from kube_actors.api.manifest import dump_yaml
from kube_actors.client import WatchEvent


def watch_lines(events: Iterable[WatchEvent], *, yaml: bool = False) -> bytes:
    """Return the events as newline-delimited JSON (or YAML documents)."""
    if not yaml:
        return b"".join(
            [
                b'{"type":"%b","object":%b}\n' % (event.type.encode("ascii"), event.object)
                for event in events
            ]
        )
    return b"".join(
        b"---\n" + dump_yaml({"type": event.type, "object": orjson.loads(event.object)}).encode()
        for event in events
    )

"""Who is on the other end of a connection, and whether to talk to it. Pure.

Both ends say ``Hello`` first. The name must be one that the peer's certificate bears; protocol and
message layouts must agree. A refusal is a sentence that both ends log.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from kube_actors.actor.errors import MalformedMessage
from kube_actors.actor.tcp.schema import differences

PROTOCOL = 1
NAME_MAX = 253


class Refused(Exception):
    """The other end is not whom it should be, or cannot be understood; the message says why."""


@attrs.frozen
class Hello:
    """``incarnation`` tells one life of a process from the next; ``schema`` is tag to digest."""

    name: str
    incarnation: int
    schema: Mapping[str, str]
    protocol: int = PROTOCOL

    def to_bytes(self) -> bytes:
        """Write it as JSON, as ``from_bytes`` reads it."""
        said = {
            "protocol": self.protocol,
            "name": self.name,
            "incarnation": self.incarnation,
            "schema": dict(self.schema),
        }
        return json.dumps(said, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Hello":
        """Read what another process said; raises MalformedMessage or Refused."""
        said = _json(data)
        if not isinstance(said, dict) or type(said.get("protocol")) is not int:
            raise MalformedMessage("a hello without a protocol version")
        if said["protocol"] != PROTOCOL:
            raise Refused(
                f"it speaks protocol {said['protocol']}, this process speaks {PROTOCOL}: run the "
                "same release in both"
            )
        name, incarnation, schema = said.get("name"), said.get("incarnation"), said.get("schema")
        if type(name) is not str or not 0 < len(name) <= NAME_MAX or not name.isprintable():
            raise MalformedMessage("a hello without a name")
        if type(incarnation) is not int or not isinstance(schema, dict):
            raise MalformedMessage("a hello without an incarnation or a schema")
        if not all(type(digest) is str for digest in schema.values()):
            raise MalformedMessage("a hello whose schema is no table of digests")
        return cls(name, incarnation, schema)


def check_hello(ours: Hello, theirs: Hello, *, expected: str, certified: str | None) -> None:
    """Raise Refused unless this process may talk to who said ``theirs``.

    ``expected`` is whom it dialled, "" when it was dialled; ``certified`` is whom the
    peer's certificate is for, None without TLS.
    """
    if certified is not None and theirs.name != certified:
        borne = certified or "no process"
        raise Refused(f"it calls itself {theirs.name}, but its certificate is for {borne}")
    if expected and theirs.name != expected:
        raise Refused(f"it calls itself {theirs.name}, but {expected} was expected there")
    if theirs.name == ours.name:
        raise Refused(f"it has the same name, {ours.name}: every process needs its own")
    different = differences(ours.schema, theirs.schema)
    if different:
        named = ", ".join(different[:5]) + (", …" if len(different) > 5 else "")
        raise Refused(
            f"it lays out {len(different)} messages differently ({named}): run the same release "
            "in both"
        )


def certified_name(certificate: Mapping[str, Any] | None) -> str:
    """Return whom a verified certificate (``SSLObject.getpeercert()``) is for, "" if for nobody.

    That is its common name, if it is among its DNS names too: a client certificate of the same
    authority, a person's or a workload's, has none and makes nobody a peer.
    """
    if not certificate:
        return ""
    pairs = [pair for relative in certificate.get("subject", ()) for pair in relative]
    names = [value for key, value in pairs if key == "commonName"]
    hosts = [value for key, value in certificate.get("subjectAltName", ()) if key == "DNS"]
    return names[0] if len(names) == 1 and names[0] in hosts else ""


def read_addresses(data: bytes) -> list[str]:
    """Read a list of addresses; raises MalformedMessage."""
    said = _json(data)
    if not isinstance(said, list) or not all(type(each) is str for each in said):
        raise MalformedMessage("a list of addresses that is none")
    return said


def write_addresses(addresses: Sequence[str]) -> bytes:
    """Write a list of addresses as JSON, as ``read_addresses`` reads it."""
    return json.dumps(addresses).encode()


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"not JSON: {error}") from error

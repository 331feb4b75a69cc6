"""Who makes up a cluster of separate processes: the masters' names, numbers and addresses. Pure."""

from collections.abc import Sequence

import attrs

from kube_actors.cluster.config import MASTER_COUNTS, InvalidConfig, masters_refused

Endpoint = tuple[str, int]

NODE_ACTORS = ("node", "kubelet", "proxy", "client")
"""The first parts of the addresses that a node's process has."""


@attrs.frozen
class Join:
    """The masters by name. Every process of a cluster is given the same ones, in any order.

    A master's number is its place among the sorted names, so that all agree on it without asking.
    """

    masters: dict[str, Endpoint]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.masters))

    def number(self, name: str) -> int:
        """Return a master's number, from 1; raises InvalidConfig for a stranger."""
        if name not in self.masters:
            raise InvalidConfig(
                f"{name!r} is not among the masters {', '.join(self.names)}: "
                f"add --join {name}=HOST:PORT to every master, or correct --name"
            )
        return self.names.index(name) + 1

    def may_hold(self, name: str, address: str) -> bool:
        """Say whether the process ``name`` may have an actor's address.

        A master may have any; who is none has only a node's, under its own name.
        """
        kind, _, rest = address.partition("/")
        mine = rest == name or rest.startswith(f"{name}/")
        return name in self.masters or (kind in NODE_ACTORS and mine)

    def may_send(self, name: str, source: str, target: str) -> bool:
        """Say whether the process ``name`` may send as ``source`` to ``target``.

        A node speaks for itself, and with apiservers only: its key must not open the store.
        """
        if name in self.masters:
            return True
        return target.startswith("apiserver/") and self.may_hold(name, source)

    def node_of(self, address: str) -> str:
        """Return the name of the node whose process has an address, "" when it is a master's."""
        kind, _, rest = address.partition("/")
        name = rest.partition("/")[0]
        return name if kind in NODE_ACTORS and name not in self.masters else ""

    def others(self, name: str) -> dict[str, Endpoint]:
        return {each: self.masters[each] for each in self.names if each != name}


def parse_join(given: Sequence[str]) -> Join:
    """Read ``NAME=HOST:PORT`` texts; raises InvalidConfig that names the bad one."""
    masters: dict[str, Endpoint] = {}
    for text in given:
        name, equals, where = text.partition("=")
        if not equals or not name:
            raise InvalidConfig(f"--join takes NAME=HOST:PORT, not {text!r}")
        if name in masters:
            raise InvalidConfig(f"--join names {name} twice: every master has one address")
        endpoint = parse_endpoint(where, f"--join {text}")
        if endpoint[1] == 0:
            raise InvalidConfig(f"--join {text}: the others must know the port, 0 says nothing")
        masters[name] = endpoint
    if len(set(masters.values())) < len(masters):
        raise InvalidConfig("two masters have the same address in --join: give each its own")
    if len(masters) not in MASTER_COUNTS:
        raise InvalidConfig(masters_refused(len(masters)))
    return Join(masters)


def parse_endpoint(text: str, what: str) -> Endpoint:
    """Read ``HOST:PORT``; an IPv6 address stands in brackets. Raises InvalidConfig."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise InvalidConfig(f"{what}: expected HOST:PORT, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)

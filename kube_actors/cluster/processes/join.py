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

    A founder's number is its place among the sorted names, so that all agree on it without asking.
    Whoever was added later has the number that the group gave it, in ``numbers``. ``admitted``
    are masters that the group knows and nobody named here.
    """

    masters: dict[str, Endpoint]
    numbers: dict[str, int] = attrs.field(factory=dict)
    admitted: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The founding masters' names, sorted: their order gives their numbers."""
        return tuple(sorted(self.masters))

    @property
    def founders(self) -> tuple[str, ...]:
        """Those without a number of their own, sorted."""
        return tuple(name for name in self.names if name not in self.numbers)

    @property
    def places(self) -> dict[int, str]:
        """The masters by number, in order."""
        return dict(sorted((self.number(name), name) for name in self.names))

    def is_master(self, name: str) -> bool:
        """Say whether a process of that name may be a master: a founder, or one admitted since."""
        return name in self.masters or name in self.admitted

    def number(self, name: str) -> int:
        """Return a master's number, from 1; raises InvalidConfig for a stranger."""
        if name not in self.masters:
            raise InvalidConfig(
                f"{name!r} is not among the masters {', '.join(self.names)}: "
                f"add --join {name}=HOST:PORT to every master, or correct --name"
            )
        return self.numbers.get(name) or self.founders.index(name) + 1

    def may_hold(self, name: str, address: str) -> bool:
        """Say whether the process ``name`` may have an actor's address.

        A master may have any; who is none has only a node's, under its own name.
        """
        kind, _, rest = address.partition("/")
        mine = rest == name or rest.startswith(f"{name}/")
        return self.is_master(name) or (kind in NODE_ACTORS and mine)

    def may_send(self, name: str, source: str, target: str) -> bool:
        """Say whether the process ``name`` may send as ``source`` to ``target``.

        A node speaks for itself, and with apiservers only: its key must not open the store.
        """
        if self.is_master(name):
            return True
        return target.startswith("apiserver/") and self.may_hold(name, source)

    def node_of(self, address: str) -> str:
        """Return the name of the node whose process has an address, "" when it is a master's."""
        kind, _, rest = address.partition("/")
        name = rest.partition("/")[0]
        return name if kind in NODE_ACTORS and not self.is_master(name) else ""

    def others(self, name: str) -> dict[str, Endpoint]:
        """Where every other founding master is reached, by name."""
        return {each: self.masters[each] for each in self.names if each != name}


def parse_join(given: Sequence[str]) -> Join:
    """Read ``NAME[@NUMBER]=HOST:PORT`` texts; raises InvalidConfig that names the bad one."""
    masters: dict[str, Endpoint] = {}
    numbers: dict[str, int] = {}
    for text in given:
        who, equals, where = text.partition("=")
        name, at, number = who.partition("@")
        if not equals or not name:
            raise InvalidConfig(f"--join takes NAME=HOST:PORT, not {text!r}")
        if at:
            if not number.isascii() or not number.isdecimal() or int(number) < 1:
                raise InvalidConfig(
                    f"--join {text}: after @ comes the number that `kube-actors store add` gave"
                )
            numbers[name] = int(number)
        if name in masters:
            raise InvalidConfig(f"--join names {name} twice: every master has one address")
        endpoint = parse_endpoint(where, f"--join {text}")
        if endpoint[1] == 0:
            raise InvalidConfig(f"--join {text}: the others must know the port, 0 says nothing")
        masters[name] = endpoint
    if len(set(masters.values())) < len(masters):
        raise InvalidConfig("two masters have the same address in --join: give each its own")
    join = Join(masters, numbers)
    if not numbers and len(masters) not in MASTER_COUNTS:
        raise InvalidConfig(masters_refused(len(masters)))
    if len(join.places) < len(masters):
        raise InvalidConfig("two masters have the same number in --join: `store members` has them")
    return join


def parse_endpoint(text: str, what: str) -> Endpoint:
    """Read ``HOST:PORT``; an IPv6 address stands in brackets. Raises InvalidConfig."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise InvalidConfig(f"{what}: expected HOST:PORT, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)

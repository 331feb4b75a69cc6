"""Names of actors: paths such as ``store/1`` or ``controller/deployment/2``.

An address says who, never where: whether its owner lives in this process is the network's
business. Groups of addresses are named by a prefix that ends at a slash, so ``store/1`` covers
``store/1`` and ``store/1/disk`` but not ``store/10``; the empty prefix covers everybody.
"""

from collections.abc import Iterable
from typing import NewType

Address = NewType("Address", str)


def covers(prefix: str, address: str) -> bool:
    """Say whether ``address`` is ``prefix`` itself or below it."""
    if not prefix or address == prefix:
        return True
    return address.startswith(prefix) and address[len(prefix)] == "/"


def prefixes(group: str | Iterable[str]) -> tuple[str, ...]:
    """Take one prefix or several, in the order given."""
    return (group,) if isinstance(group, str) else tuple(group)

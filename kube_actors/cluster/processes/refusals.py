"""What other processes have against this one, for people."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Network(Protocol):
    """What is asked of a network about its peers."""

    @property
    def connected(self) -> Sequence[str]:
        """The processes that this one is connected to, by name."""

    @property
    def refusals(self) -> Mapping[str, str]:
        """Why others refuse this process, by their names."""


def refusals(network: Network) -> list[str]:
    """Say who refuses this process and why, and what to do about it if that is known."""
    found = {name: text for name, text in network.refusals.items() if name not in network.connected}
    said = [f"{name} refuses this process: {text}" for name, text in sorted(found.items())]
    if any("may not have" in text for text in found.values()):
        said.append(
            "was it removed from the group, or is it missing in their --join? `kube-actors store "
            "members` shows who belongs; whoever was removed comes back with `kube-actors store "
            "add NAME`, under the number that this says, and an empty --data-dir"
        )
    return said

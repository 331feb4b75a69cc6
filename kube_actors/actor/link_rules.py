"""Which links between addresses are cut, held or faulty: the rules that fault verbs write.

Pure. A rule names two groups of address prefixes; of the rules that match a link the latest
decides, so cutting three links and mending one of them means what it says. Writing a rule again
for the same groups replaces it.
"""

from typing import Generic, TypeVar

import attrs

from kube_actors.actor.address import covers

Group = tuple[str, ...]
T = TypeVar("T")


def _probability(_: object, attribute: "attrs.Attribute[float]", value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{attribute.name} is a probability, not {value}")


@attrs.frozen
class Fault:
    """What a link does to each envelope; probabilities are between 0 and 1.

    ``delay_s`` is (least, most) seconds. Delayed envelopes keep their order, as on a connection,
    except those that ``reorder`` picks: they wait up to ``reorder_s`` longer and are overtaken.
    A ``corrupt`` one has a bit flipped, which its checksum notices: it arrives as a loss.
    """

    drop: float = attrs.field(default=0.0, validator=_probability)
    delay_s: tuple[float, float] = (0.0, 0.0)
    duplicate: float = attrs.field(default=0.0, validator=_probability)
    reorder: float = attrs.field(default=0.0, validator=_probability)
    corrupt: float = attrs.field(default=0.0, validator=_probability)
    reorder_s: float = 0.05

    def __attrs_post_init__(self) -> None:
        least, most = self.delay_s
        if not 0 <= least <= most:
            raise ValueError(f"delay_s goes from least to most seconds, not {self.delay_s}")


NO_FAULT = Fault()


def in_group(group: Group, address: str) -> bool:
    """Say whether a group of prefixes covers an address."""
    return any(covers(prefix, address) for prefix in group)


class Rules(Generic[T]):
    """Verdicts for links, by groups of sources and of targets."""

    def __init__(self, default: T) -> None:
        self._default = default
        self._rules: dict[tuple[Group, Group | None], T] = {}

    def put(self, sources: Group, targets: Group | None, verdict: T) -> None:
        """Rule on the links from ``sources`` to ``targets``.

        None as targets means the border of the group ``sources``: links that cross it, either way.
        """
        key = (sources, targets)
        self._rules.pop(key, None)
        self._rules[key] = verdict
        if all(verdict == self._default for verdict in self._rules.values()):
            self._rules.clear()

    def verdict(self, source: str, target: str) -> T:
        """Find what the latest matching rule says."""
        for (sources, targets), verdict in reversed(self._rules.items()):
            inside = in_group(sources, source)
            if targets is None:
                if inside != in_group(sources, target):
                    return verdict
            elif inside and in_group(targets, target):
                return verdict
        return self._default

    def clear(self) -> None:
        """Forget every rule: each link has the default again."""
        self._rules.clear()

    def __len__(self) -> int:
        return len(self._rules)

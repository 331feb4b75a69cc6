"""What can be broken on purpose, by name: kill, pause, crash and cut off any part of a cluster.

A target is an actor (``store/1``, ``kubelet/node-2``), a whole machine (``master/2``,
``node/node-2``) or ``leader``, the store member that leads now. A killed part stays down until it
is revived or everything is healed. The verbs' names are those of the fault-injection literature.
"""

from collections.abc import Sequence

import attrs

from kube_actors.actor import MemoryNetwork, Supervisor

TARGETED_VERBS = ("kill", "revive", "crash", "pause", "resume")
"""The verbs that act on one target at a time; the others act on links, or on everything."""

VERBS = (*TARGETED_VERBS, "partition", "heal")


class UnknownTarget(KeyError):
    """No part of the cluster has this name; the message lists what has."""


@attrs.define
class Machine:
    """A master or a node: the supervisor of its actors while it is up.

    ``trouble`` is why its disk cannot be used, as said by the last attempt.
    """

    name: str
    supervisor: Supervisor | None = None
    trouble: str = ""

    def addresses(self) -> tuple[str, ...]:
        """The actors that run there now; none while it is down."""
        if self.supervisor is None:
            return ()
        return tuple(child.address for child in self.supervisor.statistics().children)


class Faults:
    """Acts on the supervisors and the network of one cluster; every verb is immediate."""

    def __init__(self, root: Supervisor, network: MemoryNetwork) -> None:
        self._root = root
        self._network = network
        self.machines: dict[str, Machine] = {}
        self._killed: dict[str, None] = {}
        self._paused: dict[str, None] = {}

    @property
    def troubles(self) -> list[str]:
        """Why store members cannot use their disks, as said by each last attempt."""
        return [machine.trouble for machine in self.machines.values() if machine.trouble]

    def carry_out(self, verb: str, groups: Sequence[Sequence[str]]) -> None:
        """Carry out a verb by its name: on each target in turn, or on groups of them.

        Raises ValueError on an unknown verb or missing targets, UnknownTarget on an unknown name.
        """
        if verb == "heal" and not groups:
            self.heal()
        elif verb == "partition" and groups:
            self.partition(*map(list, groups))
        elif verb in TARGETED_VERBS and groups:
            for name in (name for group in groups for name in group):
                getattr(self, verb)(name)
        else:
            raise ValueError(
                f"use {'|'.join(TARGETED_VERBS)}|partition TARGET…, or heal without a target"
            )

    def kill(self, target: str) -> None:
        """End it as a killed process or a machine without power; it stays down."""
        self._supervisor_of(target).kill(target)
        self._killed[target] = None

    def revive(self, target: str) -> None:
        """Start a killed part again, with nothing but what it had stored."""
        self._supervisor_of(target).revive(target)
        self._killed.pop(target, None)

    def crash(self, target: str) -> None:
        """End it as by an exception: its supervisor starts it again."""
        self._supervisor_of(target).crash(target)

    def pause(self, target: str) -> None:
        """Hold all it receives and sends, as SIGSTOP does."""
        for address in self._addresses(target):
            self._supervisor_of(address).pause(address)
            self._paused[address] = None

    def resume(self, target: str) -> None:
        """Let what was paused go on with what has arrived meanwhile."""
        for address in self._addresses(target):
            self._supervisor_of(address).resume(address)
            self._paused.pop(address, None)

    def partition(self, *groups: "str | list[str]") -> None:
        """Cut every link between the groups, both ways; a lone target is cut from all the rest.

        A group is a target or a list of targets. Links inside a group stay, and so do those to
        whatever is in no group, unless there is only one group.
        """
        sets = [self._group(group) for group in groups]
        if len(sets) == 1:
            others = [a for a in self._everything() if a not in sets[0]]
            sets.append(tuple(others))
        for position, first in enumerate(sets):
            for second in sets[position + 1 :]:
                self._network.partition(first, second)

    def heal(self) -> None:
        """Mend every link, resume what is paused, revive what was killed."""
        self._network.heal()
        for address in list(self._paused):
            self._paused.pop(address)
            supervisor = self._holding(address)
            if supervisor is not None:
                supervisor.resume(address)
        # Machines before their parts: a dead machine has no parts to revive.
        for target in sorted(self._killed, key=lambda t: t not in self.machines):
            self._killed.pop(target)
            supervisor = self._holding(target)
            if supervisor is not None:
                supervisor.revive(target)

    def targets(self) -> list[str]:
        """Return every name that a verb takes."""
        return sorted([*self.machines, *self._everything()])

    def _group(self, group: "str | list[str]") -> tuple[str, ...]:
        names = [group] if isinstance(group, str) else group
        return tuple(address for name in names for address in self._addresses(name))

    def _everything(self) -> list[str]:
        return [a for machine in self.machines.values() for a in machine.addresses()]

    def _addresses(self, target: str) -> tuple[str, ...]:
        machine = self.machines.get(target)
        if machine is not None:
            return machine.addresses()
        self._supervisor_of(target)
        return (target,)

    def _holding(self, target: str) -> Supervisor | None:
        if target in self._root:
            return self._root
        for machine in self.machines.values():
            if machine.supervisor is not None and target in machine.supervisor:
                return machine.supervisor
        return None

    def _supervisor_of(self, target: str) -> Supervisor:
        found = self._holding(target)
        if found is None:
            raise UnknownTarget(
                f"nothing here is called {target!r}: choose from {', '.join(self.targets())}"
            )
        return found

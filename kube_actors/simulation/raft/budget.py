"""How much may be destroyed: never the last good copy, or correct code would have to fail.

The atlas is what the ledger knows of every disk. A member whose disk is damaged or gone is counted
as lost from that moment, although it runs on from memory until it has to read. Another one may be
lost only while, in every configuration that any member follows, the rest is still a quorum of
intact members, and some of them hold everything that was chosen.
"""

from collections.abc import Callable, Mapping

from kube_actors.raft import ConfigState, EntryType, decode_config
from kube_actors.simulation.raft.judges import Ledger, agree
from kube_actors.simulation.raft.member import SimulatedMember


class Budget:
    """``lost``: members whose disk cannot be relied on any more. ``withheld``: what was refused,
    by what it was, with how often and the simulated seconds of the first time."""

    def __init__(
        self, members: Mapping[int, SimulatedMember], ledger: Ledger, clock: Callable[[], float]
    ) -> None:
        self.members = members
        self.ledger = ledger
        self.clock = clock
        self.lost: dict[int, str] = {}
        self.withheld: dict[str, tuple[int, float]] = {}

    def withhold(self, what: str) -> None:
        """Remember that something was not done, as correct code could not have lived on."""
        count, first_s = self.withheld.get(what, (0, self.clock()))
        self.withheld[what] = (count + 1, first_s)

    def describe(self) -> tuple[str, ...]:
        """Say everything that was withheld, one line each."""
        return tuple(
            f"{first_s:.3f} s: {what}" + (f" ({count} times)" if count > 1 else "")
            for what, (count, first_s) in self.withheld.items()
        )

    def configurations(self) -> list[ConfigState]:
        """List every configuration that some member follows or would recover."""
        found: dict[ConfigState, None] = {}
        for member in self.members.values():
            if member.state is not None:
                for _, who in member.state.configs:
                    found[who] = None
            metadata = member.disk.view.snapshot.metadata
            for entry in member.disk.view.entries:
                if entry.type is EntryType.CONFIG:
                    found[decode_config(entry.data)[0]] = None
            founding = ConfigState(member.founders)
            found[metadata.config if metadata.index else founding] = None
        return [who for who in found if who.voters]

    def refresh(self) -> None:
        """Take back members whose damage was rewritten by a compaction."""
        for number in list(self.lost):
            member = self.members[number]
            disk = member.disk
            spoilt = disk.damage or disk.rot_next or disk.misdirect_next or member.gone
            if self.lost[number] == "damaged" and not spoilt:
                del self.lost[number]

    def spend(self, number: int, why: str) -> bool:
        """Allow a member to be lost, and remember it; or withhold the fault."""
        self.refresh()
        if number in self.lost:
            return True
        if not self.allows(number):
            self.withhold(
                f"member {number} is not {why}: without it something chosen could be lost"
            )
            return False
        self.lost[number] = why
        return True

    def allows(self, number: int) -> bool:
        """Say whether everything chosen would survive, on enough members to go on."""
        rest = [m for m in self.members if m != number and m not in self.lost]
        for who in self.configurations():
            if number in (*who.voters, *who.voters_outgoing) and not agree(who, rest):
                return False
        index = self.ledger.last_chosen
        term = self.ledger.chosen[index]
        return any(self.members[m].disk.view.holds(index, term) for m in rest) or index == 0

"""Whom a member knows: who belongs, where each is reached, who greets whom.

Everything follows the newest configuration in the log, as Raft does, before it is decided: whoever
is added must be reached to decide it. A member that greets and was removed is told so. One that
belongs to another group, restored from the same data, is not listened to.
"""

from typing import TYPE_CHECKING

from kube_actors.actor import Address, Delivery
from kube_actors.raft import EntryType
from kube_actors.store.disk import LostLog
from kube_actors.store.group.peers import Greeted, Greeting, Peers
from kube_actors.store.state import belonging, change_of

if TYPE_CHECKING:
    from kube_actors.store.member import Member


_LOST = (
    "the disk of {} is empty, but its group knows that it had a log: it cannot go on under its "
    "number; run `kube-actors store rebuild` with its directory"
)


class Acquaintance:
    """The other members as this one reaches and hears them."""

    def __init__(self, member: "Member", *, empty: bool) -> None:
        """``empty``: the disk says that nothing was ever promised."""
        self._member = member
        self._config = member.raft.config_state
        self._addresses: dict[int, Address] = {}
        self._met_at: dict[int, Address] = {}
        self._strangers: dict[Address, None] = {}
        self._friends: dict[Address, None] = {}
        self._young = True
        self._held: list[Delivery] = []
        self._unsure: dict[int, None] | None = None
        """Who may still say that this member had a log; None when all is clear."""
        # Whoever joins knows only where the founders were, but its own log may be lost as well.
        joined = range(1, member.config.members + 1) if member.config.joining else ()
        known = belonging(self._config) or joined
        others = [one for one in known if one != member.config.member]
        if others and empty:
            self._unsure = dict.fromkeys(others)
        self.peers = Peers(member.config.member, self._config, member.config.election_ticks)

    def address(self, number: int) -> Address:
        """Return where a member is reached.

        One that joins knows nobody's address before it has their state, and those that were
        rebuilt are not where their numbers say: it answers where it is spoken to from.
        """
        known = self._addresses.get(number)
        if known is None:
            met = self._met_at.get(number) if self._group < 0 else None
            known = met or self._member.config.address(number)
        return known

    def follow_config(self) -> None:
        """Follow another configuration, if there is one."""
        if self._member.raft.config_state is not self._config:
            self.refresh()

    def refresh(self) -> None:
        """Count, greet and send by the newest configuration in the log."""
        raft, machine = self._member.raft, self._member.machine
        self._config = raft.config_state
        self.peers.follow(self._config)
        entries = raft.log.entries[max(0, machine.applied_index - raft.log.offset) :]
        changes = [change_of(entry)[1] for entry in entries if entry.type is EntryType.CONFIG]
        added = [change.info for change in changes if change is not None and change.info]
        known = (*machine.state.roster.members().members, *added)
        self._addresses = {one.id: Address(one.address) for one in known if one.address}

    def is_stranger(self, source: Address) -> bool:
        """Say whether somebody belongs to another group; a restored one makes sure first."""
        return source in self._strangers or (self._group > 0 and source not in self._friends)

    def take(self, delivery: Delivery, message: Greeting | Greeted) -> None:
        """Take in a greeting, or the answer to one."""
        member, roster = self._member, self._member.machine.state.roster
        if self._is_foreign(delivery.source, message.group):
            return
        self._met_at[message.member] = delivery.source
        self.peers.greeted(message.member, message.leader)
        if isinstance(message, Greeting):
            removed = message.member if roster.was_removed(message.member) else 0
            number, leader, term = member.config.member, member.raft.leader, member.raft.term
            started = message.member if message.member in roster.started else 0
            greeted = Greeted(number, leader, term, self._group, removed, started)
            member.actor.tell(delivery.source, greeted)
        elif message.removed == member.config.member:
            member.membership.ended = True
        elif message.started == member.config.member and self._unsure is not None:
            member.fail(LostLog(_LOST.format(member.actor.address)))
        else:
            self._heard_from(message.member)
        self._lead_young_group()

    def _is_foreign(self, source: Address, group: int) -> bool:
        if -1 in (group, self._group) or group == self._group:
            self._strangers.pop(source, None)
            self._friends[source] = None
            return False
        self._friends.pop(source, None)
        self._strangers[source] = None
        return True

    @property
    def _group(self) -> int:
        """The identity of the group; -1 while this member has not learned it."""
        roster = self._member.machine.state.roster
        return roster.group if roster.config.voters else -1

    def greet(self) -> None:
        """Ask those who have been silent whether they are there."""
        member = self._member
        knows_nobody = self._unsure is not None and not belonging(self._config)
        for number in self._unsure or () if knows_nobody else self.peers.to_greet():
            leader, term = member.raft.leader, member.raft.term
            greeting = Greeting(member.config.member, leader, term, self._group)
            member.actor.tell(self.address(number), greeting)

    def grow_up(self) -> None:
        """From now on elections are Raft's alone."""
        self._young = False
        self._become_sure()

    def holds_back(self, delivery: Delivery) -> bool:
        """Keep a message of Raft's for later: this member may be one that lost its log.

        A founder with an empty disk first asks the others whether they have known it. It answers
        nobody until all have said no, or an election timeout has passed.
        """
        if self._unsure is None:
            return False
        self._held.append(delivery)
        return True

    def _heard_from(self, number: int) -> None:
        if self._unsure is not None:
            self._unsure.pop(number, None)
            if not self._unsure:
                self._become_sure()

    def _become_sure(self) -> None:
        if self._unsure is not None:
            self._unsure = None
            held, self._held = self._held, []
            for delivery in held:
                self._member.step(delivery)

    def _lead_young_group(self) -> None:
        """Found the group at once, or a restarted one: nobody leads and its first voter knows."""
        peers = self.peers
        nobody = not self._member.raft.leader
        if self._young and peers.is_first and nobody and peers.quorum_without_leader:
            self._young = False
            self._member.raft.campaign()

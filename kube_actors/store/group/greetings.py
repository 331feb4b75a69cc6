"""How members make sure of each other: who is there, who belongs, and who has lost its log.

A member that greets and was removed is told so. One that belongs to another group, restored from
the same data, is not listened to. A founder whose disk is empty answers none of Raft's messages
before the others have said that they never knew it with a log.
"""

from collections.abc import Callable

from kube_actors.actor import Address, Delivery
from kube_actors.store.disk import DiskError, LostLog
from kube_actors.store.group.address_book import AddressBook
from kube_actors.store.group.membership import Membership
from kube_actors.store.group.peers import Greeted, Greeting, Peers
from kube_actors.store.group.replica import Replica
from kube_actors.store.state import belonging

_LOST = (
    "the disk of {} is empty, but its group knows that it had a log: it cannot go on under its "
    "number; run `kube-actors store rebuild` with its directory"
)


class Greetings:
    """What one member says to the others beside Raft, and what it concludes from their answers.

    ``empty``: the disk says that nothing was ever promised. ``step`` gives Raft a message that was
    held back, ``fail`` ends the member.
    """

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        addresses: AddressBook,
        membership: Membership,
        *,
        empty: bool,
        step: Callable[[Delivery], None],
        fail: Callable[[DiskError], None],
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._addresses = addresses
        self._membership = membership
        self._step = step
        self._fail = fail
        self._config = replica.raft.config_state
        self._foreign: dict[Address, None] = {}
        self._familiar: dict[Address, None] = {}
        self._founding = True
        """Nobody has led yet, as far as this member knows: its first voter need not wait."""
        self._held: list[Delivery] = []
        self._unsure: dict[int, None] | None = None
        """Who may still say that this member had a log; None when all is clear."""
        # Whoever joins knows only where the founders were, but its own log may be lost as well.
        config = replica.config
        joined = range(1, config.members + 1) if config.joining else ()
        known = belonging(self._config) or joined
        others = [one for one in known if one != config.member]
        if others and empty:
            self._unsure = dict.fromkeys(others)

    def follow_config(self) -> None:
        """Follow another configuration, if there is one."""
        if self._replica.raft.config_state is not self._config:
            self.refresh()

    def refresh(self) -> None:
        """Count, greet and send by the newest configuration in the log."""
        self._config = self._replica.raft.config_state
        self._peers.follow(self._config)
        self._addresses.refresh()

    def is_foreign(self, source: Address) -> bool:
        """Say whether a sender belongs to another group; a restored group makes sure first."""
        restored = self._replica.roster.identity > 0
        return source in self._foreign or (restored and source not in self._familiar)

    def accept(self, delivery: Delivery, message: Greeting | Greeted) -> None:
        """Take in a greeting, or the answer to one."""
        if self._notes_foreign(delivery.source, message.group):
            return
        self._addresses.met(message.member, delivery.source)
        self._peers.greeted(message.member, message.leader)
        if isinstance(message, Greeting):
            self._answer(delivery.source, message)
        elif message.removed == self._replica.number:
            self._membership.ended = True
        elif message.started == self._replica.number and self._unsure is not None:
            self._fail(LostLog(_LOST.format(self._replica.actor.address)))
        else:
            self._heard_from(message.member)
        self._lead_at_once()

    def _answer(self, source: Address, greeting: Greeting) -> None:
        replica, roster = self._replica, self._replica.roster
        removed = greeting.member if roster.was_removed(greeting.member) else 0
        started = greeting.member if greeting.member in roster.started else 0
        raft = replica.raft
        greeted = Greeted(replica.number, raft.leader, raft.term, roster.identity, removed, started)
        replica.actor.tell(source, greeted)

    def _notes_foreign(self, source: Address, group: int) -> bool:
        """Note which group a sender is of; say whether it is another than this member's."""
        own = self._replica.roster.identity
        if -1 in (group, own) or group == own:
            self._foreign.pop(source, None)
            self._familiar[source] = None
            return False
        self._familiar.pop(source, None)
        self._foreign[source] = None
        return True

    def greet(self) -> None:
        """Ask those who have been silent whether they are there."""
        replica = self._replica
        knows_nobody = self._unsure is not None and not belonging(self._config)
        for number in self._unsure or () if knows_nobody else self._peers.to_greet():
            leader, term = replica.raft.leader, replica.raft.term
            greeting = Greeting(replica.number, leader, term, replica.roster.identity)
            replica.actor.tell(self._addresses.address(number), greeting)

    def end_founding(self) -> None:
        """Leave elections to Raft, and answer it, once an election timeout has passed."""
        if self._peers.ticks > self._replica.config.election_ticks:
            self._founding = False
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
                self._step(delivery)

    def _lead_at_once(self) -> None:
        """Found the group at once, or a restarted one: nobody leads and its first voter knows."""
        peers, raft = self._peers, self._replica.raft
        if self._founding and peers.is_first and not raft.leader and peers.quorum_without_leader:
            self._founding = False
            raft.campaign()

"""Where each member is reached, by the newest configuration in the log.

Whoever is added must be reached before that is decided, so the book follows the log as Raft does
and not what is applied.
"""

from kube_actors.actor import Address
from kube_actors.raft import EntryType
from kube_actors.store.group.replica import Replica
from kube_actors.store.state import change_of


class AddressBook:
    """The addresses that members said they have, and those they were met at."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._said: dict[int, Address] = {}
        self._met_at: dict[int, Address] = {}

    def address(self, number: int) -> Address:
        """Return where a member is reached.

        One that joins knows nobody's address before it has their state, and those that were
        rebuilt are not where their numbers say: it answers where it is spoken to from.
        """
        known = self._said.get(number)
        if known is None:
            met = self._met_at.get(number) if self._replica.roster.identity < 0 else None
            known = met or self._replica.config.address(number)
        return known

    def met(self, number: int, source: Address) -> None:
        """Note where a member greeted from."""
        self._met_at[number] = source

    def refresh(self) -> None:
        """Read the addresses anew: from the roster, and from what the log adds to it."""
        raft, roster = self._replica.raft, self._replica.roster
        entries = raft.log.entries[max(0, self._replica.applied.index - raft.log.offset) :]
        changes = [change_of(entry)[1] for entry in entries if entry.type is EntryType.CONFIG]
        added = [change.info for change in changes if change is not None and change.info]
        known = (*roster.members().members, *added)
        self._said = {one.id: Address(one.address) for one in known if one.address}

"""Who belongs to the group, as part of the replicated state: names, urls, addresses, numbers.

Who votes is Raft's to say; what people know a member by is here. Both change with one log entry:
a configuration entry carries, as its context, what the roster has to learn with it. So no crash
can fall between the two, and a member that was sent a snapshot knows as much as one that replayed.
A number is given once: whoever is at or below ``highest`` and does not belong was removed.
"""

from collections.abc import Iterable

from attrs import field, frozen

from kube_actors.actor import Frame, MalformedMessage, decode, encode, message
from kube_actors.raft import ConfigState, Entry, decode_config
from kube_actors.store.messages import MemberInfo, MemberNotFound, Members, UpdateMember


@message("store.roster_change")
class RosterChange:
    """What goes with a change of the configuration; ``info`` is the member that it adds."""

    highest: int
    info: MemberInfo | None = None


@frozen
class FrozenRoster:
    """``group`` tells this group from a restored copy of it; 0 for one that never was restored."""

    group: int = 0
    highest: int = 0
    started: tuple[int, ...] = ()
    infos: tuple[MemberInfo, ...] = field(default=(), repr=False)


def belonging(config: ConfigState) -> tuple[int, ...]:
    """Return all members of a configuration, in order, whether they vote or not."""
    groups = (config.voters, config.voters_outgoing, config.learners, config.learners_next)
    return tuple(sorted({member for group in groups for member in group}))


def encode_change(change: RosterChange) -> bytes:
    """Encode for the context of a configuration entry."""
    return encode(change).header


def change_of(entry: Entry) -> tuple[ConfigState, RosterChange | None]:
    """Take a configuration entry apart; one that leaves a joint configuration has no change."""
    config, context = decode_config(entry.data)
    if not context:
        return config, None
    change = decode(Frame(context))
    if not isinstance(change, RosterChange):
        raise MalformedMessage(f"entry {entry.index} holds a {type(change).__name__}")
    return config, change


class Roster:
    """The configuration that is applied, and what is known of its members."""

    def __init__(self) -> None:
        self.config = ConfigState()
        self.group = 0
        self._highest = 0
        self._infos: dict[int, MemberInfo] = {}
        self.started: tuple[int, ...] = ()
        """Those who have said that they have a log."""

    def found(self, config: ConfigState) -> None:
        """Begin with the founders."""
        self.config = config

    @property
    def identity(self) -> int:
        """The identity of the group: ``group``, or -1 while this member has not learned it."""
        return self.group if self.config.voters else -1

    @property
    def highest(self) -> int:
        """The highest number that anybody ever had."""
        return max((self._highest, *belonging(self.config)))

    def __contains__(self, member: int) -> bool:
        return member in belonging(self.config)

    def was_removed(self, member: int) -> bool:
        """Say whether a member surely belonged once and does not any more."""
        return 0 < member <= self.highest and member not in self

    def address(self, member: int) -> str:
        """Return where a member said that it is reached; empty if it never did."""
        info = self._infos.get(member)
        return info.address if info is not None else ""

    def info(self, member: int) -> MemberInfo:
        """Raises MemberNotFound."""
        if member not in self:
            raise MemberNotFound(member)
        info = self._infos.get(member) or MemberInfo(member)
        learner = member in (*self.config.learners, *self.config.learners_next)
        return MemberInfo(
            member, info.name, info.peer_urls, info.client_urls, learner, info.address
        )

    def members(self) -> Members:
        """Return who belongs, by number."""
        return Members(tuple(self.info(member) for member in belonging(self.config)))

    def apply(self, entry: Entry) -> None:
        """Follow a committed configuration entry."""
        highest = self.highest
        self.config, change = change_of(entry)
        if change is not None:
            self._highest = max(highest, change.highest)
            if change.info is not None:
                self._infos[change.info.id] = change.info
        members = belonging(self.config)
        self._infos = {one: info for one, info in self._infos.items() if one in members}
        self.started = tuple(one for one in self.started if one in members)

    def update(self, request: UpdateMember) -> Members:
        """Change what a member is known by. Raises MemberNotFound."""
        info = self.info(request.id)
        self._infos[request.id] = MemberInfo(
            request.id,
            request.name or info.name,
            request.peer_urls or info.peer_urls,
            request.client_urls or info.client_urls,
            address=info.address,
        )
        return self.members()

    def start(self, member: int) -> Members:
        """Note that a member has a log. Raises MemberNotFound."""
        if member not in self:
            raise MemberNotFound(member)
        self.started = tuple(sorted({*self.started, member}))
        return self.members()

    def freeze(self) -> FrozenRoster:
        """Return it as immutable values; the configuration goes in the snapshot's metadata."""
        infos: Iterable[tuple[int, MemberInfo]] = sorted(self._infos.items())
        found = tuple(info for _, info in infos)
        return FrozenRoster(self.group, self.highest, self.started, found)

    @classmethod
    def restore(cls, frozen: FrozenRoster) -> "Roster":
        """Rebuild from a snapshot; its configuration is in the snapshot's metadata."""
        self = cls()
        self.group = frozen.group
        self._highest = frozen.highest
        self.started = frozen.started
        self._infos = {info.id: info for info in frozen.infos}
        return self

"""Who the masters in separate processes are: it follows the group, in which they come and go.

What ``--join`` says is where it begins. A process that the group was told of by name is
a master from then on: it may have any actor's address, as those in ``--join`` may. No name is taken
off the list while this process lives, for a member must be told that it was removed.
"""

from collections.abc import Callable, Sequence
from urllib.parse import urlunsplit

import anyio
import attrs

from kube_actors.actor import Actor, ActorError
from kube_actors.cluster.processes.join import Endpoint, Join
from kube_actors.store import GetStatus, ListMembers, MemberInfo, Members, MemberStatus
from kube_actors.store.messages import UpdateMember

FOLLOW_S = 0.5
ASK_S = 5.0


class MasterList:
    """Who the masters are. ``changed`` is called with their places when these are others."""

    def __init__(self, join: Join, name: str) -> None:
        self.join = join
        self.name = name
        self.number = join.number(name)
        self.places = join.places
        self.changed: Callable[[tuple[int, ...]], None] = lambda places: None

    def may_hold(self, name: str, address: str) -> bool:
        """Say whether a process may hold an actor of that address."""
        return self.join.may_hold(name, address)

    def may_send(self, name: str, source: str, target: str) -> bool:
        """Say whether a process may send from one address to another."""
        return self.join.may_send(name, source, target)

    def node_of(self, address: str) -> str:
        """Return the name of the node whose process has an address, "" when it is a master's."""
        return self.join.node_of(address)

    def update(self, members: Sequence[MemberInfo]) -> None:
        """Follow what the group says of itself; nothing while it says nothing yet."""
        if not members:
            return
        admitted = dict.fromkeys(self.join.admitted)
        admitted.update((one.name, None) for one in members if one.name)
        named = tuple(one for one in admitted if one not in self.join.masters)
        if named != self.join.admitted:
            self.join = attrs.evolve(self.join, admitted=named)
        known = self.join.places
        places = {place_of(one): one.name for one in members}
        found = {place: name or known.get(place, "") for place, name in places.items()}
        if found != self.places:
            self.places = found
            self.changed(tuple(found))

    async def follow(self, actor: Actor, endpoint: Endpoint, client_urls: Sequence[str]) -> None:
        """Follow this master's own member, and see to it that the group knows it by its name."""
        address = f"store/{self.number}"
        host, port = endpoint
        shown = f"[{host}]" if ":" in host else host
        peer_urls = (urlunsplit(("https", f"{shown}:{port}", "", "", "")),)
        while True:
            try:
                answer = await actor.call(address, ListMembers(serializable=True), timeout_s=ASK_S)
                assert isinstance(answer, Members)
                self.update(answer.members)
                status = await actor.call(address, GetStatus(), timeout_s=ASK_S)
                assert isinstance(status, MemberStatus)
                own = next((one for one in answer.members if one.id == status.member), None)
                wanted = (self.name, peer_urls, tuple(client_urls))
                if own is not None and (own.name, own.peer_urls, own.client_urls) != wanted:
                    said = UpdateMember(own.id, peer_urls, tuple(client_urls), self.name)
                    await actor.call(address, said, timeout_s=ASK_S)
            except ActorError:
                # It starts again, or has no quorum: who was a master stays one.
                pass
            await anyio.sleep(FOLLOW_S)


def place_of(member: MemberInfo) -> int:
    """Return the number of the master that a member is part of: a rebuilt one has another."""
    rest = member.address.removeprefix("store/")
    return int(rest) if rest.isdecimal() else member.id

"""What people ask about the store of a running cluster: members, alarms, snapshots, rebuilding.

Answers ``/debug/kube-actors/store/…`` with plain JSON data, or with the bytes of a snapshot.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from kube_actors.actor import (
    Actor,
    ActorCrashed,
    ActorError,
    DeadlineExceeded,
    Overloaded,
    Unreachable,
)
from kube_actors.cluster.requests import (
    MESSAGES,
    REQUESTS,
    AddedMember,
    AskedMember,
    DisarmedAlarm,
    MemberSizes,
    Nothing,
    RebuiltStore,
    UpdatedMember,
)
from kube_actors.store import (
    AlarmKind,
    DiskError,
    MemberInfo,
    NoQuorum,
    OutcomeUnknown,
    SnapshotPart,
    StoreClient,
    member_address,
)

CHANGES = ("add", "remove", "promote", "update")
VERBS = ("members", *CHANGES, "alarms", "disarm", "defrag", "move-leader", "snapshot", "rebuild")

CANNOT_NOW = (ActorCrashed, DeadlineExceeded, NoQuorum, OutcomeUnknown, Overloaded, Unreachable)

Rebuild = Callable[[int], Awaitable[int]]
"""Rebuilds the store of a master, by its number; returns the number that its member had."""


class StoreAdministration:
    """``masters`` are the places whose stores are asked, the first one first."""

    def __init__(self, actor: Actor, masters: int, rebuild: Rebuild) -> None:
        self._actor = actor
        self._places = tuple(range(1, masters + 1))
        self._rebuild = rebuild

    def follow(self, masters: Iterable[int]) -> None:
        """Ask the stores of these masters from now on."""
        self._places = tuple(masters)

    def _client(self, *masters: int) -> StoreClient:
        places = masters or self._places
        return StoreClient(self._actor, [member_address(place) for place in places])

    async def answer(self, verb: str, asked: object) -> dict[str, Any] | AsyncIterator[bytes]:
        """Carry out one verb; ``asked`` is the body's plain data.

        Raises ValueError with what was wrong or refused, and an ActorError of ``CANNOT_NOW`` when
        the same may succeed later.
        """
        try:
            return await self._answer(verb, asked)
        except CANNOT_NOW:
            raise
        except (ActorError, DiskError) as error:
            raise ValueError(str(error) or type(error).__name__) from error

    async def _answer(self, verb: str, asked: object) -> dict[str, Any] | AsyncIterator[bytes]:
        client = self._client()
        if verb in CHANGES:
            return {
                "members": [MESSAGES.write(one) for one in await self._change(client, verb, asked)]
            }
        if verb == "disarm":
            kind = AlarmKind(REQUESTS.read(DisarmedAlarm, asked).kind)
            return {
                "alarms": [MESSAGES.write(alarm) for alarm in await client.disarm_alarm(0, kind)]
            }
        if verb == "move-leader":
            number = REQUESTS.read(AskedMember, asked).member
            return _described(MemberSizes.of(await client.move_leader(number)))
        if verb == "rebuild":
            return await self._rebuilt(REQUESTS.read(RebuiltStore, asked).master)
        if verb not in VERBS:
            raise ValueError(f"unknown verb {verb!r}: use one of {', '.join(VERBS)}")
        REQUESTS.read(Nothing, asked)
        if verb == "members":
            return {"members": [MESSAGES.write(one) for one in await client.members()]}
        if verb == "alarms":
            return {"alarms": [MESSAGES.write(alarm) for alarm in await client.alarms()]}
        if verb == "defrag":
            return await self._defragment()
        return self._snapshot(client)

    async def _change(
        self, client: StoreClient, verb: str, asked: object
    ) -> tuple[MemberInfo, ...]:
        if verb == "add":
            added = REQUESTS.read(AddedMember, asked)
            if not added.name:
                raise ValueError("a member that is added needs a name: its process's certificate's")
            # It votes when it has everything: a vote that nobody can give endangers the group.
            return (await client.add_member(added.name, added.peer_urls, learner=True),)
        if verb == "update":
            known = REQUESTS.read(UpdatedMember, asked)
            return await client.update_member(
                known.member,
                name=known.name,
                peer_urls=known.peer_urls,
                client_urls=known.client_urls,
            )
        number = REQUESTS.read(AskedMember, asked).member
        if verb == "remove":
            return await client.remove_member(number)
        return await client.promote_member(number)

    async def _rebuilt(self, place: int) -> dict[str, Any]:
        if place not in self._places:
            raise ValueError(f"there is no master {place}: there are {_listed(self._places)}")
        await self._check_others(place)
        return {"master": place, "member": await self._rebuild(place)}

    async def _check_others(self, place: int) -> None:
        """Refuse to put a log aside that the others could not give back. Raises ValueError."""
        others = [one for one in self._places if one != place]
        answering = 0
        for one in others:
            try:
                await self._client(one).status()
            except ActorError:
                continue
            answering += 1
        needed = len(self._places) // 2 + 1
        if len(others) < needed:
            raise ValueError("there are no others to rebuild it from: restore a snapshot instead")
        if answering < needed:
            raise ValueError(
                f"{answering} of the other {len(others)} stores answer and {needed} are needed to "
                f"rebuild store/{place}; nothing was changed"
            )

    async def _defragment(self) -> dict[str, Any]:
        """Defragment one member after the other, so that a majority always answers."""
        found: dict[str, Any] = {}
        for place in self._places:
            client = self._client(place)
            before = await client.status()
            found[str(place)] = {
                "before": _described(MemberSizes.of(before)),
                "after": _described(MemberSizes.of(await client.defragment())),
            }
        return {"members": found}

    async def _snapshot(self, client: StoreClient) -> AsyncIterator[bytes]:
        async with client.snapshot() as parts:
            async for part in parts:
                assert isinstance(part, SnapshotPart)
                yield part.data


def _listed(places: tuple[int, ...]) -> str:
    return ", ".join(map(str, places))


def _described(sizes: MemberSizes) -> dict[str, Any]:
    described: dict[str, Any] = REQUESTS.write(sizes)
    return described

"""What the masters say of themselves: polled often, so that the front door chooses well."""

from collections.abc import Iterable
from typing import Any

import anyio

from kube_actors.actor import Actor, ActorError
from kube_actors.client import ApiRequest
from kube_actors.cluster.front_door import FrontDoor
from kube_actors.store import Store
from kube_actors.store.messages import GetStatus, MemberStatus

POLL_S = 0.2
CALM_POLL_S = 1.0
"""How often masters are asked while nobody comes to the door and nothing changes."""

STIRRED_S = 3.0
"""For how long after a request or a change they are asked as often as ``POLL_S`` says."""

ANSWER_S = 0.5
_USER, _GROUPS = "system:kube-actors-health", ("system:masters",)


class Health:
    """Each master's newest ``MemberStatus``, None while it does not answer.

    With an ``engine`` of its own the masters have no store members: all share the engine's status.
    """

    def __init__(
        self, actor: Actor, masters: int, door: FrontDoor, engine: Store | None = None
    ) -> None:
        self._actor = actor
        self._engine = engine
        self._door = door
        self._known: dict[int, MemberStatus | None] = dict.fromkeys(range(1, masters + 1))

    def follow(self, masters: Iterable[int]) -> None:
        """Ask these masters from now on; what is known of the others is forgotten."""
        self._known = {number: self._known.get(number) for number in masters}

    @property
    def members(self) -> dict[int, MemberStatus | None]:
        """What each store member said last, by number; None for one that does not answer."""
        return dict(self._known)

    @property
    def leader(self) -> int:
        """The master whose store leads by the newest term heard of; 0 when nobody says."""
        led = [s for s in self._known.values() if s is not None and s.leader and not s.read_only]
        return self._place(max(led, key=lambda s: s.term).leader) if led else 0

    def _place(self, member: int) -> int:
        """Return the master that has a member: one that was rebuilt has a new number."""
        if self._engine is None:
            for number, status in self._known.items():
                if status is not None and status.member == member:
                    return number
        return member

    @property
    def read_only(self) -> bool:
        """No master reaches a quorum of the store."""
        return all(status is None or status.read_only for status in self._known.values())

    async def run(self) -> None:
        """Ask all masters, again and again; seldom while it makes no difference to anybody."""
        quick_until_s = 0.0
        while True:
            before = (self._verdicts(), self._door.requests)
            await self.refresh()
            now_s = anyio.current_time()
            if (self._verdicts(), self._door.requests) != before:
                quick_until_s = now_s + STIRRED_S
            if now_s < quick_until_s:
                await anyio.sleep(POLL_S)
            else:
                with anyio.move_on_after(CALM_POLL_S):
                    await self._door.wait_request()

    def _verdicts(self) -> list[tuple[int, int, bool] | None]:
        return [
            None if status is None else (status.leader, status.term, status.read_only)
            for status in self._known.values()
        ]

    async def refresh(self) -> None:
        """Ask every member now, all at once; who does not answer in time counts as silent."""
        silent: dict[int, None] = {}
        async with anyio.create_task_group() as tasks:
            for number in list(self._known):
                tasks.start_soon(self._ask, number)
            for number in self._door.masters():
                tasks.start_soon(self._knock, number, silent)
        # To whom the door forwards must answer itself, not only its store.
        self._door.set_health({n: s for n, s in self._known.items() if n not in silent})

    async def _knock(self, number: int, silent: dict[int, None]) -> None:
        try:
            # It must answer, and reach the store as well: /livez would not say so.
            asked = ApiRequest("GET", "/readyz", user=_USER, groups=_GROUPS)
            await self._actor.call(f"apiserver/{number}", asked, timeout_s=ANSWER_S)
        except ActorError:
            silent[number] = None

    async def _ask(self, number: int) -> None:
        try:
            status: MemberStatus | None = await self._status(number)
        except ActorError:
            status = None
        if number in self._known:
            self._known[number] = status

    async def _status(self, number: int) -> MemberStatus:
        if self._engine is not None:
            return await self._engine.status()
        status = await self._actor.call(f"store/{number}", GetStatus(), timeout_s=ANSWER_S)
        assert isinstance(status, MemberStatus)
        return status

    def describe(self) -> dict[str, Any]:
        """Return the store's part of the cluster's status as plain JSON data."""
        members: dict[str, dict[str, Any]] = {}
        for number, status in self._known.items():
            if status is None:
                members[str(number)] = {"answers": False}
                continue
            members[str(number)] = {
                "answers": True,
                "leader": self._place(status.leader),
                "term": status.term,
                "commit": status.commit_index,
                "applied": status.applied_index,
                "revision": status.revision,
                "answering": status.answering,
                "members": status.members,
                "readOnly": status.read_only,
            }
        return {
            "members": members,
            "leader": self.leader,
            "readOnly": self.read_only,
            "engine": self._engine is not None,
        }

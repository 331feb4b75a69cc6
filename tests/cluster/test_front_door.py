"""The one address: which master answers, and what happens to the requests of one that dies."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import orjson
import pytest

from kube_actors.cluster.front_door import FrontDoor
from kube_actors.cluster.requests import REQUESTS, ChaosVerb
from kube_actors.store import MemberStatus

pytestmark = pytest.mark.anyio

Message = dict[str, Any]
SCOPE = {"type": "http", "method": "GET", "path": "/api", "headers": [], "extensions": {}}


def health(member: int, *, leader: int = 1, read_only: bool = False) -> MemberStatus:
    return MemberStatus(
        member=member,
        members=3,
        leader=leader,
        term=1,
        commit_index=1,
        applied_index=1,
        revision=1,
        compact_revision=0,
        answering=3,
        read_only=read_only,
    )


def named(name: str) -> Any:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    return app


async def stuck(scope: Message, receive: Any, send: Any) -> None:
    await anyio.sleep_forever()


async def nothing(what: str, asked: object) -> dict[str, Any]:
    assert isinstance(asked, dict)
    return {"what": what, **asked}


async def strict(what: str, asked: object) -> dict[str, Any]:
    said = REQUESTS.read(ChaosVerb, asked)
    return {"verb": said.verb, "targets": said.targets}


class Caller:
    """One request and everything that was answered."""

    def __init__(self, door: FrontDoor, **scope: Any) -> None:
        self.door = door
        self.scope = {**SCOPE, **scope}
        self.sent: list[Message] = []

    async def run(self, body: bytes = b"") -> int:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            self.sent.append(message)

        await self.door(self.scope, receive, send)
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.sent)


def door_with(**masters: Callable[..., Awaitable[None]]) -> FrontDoor:
    door = FrontDoor("system:masters", "secret", nothing)
    for name, app in masters.items():
        door.opened(int(name.removeprefix("m")), app)
    return door


async def test_the_leader_is_preferred_and_a_master_without_quorum_comes_last() -> None:
    door = door_with(m1=named("1"), m2=named("2"), m3=named("3"))
    door.set_health({1: health(1, leader=3), 2: health(2, leader=3), 3: health(3, leader=3)})
    assert door.masters() == [3, 1, 2]
    door.set_health({1: None, 2: health(2, leader=3), 3: health(3, read_only=True)})
    assert door.masters() == [2, 3, 1]
    caller = Caller(door)
    assert await caller.run() == 200
    assert caller.body == b"2"


async def test_a_dead_master_is_not_asked() -> None:
    door = door_with(m1=named("1"), m2=named("2"))
    door.set_health({1: health(1), 2: health(2)})
    door.closed(1)
    caller = Caller(door)
    await caller.run()
    assert caller.body == b"2"


async def test_without_any_master_the_answer_is_503_and_says_when_to_come_back() -> None:
    caller = Caller(door_with())
    assert await caller.run() == 503
    assert (b"retry-after", b"1") in caller.sent[0]["headers"]
    assert orjson.loads(caller.body)["message"] == "no master is alive"


@pytest.mark.parametrize(("method", "retry"), [("GET", True), ("POST", False)])
async def test_a_dying_masters_requests_end_at_once(method: str, retry: bool) -> None:
    door = door_with(m1=stuck)
    caller = Caller(door, method=method)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(caller.run)
            await anyio.wait_all_tasks_blocked()
            door.closed(1)
    assert caller.sent[0]["status"] == 503
    names = [name for name, _ in caller.sent[0]["headers"]]
    assert (b"retry-after" in names) is retry
    assert ("unknown" in orjson.loads(caller.body)["message"]) is not retry


async def test_debug_paths_are_for_administrators_only() -> None:
    door = door_with()
    path = "/debug/kube-actors/status"
    assert await Caller(door, path=path).run() == 403
    stranger = {"kube_actors.client_certificate": {"common_name": "x", "organizations": ("a",)}}
    assert await Caller(door, path=path, extensions=stranger).run() == 403
    token = [(b"authorization", b"Bearer secret")]
    assert await Caller(door, path=path, headers=token).run() == 200
    admin = {
        "kube_actors.client_certificate": {
            "common_name": "x",
            "organizations": ("system:masters",),
        }
    }
    caller = Caller(door, path=path, extensions=admin)
    assert await caller.run(b'{"a": 1}') == 200
    assert orjson.loads(caller.body) == {"what": "status", "a": 1}
    assert await Caller(door, path=path, extensions=admin).run(b"{nonsense") == 400


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{nonsense", "not JSON: "),
        (b'{"verb": "kill", "verb": "heal"}', 'not JSON: the name "verb" stands twice'),
        (b"[1]", "expected an object, got [1]"),
        (b"", "verb: it is missing"),
        (b'{"verb": "kill", "targets": "leader"}', 'targets: expected a list, got "leader"'),
        (b'{"verb": "kill", "target": []}', 'unknown field "target"'),
        (b'{"verb": null}', "verb: expected a text, got null"),
    ],
)
async def test_a_debug_body_that_is_wrong_is_answered_with_one_line(body: bytes, said: str) -> None:
    headers = [(b"authorization", b"Bearer secret")]
    door = FrontDoor("system:masters", "secret", strict)
    caller = Caller(door, path="/debug/kube-actors/chaos", headers=headers)
    assert await caller.run(body) == 400
    line = orjson.loads(caller.body)["error"]
    assert line.startswith(said)
    assert "\n" not in line


async def test_a_mounted_door_finds_its_paths_below_the_mount() -> None:
    token = [(b"authorization", b"Bearer secret")]
    caller = Caller(door_with(), path="/k8s/debug/kube-actors/x", root_path="/k8s", headers=token)
    assert await caller.run() == 200


async def test_a_reader_that_leaves_in_the_middle_ends_who_makes_the_bytes() -> None:
    ended: list[bool] = []

    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                await anyio.lowlevel.checkpoint()
                yield b"x"
        finally:
            ended.append(True)

    async def debug(what: str, asked: object) -> AsyncIterator[bytes]:
        return parts()

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) == 4:
            raise ConnectionResetError

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"authorization", b"Bearer token")]
    scope = {**SCOPE, "path": "/debug/kube-actors/store/snapshot", "headers": headers}
    with pytest.raises(ConnectionResetError):
        await FrontDoor("administrators", "token", debug)(scope, receive, send)
    assert ended == [True]

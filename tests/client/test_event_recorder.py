from typing import Any

import anyio
import pytest

from kube_actors.api import errors
from kube_actors.client import Client, EventRecorder
from tests.client.fake_apiserver import World, open_world

ABOUT = {"apiVersion": "v1", "kind": "Pod", "namespace": "a", "name": "web", "uid": "u1"}


def events(world: World) -> list[dict[str, Any]]:
    return [obj for key, obj in world.store.objects.items() if key[0] == "events"]


@pytest.mark.anyio
async def test_an_event_says_who_what_and_when() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        recorder = EventRecorder(Client(actor, world.apiservers), "kubelet", actor.clock, host="n1")
        actor.spawn(recorder.run)
        recorder.record(ABOUT, "Normal", "Started", "Started container web")
        await anyio.sleep(1)
        (event,) = events(world)
        name, _, hexadecimal = event["metadata"]["name"].rpartition(".")
        assert name == "web"
        assert len(hexadecimal) == 16
        assert event["metadata"]["namespace"] == "a"
        assert event["involvedObject"] == ABOUT
        assert event["source"] == {"component": "kubelet", "host": "n1"}
        assert (event["type"], event["reason"], event["count"]) == ("Normal", "Started", 1)
        assert event["firstTimestamp"] == "2026-01-01T00:00:00Z"


@pytest.mark.anyio
async def test_the_same_said_again_is_counted() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        recorder = EventRecorder(Client(actor, world.apiservers), "kubelet", actor.clock)
        actor.spawn(recorder.run)
        for _ in range(3):
            recorder.record(ABOUT, "Warning", "BackOff", "Back-off restarting failed container")
            await anyio.sleep(10)
        recorder.record(ABOUT, "Warning", "BackOff", "another message")
        await anyio.sleep(1)
        first, second = events(world)
        assert (first["count"], first["lastTimestamp"]) == (3, "2026-01-01T00:00:20Z")
        assert second["count"] == 1


@pytest.mark.anyio
async def test_an_expired_event_is_told_anew() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        recorder = EventRecorder(Client(actor, world.apiservers), "kubelet", actor.clock)
        actor.spawn(recorder.run)
        recorder.record(ABOUT, "Normal", "Pulled", "x")
        await anyio.sleep(1)
        world.remove("events", "a", events(world)[0]["metadata"]["name"])
        recorder.record(ABOUT, "Normal", "Pulled", "x")
        await anyio.sleep(1)
        assert [each["count"] for each in events(world)] == [1]


@pytest.mark.anyio
async def test_an_object_that_floods_is_silenced_and_others_are_heard() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        recorder = EventRecorder(Client(actor, world.apiservers), "kubelet", actor.clock)
        actor.spawn(recorder.run)
        for number in range(100):
            recorder.record(ABOUT, "Warning", "Failed", f"try {number}")
        recorder.record({**ABOUT, "name": "other", "uid": "u2"}, "Normal", "Started", "x")
        await anyio.sleep(1)
        assert len(events(world)) == 26
        assert recorder.dropped == 75
        await anyio.sleep(301)
        recorder.record(ABOUT, "Warning", "Failed", "again")
        await anyio.sleep(1)
        assert len(events(world)) == 27


@pytest.mark.anyio
async def test_recording_never_waits_and_survives_an_absent_api() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        recorder = EventRecorder(Client(actor, world.apiservers), "kubelet", actor.clock)
        actor.spawn(recorder.run)
        for number in (1, 2, 3):
            world.kill(number)
        recorder.record(ABOUT, "Normal", "Started", "x")
        await anyio.sleep(5)
        for number in (1, 2, 3):
            world.revive(number)
        await anyio.sleep(20)
        assert len(events(world)) == 1
        for number in range(2000):
            recorder.record({**ABOUT, "uid": str(number)}, "Normal", "Started", "x")
        assert recorder.dropped == 1000


@pytest.mark.anyio
async def test_what_may_not_be_said_is_dropped() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        recorder = EventRecorder(Client(actor, world.apiservers), "kubelet", actor.clock)
        actor.spawn(recorder.run)
        world.store.refuse = errors.forbidden(None, "", "the namespace is being terminated")
        recorder.record(ABOUT, "Normal", "Started", "x")
        await anyio.sleep(1)
        world.store.refuse = None
        await anyio.sleep(60)
        assert events(world) == []
        assert recorder.dropped == 1

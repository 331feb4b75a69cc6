from typing import Any

import anyio
import pytest

from kube_actors.actor import Actor, Child, Clock
from kube_actors.client import Client, LeaderElector
from kube_actors.client.election import ElectionTimes
from kube_actors.client.election.lease_record import LeaseRecord, Observation, claimed, released
from tests.client.fake_apiserver import World, open_world


def test_an_unchanged_record_keeps_the_time_it_was_first_seen() -> None:
    record = LeaseRecord("a", 15, "t0", "t0", 0)
    seen = Observation().seen(record, 100.0)
    again = seen.seen(LeaseRecord("a", 15, "t0", "t0", 0), 110.0)
    assert again.held_by_other("b", 114.9)
    assert not again.held_by_other("b", 115.0)
    assert again.seen(LeaseRecord("a", 15, "t0", "t1", 0), 114.0).held_by_other("b", 128.0)
    assert not again.held_by_other("a", 101.0)


def test_a_claim_counts_transitions_and_a_release_leaves_no_holder() -> None:
    first = claimed(LeaseRecord(), "a", 15, "t0")
    assert first == LeaseRecord("a", 15, "t0", "t0", 0)
    kept = claimed(first, "a", 15, "t1")
    assert kept == LeaseRecord("a", 15, "t0", "t1", 0)
    taken = claimed(kept, "b", 15, "t2")
    assert taken == LeaseRecord("b", 15, "t2", "t2", 1)
    assert claimed(LeaseRecord(), "a", 0.3, "t").duration_s == 1
    free = released(taken, "t3")
    assert not Observation().seen(free, 0.0).held_by_other("a", 0.0)
    assert claimed(free, "a", 15, "t4").transitions == 2


@pytest.mark.parametrize("times", [(10, 10, 2), (15, 2, 2), (15, 10, 0)])
def test_times_that_would_allow_two_leaders_are_refused(times: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        ElectionTimes(*times)


class Candidates:
    """Who leads, and whether two ever did at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.leading: list[str] = []
        self.terms: list[str] = []
        self.electors: dict[str, LeaderElector] = {}
        self._changed = anyio.Event()

    async def change(self) -> None:
        """Wait until somebody begins or ceases to lead."""
        await self._changed.wait()

    def _note(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def start(self, name: str) -> None:
        async def run(actor: Actor) -> None:
            # Everybody's wall clock is wrong in its own way.
            skewed = Clock(1e9 + 1e6 * len(name + str(actor.random.random())))
            elector = LeaderElector(
                Client(actor, self.world.apiservers), "kube-system", "x", name, skewed
            )
            self.electors[name] = elector

            async def lead() -> None:
                assert self.leading == []
                self.leading.append(name)
                self.terms.append(name)
                self._note()
                try:
                    await anyio.sleep_forever()
                finally:
                    self.leading.remove(name)
                    self._note()

            await elector.run(lead)

        self.world.supervisor.start(Child(f"candidate/{name}", run))  # type: ignore[arg-type]

    def spec(self) -> dict[str, Any]:
        lease = self.world.live("leases", "kube-system", "x")
        assert lease is not None
        found: dict[str, Any] = lease["spec"]
        return found


@pytest.mark.anyio
async def test_one_of_three_leads_and_keeps_leading() -> None:
    async with open_world() as world:
        candidates = Candidates(world)
        for name in ("a", "b", "c"):
            candidates.start(name)
        await anyio.sleep(300)
        assert len(candidates.terms) == 1
        assert candidates.leading == candidates.terms
        assert candidates.spec()["holderIdentity"] == candidates.terms[0]
        assert candidates.spec()["leaseTransitions"] == 0
        assert candidates.electors[candidates.terms[0]].leading


@pytest.mark.anyio
async def test_a_killed_leader_is_followed_after_its_lease_ran_out() -> None:
    async with open_world() as world:
        candidates = Candidates(world)
        for name in ("a", "b", "c"):
            candidates.start(name)
        await anyio.sleep(30)
        first = candidates.terms[0]
        killed_s = anyio.current_time()
        world.supervisor.kill(f"candidate/{first}")
        await candidates.change()
        assert candidates.leading == []
        await candidates.change()
        assert 13 <= anyio.current_time() - killed_s <= 21
        assert candidates.spec()["leaseTransitions"] == 1
        world.supervisor.revive(f"candidate/{first}")
        await anyio.sleep(60)
        assert len(candidates.terms) == 2


@pytest.mark.anyio
async def test_a_leader_that_cannot_renew_steps_down_before_another_leads() -> None:
    async with open_world() as world:
        candidates = Candidates(world)
        for name in ("a", "b", "c"):
            candidates.start(name)
        await anyio.sleep(30)
        first = candidates.terms[0]
        network: Any = world.system.network
        for address in world.apiservers:
            network.partition((f"candidate/{first}",), (address,))
        cut_s = anyio.current_time()
        await candidates.change()
        assert candidates.leading == []
        assert 7.5 <= anyio.current_time() - cut_s <= 10.5
        await anyio.sleep(30)
        assert len(candidates.terms) == 2
        network.heal()
        await anyio.sleep(60)
        assert len(candidates.terms) == 2


@pytest.mark.anyio
async def test_a_leader_that_slept_through_its_term_does_not_come_back() -> None:
    async with open_world() as world:
        candidates = Candidates(world)
        for name in ("a", "b"):
            candidates.start(name)
        await anyio.sleep(30)
        first = candidates.terms[0]
        world.store.refuse = None
        lease = world.live("leases", "kube-system", "x")
        assert lease is not None
        stolen = {**lease["spec"], "holderIdentity": "somebody", "renewTime": "later"}
        world.change("leases", "kube-system", "x", spec=stolen)
        await anyio.sleep(5)
        assert candidates.leading == []
        assert candidates.terms == [first]
        await anyio.sleep(30)
        assert len(candidates.terms) == 2


@pytest.mark.anyio
async def test_a_clean_exit_hands_over_at_once() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        client = Client(actor, world.apiservers)
        done = anyio.Event()

        async def lead() -> None:
            await done.wait()

        elector = LeaderElector(client, "kube-system", "x", "me", actor.clock)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(elector.run, lead)
            await anyio.sleep(10)
            assert elector.leading
            done.set()
        lease = world.live("leases", "kube-system", "x")
        assert lease is not None
        assert lease["spec"]["holderIdentity"] == ""
        candidates = Candidates(world)
        candidates.start("a")
        await anyio.sleep(0.1)
        assert candidates.leading == ["a"]


@pytest.mark.anyio
async def test_a_cancelled_leader_releases_its_lease() -> None:
    async with open_world() as world, world.system.client("client/a") as actor:
        elector = LeaderElector(
            Client(actor, world.apiservers), "kube-system", "x", "me", actor.clock
        )
        with anyio.move_on_after(10):
            await elector.run(anyio.sleep_forever)
        lease = world.live("leases", "kube-system", "x")
        assert lease is not None
        assert lease["spec"]["holderIdentity"] == ""
        assert not elector.leading


@pytest.mark.anyio
async def test_a_standby_only_polls_the_lease() -> None:
    async with open_world() as world:
        candidates = Candidates(world)
        candidates.start("a")
        await anyio.sleep(10)
        candidates.start("b")
        world.store.requests.clear()
        await anyio.sleep(100)
        reads = [each for each in world.store.requests if each.method == "GET"]
        writes = [each for each in world.store.requests if each.method != "GET"]
        assert 20 <= len(reads) <= 60
        assert {each.path.rsplit("/", 1)[1] for each in reads} == {"x"}
        # The leader renews without looking first.
        assert len(writes) == 50

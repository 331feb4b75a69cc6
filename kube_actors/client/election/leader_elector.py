"""One of many leads, by a Lease; the others wait and hold nothing but a poll of it.

The leader works inside a cancel scope whose deadline is ``renew_deadline_s`` after the start of
its last successful renewal, and others wait ``lease_duration_s`` after they saw that renewal: it
has stopped before anyone else starts, whatever the clocks say, as long as they run at about the
same rate. On a clean exit the Lease is released, so that the next one leads at once.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from attrs import field, frozen

from kube_actors.actor import ActorError, Clock
from kube_actors.api import Object, StatusError
from kube_actors.client.client import Client
from kube_actors.client.election.lease_record import LeaseRecord, Observation, claimed, released

JITTER_FACTOR = 1.2
_RELEASE_MAX_S = 1.0


@frozen
class ElectionTimes:
    """Seconds, Kubernetes' own; a leader must give up well before the others may take over."""

    lease_duration_s: float = 15.0
    renew_deadline_s: float = 10.0
    retry_period_s: float = field(default=2.0)

    @retry_period_s.validator
    def _sensible(self, _attribute: Any, value: float) -> None:
        if value <= 0:
            raise ValueError("retry_period_s must be positive")
        if self.lease_duration_s <= self.renew_deadline_s:
            raise ValueError("lease_duration_s must be greater than renew_deadline_s")
        if self.renew_deadline_s <= JITTER_FACTOR * value:
            raise ValueError("renew_deadline_s must be greater than 1.2 × retry_period_s")


class LeaderElector:
    """Stand for election under ``identity``, which no other candidate may share."""

    def __init__(
        self,
        client: Client,
        lease_namespace: str,
        lease_name: str,
        identity: str,
        clock: Clock,
        *,
        times: ElectionTimes | None = None,
    ) -> None:
        self.identity = identity
        self._times = times or ElectionTimes()
        self._client = client.hurried(attempt_s=self._times.renew_deadline_s / 4)
        self._namespace = lease_namespace
        self._name = lease_name
        self._clock = clock
        self._lease: Object | None = None
        self._observed = Observation()
        self._leading = False

    @property
    def leading(self) -> bool:
        """Whether ``lead`` is running; false before the Lease is given back."""
        return self._leading

    @property
    def leader(self) -> str:
        """Who led when last looked; empty if nobody did."""
        return self._observed.record.holder

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lead, run ``lead`` while it lasts, and begin again when it is lost.

        Returns when ``lead`` returns. ``lead`` is cancelled when the lead is lost.
        """
        while True:
            started_s = await self._acquire()
            if await self._term(lead, started_s):
                return

    async def _acquire(self) -> float:
        while True:
            started_s = anyio.current_time()
            if await self._try():
                return started_s
            spread = 1 + JITTER_FACTOR * self._client.actor.random.random()
            await anyio.sleep(self._times.retry_period_s * spread)

    async def _term(self, lead: Callable[[], Awaitable[None]], started_s: float) -> bool:
        """Lead for one term; True if ``lead`` came to its own end."""
        finished = False
        self._leading = True
        try:
            deadline_s = started_s + self._times.renew_deadline_s
            with anyio.CancelScope(deadline=deadline_s) as term:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._renew, term)
                    await lead()
                    finished = True
                    tasks.cancel_scope.cancel()
        finally:
            self._leading = False
            with anyio.move_on_after(_RELEASE_MAX_S, shield=True):
                await self._release()
        return finished

    async def _renew(self, term: anyio.CancelScope) -> None:
        """Renew until the term ends; a term that somebody else has taken ends at once."""
        while True:
            await anyio.sleep(self._times.retry_period_s)
            started_s = anyio.current_time()
            if await self._try():
                term.deadline = started_s + self._times.renew_deadline_s
            elif self._observed.held_by_other(self.identity, self._clock.steady()):
                term.cancel()
                return

    async def _try(self) -> bool:
        """Take or keep the lead; False if somebody has it or the API did not answer."""
        try:
            if self._leading and self._lease is not None:
                # The Lease is almost surely as we left it: save the look.
                try:
                    return await self._write(self._lease)
                except StatusError as error:
                    if error.code != 409:
                        raise
            return await self._look_and_take()
        except (StatusError, ActorError):
            return False

    async def _look_and_take(self) -> bool:
        try:
            lease = await self._client.get("leases", self._name, self._namespace)
        except StatusError as error:
            if error.code != 404:
                raise
            return await self._create()
        self._observe(lease)
        if self._observed.held_by_other(self.identity, self._clock.steady()):
            return False
        return await self._write(lease)

    def _observe(self, lease: Object) -> None:
        self._lease = lease
        self._observed = self._observed.seen(LeaseRecord.of(lease), self._clock.steady())

    async def _create(self) -> bool:
        record = self._claim(LeaseRecord())
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": self._namespace, "name": self._name},
        }
        self._observe(await self._client.create(record.written_into(lease)))
        return True

    async def _write(self, lease: Object) -> bool:
        record = self._claim(LeaseRecord.of(lease))
        self._observe(await self._client.update(record.written_into(lease)))
        return True

    def _claim(self, before: LeaseRecord) -> LeaseRecord:
        times = self._times
        stamp = self._clock.micro_timestamp()
        return claimed(before, self.identity, times.lease_duration_s, stamp)

    async def _release(self) -> None:
        """Give the Lease back if it is ours; what keeps us from it is left to time."""
        try:
            lease = await self._client.get("leases", self._name, self._namespace)
            record = LeaseRecord.of(lease)
            if record.holder == self.identity:
                stamp = self._clock.micro_timestamp()
                self._observe(
                    await self._client.update(released(record, stamp).written_into(lease))
                )
        except (StatusError, ActorError):
            return

"""A member's time: a tick every ``tick_s``, in which each part does what is due, in one order.

Everything in a member is measured in these ticks, so a loop that was held up makes few of them and
no stall looks like a loss. A loop that was held up ticks once, not as often as it should have.
"""

from collections.abc import Callable, Sequence

from kube_actors.store.group import Peers, Replica
from kube_actors.store.member.writer import Writer

DISK_PATIENCE = 4
"""Election timeouts that one write may take before its member neither leads nor campaigns."""


class Ticker:
    """Ticks Raft, then ``parts`` in their order, then lets ``pump`` carry out what follows."""

    def __init__(
        self,
        replica: Replica,
        peers: Peers,
        writer: Writer,
        parts: Sequence[Callable[[], None]],
        pump: Callable[[], None],
    ) -> None:
        self._replica = replica
        self._peers = peers
        self._writer = writer
        self._parts = tuple(parts)
        self._pump = pump

    async def run(self) -> None:
        """Tick for as long as the member lives."""
        sleep, tick_s = self._replica.actor.sleep, self._replica.config.tick_s
        while True:
            await sleep(tick_s)
            self._tick()
            self._pump()

    def _tick(self) -> None:
        raft, config = self._replica.raft, self._replica.config
        self._peers.tick()
        if self._peers.voters > 1 and self._writer.held_up(DISK_PATIENCE * config.election_ticks):
            # It could lead for ever and decide nothing: it is as good as silent.
            raft.step_down()
        else:
            raft.tick()
        for part in self._parts:
            part()

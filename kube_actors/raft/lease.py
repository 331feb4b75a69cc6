"""Reads under the leader's lease (thesis 6.4.1), which trusts clocks within a stated bound.

A voter that hears from a leader promises by it to vote for nobody else for an election timeout. A
leader whose heartbeat was answered by a quorum therefore leads alone until that timeout, counted
from when the heartbeat was *sent*, has passed on the fastest clock of them. One tick is lost to
each side's granularity, ``lease_drift`` ticks to the clocks. Where anything is uncertain there is
no lease and reads go by heartbeat rounds: before a commit in the own term, without check_quorum,
without a quorum's recent answers, and for good once a transfer began, since its TimeoutNow makes
voters break the promise and may arrive whenever it likes.
"""

from collections import deque

from attrs import Factory, define

from kube_actors.raft.config import RaftConfig, ReadOnly


@define
class Lease:
    """``sent``: (round, tick) of heartbeat rounds that may still count. ``held``: by member, the
    tick at which the newest round that it answered was sent. ``broken``: not in this term again.

    ``promise_tick``: a voter's side, when a leader was last heard. It outlives changes of term,
    and a member that restarts promises anew: it may have promised just before.
    """

    promise_tick: int
    sent: deque[tuple[int, int]] = Factory(deque)
    held: dict[int, int] = Factory(dict)
    broken: bool = False

    def clear(self) -> None:
        """Drop what a leader held, at a change of role; what it promised as a voter stays."""
        self.sent.clear()
        self.held.clear()
        self.broken = False

    def round_began(self, number: int, tick: int, config: RaftConfig) -> None:
        """Remember when a round of heartbeats was sent."""
        while self.sent and tick - self.sent[0][1] > lease_ticks(config):
            self.sent.popleft()
        self.sent.append((number, tick))

    def answered(self, member: int, number: int) -> None:
        """Take note that ``member`` promised on the heartbeat of this round."""
        for sent, tick in self.sent:
            if sent == number:
                self.held[member] = max(tick, self.held.get(member, tick))

    def holders(self, tick: int, config: RaftConfig) -> list[int]:
        """List the members whose promise surely still binds them."""
        if self.broken or config.read_only is not ReadOnly.LEASE or not config.check_quorum:
            return []
        ticks = lease_ticks(config)
        return [member for member, sent in self.held.items() if tick - sent <= ticks]

    def promises(self, tick: int, config: RaftConfig) -> bool:
        """Say whether this member may not help to elect anyone yet."""
        return (
            config.read_only is ReadOnly.LEASE and tick - self.promise_tick < config.election_ticks
        )


def lease_ticks(config: RaftConfig) -> int:
    """Return for how many ticks after a heartbeat was sent its answer is a lease."""
    return config.election_ticks - 2 - config.lease_drift

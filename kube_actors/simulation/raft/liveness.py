"""The end of a run: faults have stopped, except a minority's, and everything must move again.

Within a number of election timeouts there must be a leader; a fresh write must be acknowledged, a
fresh linearizable read answered at every member of the core, all of them caught up, learners too,
and no joint configuration left. With pre-vote and check-quorum, terms must not run away meanwhile.
"""

from typing import TYPE_CHECKING, Final

from kube_actors.simulation.raft.judges import InvariantViolation
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.registers import READ, WRITE, Operation
from kube_actors.simulation.raft.weather import TICK_US

if TYPE_CHECKING:
    from kube_actors.simulation.raft.world import RaftWorld

LEADER_TIMEOUTS: Final = 20
EVERYTHING_TIMEOUTS: Final = 60
TERMS_MAX: Final = 10
LOOK_TICKS: Final = 3
PATIENCE_TICKS: Final = 40  # longer than a read takes over the slowest network


def run_liveness(world: "RaftWorld") -> None:
    """Run until everything moves. Raises InvariantViolation when it takes too long."""
    phase = Liveness(world)
    timeout_us = 2 * world.weather.election_ticks * TICK_US
    begin_us = world.events.now_us
    terms = max((m.state.term for m in world.members.values() if m.state), default=0)
    led = False
    while not phase.is_done():
        now_us = world.events.now_us
        led = led or world.administrator.leader() is not None
        if not led and now_us > begin_us + LEADER_TIMEOUTS * timeout_us:
            raise InvariantViolation("liveness", f"no leader in {LEADER_TIMEOUTS} timeouts")
        if now_us > begin_us + EVERYTHING_TIMEOUTS * timeout_us:
            raise InvariantViolation(
                "liveness", f"{phase.missing} after {EVERYTHING_TIMEOUTS} timeouts"
            )
        world.events.run_until(now_us + LOOK_TICKS * TICK_US)
    grown = max(m.state.term for m in world.members.values() if m.state) - terms
    if world.weather.quiet and grown > TERMS_MAX:
        raise InvariantViolation("bounded terms", f"{grown} terms after the faults stopped")
    check_same(world)


def check_same(world: "RaftWorld") -> None:
    """Require that everyone who applied everything holds what the model holds."""
    last = len(world.ledger.digests) - 1
    for member in world.members.values():
        if member.state is not None and member.state.log.applied == last:
            values = {key: value for key, value in member.registers.values.items() if value}
            if values != world.ledger.values:
                raise InvariantViolation(
                    "one state", f"{member.id} holds {values}, the model {world.ledger.values}"
                )


class Liveness:
    """``missing`` says what is still waited for."""

    def __init__(self, world: "RaftWorld") -> None:
        self.world = world
        self.missing = "no leader"
        self.write: Operation | None = None
        self.reads: dict[int, Operation] = {}

    def is_done(self) -> bool:
        """Look once; ask for the fresh write and reads when it is their time."""
        world = self.world
        world.administrator.tells_leave = True
        leader = world.administrator.leader()
        if leader is None:
            self.missing = "no leader"
            return False
        if not world.administrator.work():
            self.missing = f"changing members: {leader.state.config_state}"
            return False
        if not self._written(leader):
            self.missing = "the fresh write was not acknowledged"
            return False
        who = leader.state.config_state
        # Who cannot tell the leader anything follows its heartbeats and cannot catch up.
        cuts = world.network.cuts
        core = [
            world.members[m]
            for m in (*who.voters, *who.learners)
            if m not in world.budget.lost and (m, leader.id) not in cuts
        ]
        last = world.ledger.last_chosen
        for member in core:
            if member.state is None or member.state.log.applied < last:
                at = member.state.log.applied if member.state else "nothing"
                self.missing = f"member {member.id} has applied {at} of {last}"
                return False
        for member in core:
            if not self._has_read(member):
                self.missing = f"member {member.id} answered no fresh read"
                return False
        return True

    def _written(self, leader: SimulatedMember) -> bool:
        write = self.write
        if write is None or write.outcome in ("fail", "unknown"):
            self.write = self._ask(WRITE, leader)
            return False
        return write.outcome == "ok"

    def _has_read(self, member: SimulatedMember) -> bool:
        read = self.reads.get(member.id)
        if read is not None and read.outcome == "ok":
            return True
        waited_us = self.world.events.now_us - read.invoked_us if read is not None else 0
        if read is None or read.outcome or waited_us > PATIENCE_TICKS * TICK_US:
            self.reads[member.id] = self._ask(READ, member)
        return False

    def _ask(self, kind: str, member: SimulatedMember) -> Operation:
        clients = self.world.clients
        number = len(clients.history) + 1
        operation = Operation(number, -number, kind, 0, number, 0, 8)
        operation.tries = 8 if kind == READ else 0
        clients.ask(operation, member)
        return operation

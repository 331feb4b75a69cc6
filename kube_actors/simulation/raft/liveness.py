"""The end of a run: faults have stopped, except a minority's, and everything must move again.

Within a number of election timeouts there must be a leader; a fresh write must be acknowledged, a
fresh linearizable read answered at every member of the core, all of them caught up, learners too,
and no joint configuration left. With pre-vote and check-quorum, terms must not run away meanwhile.
"""

from typing import Final

from kube_actors.simulation.raft.group import SimulatedGroup
from kube_actors.simulation.raft.judges import InvariantViolation
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.registers import READ, WRITE, Operation
from kube_actors.simulation.raft.weather import TICK_US

LEADER_TIMEOUTS: Final = 20
EVERYTHING_TIMEOUTS: Final = 60
TERMS_MAX: Final = 10
LOOK_TICKS: Final = 3
PATIENCE_TICKS: Final = 40  # longer than a read takes over the slowest network


def run_liveness(group: SimulatedGroup) -> None:
    """Run until everything moves. Raises InvariantViolation when it takes too long."""
    phase = Liveness(group)
    timeout_us = 2 * group.weather.election_ticks * TICK_US
    begin_us = group.events.now_us
    terms = max((m.state.term for m in group.members.values() if m.state), default=0)
    led = False
    while not phase.is_done():
        now_us = group.events.now_us
        led = led or group.administrator.leader() is not None
        if not led and now_us > begin_us + LEADER_TIMEOUTS * timeout_us:
            raise InvariantViolation("liveness", f"no leader in {LEADER_TIMEOUTS} timeouts")
        if now_us > begin_us + EVERYTHING_TIMEOUTS * timeout_us:
            raise InvariantViolation(
                "liveness", f"{phase.missing} after {EVERYTHING_TIMEOUTS} timeouts"
            )
        group.events.run_until(now_us + LOOK_TICKS * TICK_US)
    grown = max(m.state.term for m in group.members.values() if m.state) - terms
    if group.weather.quiet and grown > TERMS_MAX:
        raise InvariantViolation("bounded terms", f"{grown} terms after the faults stopped")
    check_same(group)


def check_same(group: SimulatedGroup) -> None:
    """Require that everyone who applied everything holds what the model holds."""
    last = len(group.ledger.digests) - 1
    for member in group.members.values():
        if member.state is not None and member.state.log.applied == last:
            values = {key: value for key, value in member.registers.values.items() if value}
            if values != group.ledger.values:
                raise InvariantViolation(
                    "one state", f"{member.id} holds {values}, the model {group.ledger.values}"
                )


class Liveness:
    """``missing`` says what is still waited for."""

    def __init__(self, group: SimulatedGroup) -> None:
        self.group = group
        self.missing = "no leader"
        self.write: Operation | None = None
        self.reads: dict[int, Operation] = {}

    def is_done(self) -> bool:
        """Look once; ask for the fresh write and reads when it is their time."""
        group = self.group
        group.administrator.tells_leave = True
        leader = group.administrator.leader()
        if leader is None:
            self.missing = "no leader"
            return False
        if not group.administrator.work():
            self.missing = f"changing members: {leader.state.config_state}"
            return False
        if not self._written(leader):
            self.missing = "the fresh write was not acknowledged"
            return False
        who = leader.state.config_state
        # Who cannot tell the leader anything follows its heartbeats and cannot catch up.
        cuts = group.network.cuts
        core = [
            group.members[m]
            for m in (*who.voters, *who.learners)
            if m not in group.budget.lost and (m, leader.id) not in cuts
        ]
        last = group.ledger.last_chosen
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
        waited_us = self.group.events.now_us - read.invoked_us if read is not None else 0
        if read is None or read.outcome or waited_us > PATIENCE_TICKS * TICK_US:
            self.reads[member.id] = self._ask(READ, member)
        return False

    def _ask(self, kind: str, member: SimulatedMember) -> Operation:
        clients = self.group.clients
        number = len(clients.history) + 1
        operation = Operation(number, -number, kind, 0, number, 0, 8)
        operation.tries = 8 if kind == READ else 0
        clients.ask(operation, member)
        return operation

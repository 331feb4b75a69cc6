"""The administrator of a simulated group: asks for changes of membership, and replaces members.

A change is only asked for if the group could live on with it: its outcome must have a quorum
among the members whose disks are intact. Replacing is what an operator does about a lost disk:
remove the member for good, let a spare one learn, promote it.
"""

from collections.abc import Callable, Mapping

from kube_actors.raft import (
    LEAVE_JOINT,
    ChangeType,
    ConfigChange,
    ConfigState,
    InvalidChange,
    MemberChange,
    ProposalDropped,
    TransferRefused,
    Transition,
    changed,
)
from kube_actors.simulation.raft.budget import Budget
from kube_actors.simulation.raft.judges import agree
from kube_actors.simulation.raft.member import SimulatedMember


class Administrator:
    """``replacing``: lost members, each with the spare one that takes its place (0: none left)."""

    def __init__(
        self,
        members: Mapping[int, SimulatedMember],
        budget: Budget,
        start: Callable[[SimulatedMember], None],
        settle: Callable[[SimulatedMember], None],
    ) -> None:
        self.members = members
        self.budget = budget
        self.start = start
        self.settle = settle
        self.replacing: dict[int, int] = {}
        self.tells_leave = False

    def leader(self) -> SimulatedMember | None:
        """Find who leads the newest term, if it can be asked."""
        found: SimulatedMember | None = None
        for member in self.members.values():
            raft = member.raft
            leads = raft is not None and raft.is_leader and not member.paused
            if leads and (found is None or member.state.term > found.state.term):
                found = member
        return found

    def change(self, change: ConfigChange) -> bool:
        """Ask the leader for a change, if the budget allows it; say whether it was taken."""
        member = self.leader()
        if member is None or member.raft is None:
            return False
        try:
            if not self._may(changed(member.raft.config_state, change)):
                who = changed(member.raft.config_state, change).voters
                self.budget.withhold(f"voters do not become {who}: too few of them are intact")
                return False
            for item in change.changes:
                other = self.members[item.member]
                if item.type is not ChangeType.REMOVE and not other.started:
                    self.start(other)
            member.raft.propose_change(change)
        except (ProposalDropped, InvalidChange):
            return False
        self.settle(member)
        return True

    def _may(self, who: ConfigState) -> bool:
        lost = self.budget.lost
        rest = [m for m in self.members if m not in lost]
        return agree(who, rest)

    def ask(self, verb: str, targets: tuple[int, ...], amount: float) -> None:
        """Do what a membership fault says."""
        if any(target in self.budget.lost for target in targets) and verb != "remove":
            self.budget.withhold(
                f"no {verb} of {', '.join(map(str, targets))}: a disk among them is lost"
            )
            return
        if verb == "leave-joint":
            self.change(LEAVE_JOINT)
            return
        kinds = {"add": ChangeType.ADD_VOTER, "promote": ChangeType.ADD_VOTER}
        kinds |= {"remove": ChangeType.REMOVE}
        kind = kinds.get(verb, ChangeType.ADD_LEARNER)
        if verb != "joint":
            self.change(ConfigChange((MemberChange(kind, targets[0]),)))
            return
        leader = self.leader()
        if leader is None or leader.raft is None:
            return
        voters = leader.raft.config_state.voters
        changes = tuple(
            MemberChange(ChangeType.REMOVE if m in voters else ChangeType.ADD_VOTER, m)
            for m in targets
        )
        self.change(ConfigChange(changes, Transition(int(amount))))

    def transfer(self, target: int) -> None:
        """Ask the leader to hand over."""
        member = self.leader()
        if member is not None and member.raft is not None:
            try:
                member.raft.transfer_leadership(target)
            except TransferRefused:
                return
            self.settle(member)

    # -- replacing -----------------------------------------------------------------------

    def replace(self, lost: int) -> None:
        """Begin to replace a member that will never come back."""
        used = self.replacing.values()
        spare = [m.id for m in self.members.values() if not m.started and m.id not in used]
        self.replacing.setdefault(lost, spare[0] if spare else 0)

    def work(self) -> bool:
        """Take the next step of whatever is to be done; say whether everything is done."""
        leader = self.leader()
        if leader is None or leader.raft is None:
            return False
        who = leader.raft.config_state
        if who.voters_outgoing:
            if self.tells_leave and not who.auto_leave:
                self.change(LEAVE_JOINT)
            return False
        for lost, spare in self.replacing.items():
            if lost in (*who.voters, *who.learners):
                self._one(ChangeType.REMOVE, lost)
                return False
            if spare and spare not in self.budget.lost and spare not in who.voters:
                learns = spare in who.learners
                self._one(ChangeType.ADD_VOTER if learns else ChangeType.ADD_LEARNER, spare)
                return False
        return True

    def _one(self, kind: ChangeType, member: int) -> None:
        self.change(ConfigChange((MemberChange(kind, member),)))

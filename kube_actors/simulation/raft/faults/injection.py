"""Turns the faults of a schedule into what they do to members, links and disks.

Faults that would destroy the last good copy are withheld by the budget, at the moment when they
are due: only then is it known who holds what.
"""

from collections.abc import Callable

from kube_actors.raft import Raft
from kube_actors.simulation.raft.faults.verbs import (
    CLOCK,
    LEADERSHIP,
    MEMBERSHIP,
    NETWORK,
    OPERATIONS,
    RESIDUAL,
)
from kube_actors.simulation.raft.group import SimulatedGroup
from kube_actors.simulation.raft.member import SimulatedMember
from kube_actors.simulation.raft.network import Link
from kube_actors.simulation.schedule import Fault, FaultSchedule

AT_LEADER = ("isolate-leader", "mute-leader", "clog-leader")
FAILING = ("io-error", "no-space", "fsync-failure")


class Injector:
    """Begins and ends the faults of one run."""

    def __init__(self, group: SimulatedGroup, schedule: FaultSchedule) -> None:
        self.group = group
        self.schedule = schedule
        self.isolated: dict[Fault, list[Link]] = {}

    def plan(self) -> None:
        """Put every fault of the schedule on the heap."""
        group = self.group
        heal_us = int(group.weather.faults_s * 1e6)
        for fault in self.schedule.faults:
            if fault.verb == OPERATIONS or fault.verb in RESIDUAL:
                continue
            group.events.after(int(fault.at_s * 1e6), self._begin, fault)
            if fault.until_s is not None:
                group.events.after(min(int(fault.until_s * 1e6), heal_us), self._end, fault)

    def _begin(self, fault: Fault, _: None) -> None:
        if self.group.healed:
            return
        verb = fault.verb
        if verb in NETWORK:
            self._network(fault)
        elif verb in CLOCK:
            self._clock(fault)
        elif verb == "transfer":
            self.group.administrator.transfer(int(fault.targets[0]))
        elif verb == "lose-disk":
            self._lose_disk(int(fault.targets[0]))
        elif verb in MEMBERSHIP:
            targets = tuple(map(int, fault.targets))
            self.group.administrator.ask(verb, targets, fault.amount)
        else:
            self._member(fault)

    def _end(self, fault: Fault, _: None) -> None:
        group = self.group
        if group.healed:
            return
        verb, network = fault.verb, group.network
        if verb in ("isolate-leader", "mute-leader"):
            network.mend(self.isolated.pop(fault, []))
        elif verb == "clog-leader":
            for link in self.isolated.pop(fault, []):
                network.clogs.pop(link, None)
        elif verb in ("partition", "cut-inward", "cut-outward", "cut"):
            network.mend(self._links(fault))
        elif verb == "hold":
            network.release(link_of(fault))
        elif verb == "clog":
            network.clogs.pop(link_of(fault), None)
        elif verb == "lose":
            network.loss = group.weather.loss
        elif verb == "reorder":
            network.reorder_us = 0
        elif verb == "lose-snapshots":
            network.lose_snapshots = 0.0
        elif fault.targets:
            self._end_at_member(fault)
        network.settle()

    # -- network -------------------------------------------------------------------------

    def _network(self, fault: Fault) -> None:
        verb, network = fault.verb, self.group.network
        amount_us = int(fault.amount * 1e6)
        if verb in ("partition", "cut-inward", "cut-outward", "cut"):
            network.cut(self._links(fault))
        elif verb in AT_LEADER:
            self._at_leader(fault, amount_us)
        elif verb == "hold":
            network.hold(link_of(fault))
        elif verb == "clog":
            network.clogs[link_of(fault)] = amount_us
        elif verb == "lose":
            network.loss = fault.amount
        elif verb == "reorder":
            network.reorder_us = amount_us
        elif verb == "replay":
            network.replay(int(fault.targets[0]), int(fault.amount))
        elif verb == "full":
            self.group.members[int(fault.targets[0])].narrow = int(fault.amount)
        elif verb == "lose-snapshots":
            network.lose_snapshots = fault.amount
        network.settle()

    def _at_leader(self, fault: Fault, amount_us: int) -> None:
        leader = self.group.administrator.leader()
        if leader is None or fault in self.isolated:
            return
        one, others = leader.id, [m for m in self.group.members if m != leader.id]
        inward = [(other, one) for other in others]
        outward = [(one, other) for other in others]
        network = self.group.network
        if fault.verb == "clog-leader":
            self.isolated[fault] = inward
            network.clogs.update(dict.fromkeys(inward, amount_us))
            return
        links = outward if fault.verb == "mute-leader" else inward + outward
        self.isolated[fault] = links
        network.cut(links)

    def _links(self, fault: Fault) -> list[Link]:
        if fault.verb == "cut":
            return [link_of(fault)]
        side = [int(target) for target in fault.targets]
        others = [member for member in self.group.members if member not in side]
        inward = [(other, one) for other in others for one in side]
        outward = [(one, other) for other in others for one in side]
        if fault.verb == "cut-inward":
            return inward
        return outward if fault.verb == "cut-outward" else inward + outward

    # -- members -------------------------------------------------------------------------

    def _clock(self, fault: Fault) -> None:
        member = self.group.members[int(fault.targets[0])]
        if fault.verb == "drift":
            member.rate = max(fault.amount, 0.1)
        elif fault.verb == "clock-back":
            member.clock_stopped = True
        else:
            for _ in range(int(fault.amount)):
                if member.raft is not None and not member.paused:
                    member.raft.tick()
                    self.group.settle(member)

    def _member(self, fault: Fault) -> None:
        group = self.group
        member = group.members[int(fault.targets[0])]
        until_us = int((fault.until_s or group.weather.faults_s) * 1e6)
        disk = member.disk
        spend: Callable[[], bool] = lambda: group.budget.spend(member.id, "damaged")  # noqa: E731
        verb = fault.verb
        if verb == "crash" or (verb == "torn" and member.writing):
            group.crash(member, until_us, fault.amount, torn=verb == "torn")
        elif verb == "torn" and member.raft is not None:
            member.tears = True
            member.crash_in_write = fault.amount or 0.01
            member.down_until_us = until_us
        elif verb == "crash-writing" and member.raft is not None:
            member.crash_in_write = fault.amount or 0.01
            member.down_until_us = until_us
        elif verb == "pause" and member.raft is not None:
            member.paused = True
            group.note(member, "pause")
        elif verb in LEADERSHIP and member.raft is not None and not member.paused:
            self._stir(verb, member, member.raft)
            group.settle(member)
        elif verb == "rot" and disk.frames and spend():
            disk.rot(fault.amount)
        elif verb == "rot-on-write" and spend():
            disk.rot_next = True
        elif verb == "misdirected" and spend():
            disk.misdirect_next = max(fault.amount, 0.01)
        elif verb == "rot-on-read":
            disk.rot_on_read = True
        elif verb == "slow-disk":
            disk.slow_us = int(fault.amount * 1e6)
        elif verb in FAILING:
            disk.failing = verb
            member.down_until_us = max(member.down_until_us, until_us)

    def _stir(self, verb: str, member: SimulatedMember, raft: Raft) -> None:
        if verb == "campaign":
            raft.campaign()
        elif verb == "forget":
            raft.forget_leader()
        elif verb == "unreachable":
            leader = self.group.administrator.leader()
            if leader is not None and leader.raft is not None:
                leader.raft.report_unreachable(member.id)
                self.group.settle(leader)

    def _end_at_member(self, fault: Fault) -> None:
        member = self.group.members[int(fault.targets[0])]
        verb = fault.verb
        if verb == "pause":
            self.group.resume(member)
        elif verb == "slow-disk":
            member.disk.slow_us = 0
        elif verb in FAILING:
            member.disk.failing = ""
        elif verb in ("crash-writing", "torn"):
            member.crash_in_write = 0.0
            member.tears = False
        elif verb == "full":
            member.narrow = None
        elif verb == "drift":
            member.rate = 1.0
        elif verb == "clock-back":
            member.clock_stopped = False

    def _lose_disk(self, number: int) -> None:
        group = self.group
        member = group.members[number]
        if not member.started or member.gone or not group.budget.spend(number, "wiped"):
            return
        group.crash(member, 0, 0.0)
        member.disk.wipe()
        group.lose(member)

    # -- the end -------------------------------------------------------------------------

    def heal(self) -> None:
        """End every fault at once; then begin what stays broken for ever."""
        group, network = self.group, self.group.network
        for link in list(network.holds):
            network.release(link)
        network.cuts.clear()
        network.clogs.clear()
        network.loss = network.lose_snapshots = 0.0
        network.duplicate_from = 1.0
        network.reorder_us = 0
        network.delay_span_us = min(network.delay_span_us, 3_000)
        for member in group.members.values():
            member.disk.slow_us = 0
            member.disk.failing = ""
            member.disk.rot_on_read = False
            member.narrow = None
            member.clock_stopped = False
            member.crash_in_write = 0.0
            member.rate = 1.0
            if member.paused:
                group.resume(member)
        for fault in self.schedule.faults:
            if fault.verb in RESIDUAL:
                self._stay(fault)
        network.settle()

    def _stay(self, fault: Fault) -> None:
        group = self.group
        if fault.verb == "slow-network":
            group.network.delay_us = int(fault.amount * 5e5)
            group.network.delay_span_us = int(fault.amount * 5e5)
            group.final_disk_us = int(fault.amount * 1e6)
            return
        if fault.verb == "slow-link":
            group.network.clogs[link_of(fault)] = int(fault.amount * 1e6)
            return
        link = (0, 0)
        if fault.verb == "dead-leader":
            leader = group.administrator.leader()
            if leader is None:
                return
            member = leader
        else:
            link = link_of(fault) if fault.verb == "deaf" else (0, int(fault.targets[0]))
            member = group.members[link[1]]
        if not group.budget.spend(member.id, fault.verb):
            return
        if fault.verb == "deaf":
            group.network.cut([link])
        else:
            group.crash(member, 0, 0.0)
            member.gone = True


def link_of(fault: Fault) -> Link:
    """Read a target that is a link, such as ``1>2``."""
    source, _, target = fault.targets[0].partition(">")
    return int(source), int(target)

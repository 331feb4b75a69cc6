"""Carries a schedule of faults out on a running cluster, and undoes it.

Windows of one kind may overlap on one link: when one ends, those that go on are put in force
again. A fault on something that is down already does nothing, for nothing is there to break.
"""

from collections.abc import Iterable, Mapping

import anyio

from kube_actors.actor import Address
from kube_actors.cluster import Cluster, UnknownTarget
from kube_actors.controllers import ControllersConfig, controllers
from kube_actors.simulation.cluster.faults import damage as cluster_damage
from kube_actors.simulation.cluster.faults.clocks import MachineClocks
from kube_actors.simulation.cluster.faults.damage import Damage
from kube_actors.simulation.cluster.faults.disk import SimulatedDisk
from kube_actors.simulation.cluster.faults.weather import Shape
from kube_actors.simulation.cluster.network_log import LoggedNetwork, lane_of
from kube_actors.simulation.schedule import Fault, FaultSchedule

_CONFIG = ControllersConfig(master=1, apiservers=(Address("apiserver/1"),))
CONTROLLERS = tuple(controller.name for controller in controllers(_CONFIG))
_POWER = ("kill", "clock-ahead", "clock-behind")
_LINK_FAULTS = ("delay", "drop", "duplicate", "reorder", "corrupt")


class Chaos:
    """One schedule on one cluster; times count from ``run``."""

    def __init__(
        self,
        cluster: Cluster,
        network: LoggedNetwork,
        disks: Mapping[int, SimulatedDisk],
        clocks: MachineClocks,
        schedule: FaultSchedule,
        shape: Shape,
    ) -> None:
        self._cluster = cluster
        self._network = network
        self._disks = disks
        self._clocks = clocks
        self.damage = Damage(cluster, disks)
        self._schedule = schedule
        self._shape = shape
        self._active: list[Fault] = []
        self._moments: list[tuple[float, bool, Fault]] = []
        self._began_s = 0.0
        self._changed = anyio.Event()
        self.dead: tuple[str, ...] = ()
        self.withheld: list[str] = []

    async def run(self) -> None:
        """Begin and end every fault at its time; return after the last."""
        self._began_s = anyio.current_time()
        self._plan(self._schedule.faults)
        while self._moments:
            at_s, begins, fault = self._moments[0]
            changed = self._changed
            with anyio.CancelScope(deadline=self._began_s + at_s):
                await changed.wait()
            if changed.is_set():
                continue
            del self._moments[0]
            if begins:
                await self._begin(fault)
            else:
                await self._end(fault)

    def replace(self, schedule: FaultSchedule) -> None:
        """Forget the faults that have not begun; of ``schedule`` take those that are to come."""
        now_s = anyio.current_time() - self._began_s
        begun = [moment for moment in self._moments if not moment[1] and moment[2] in self._active]
        self._moments = begun
        self._plan(fault for fault in schedule.faults if fault.at_s > now_s)
        self._changed.set()
        self._changed = anyio.Event()

    def _plan(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self._moments.append((fault.at_s, True, fault))
            if fault.until_s is not None:
                self._moments.append((fault.until_s, False, fault))
        self._moments.sort(key=lambda moment: moment[0])

    async def calm(self) -> None:
        """End everything but death; what is damaged is rebuilt."""
        for fault in list(self._active):
            await self._end(fault)
        self._network.heal()

    # What is down, for those who judge.

    def is_reachable(self, master: int) -> bool:
        """Whether clients reach the master's apiserver, and it its own store member."""
        return self._is_up(f"master/{master}", f"apiserver/{master}", f"store/{master}")

    def _is_up(self, machine: str, *parts: str) -> bool:
        struck = (*_POWER, "pause", "isolate")
        return machine not in self.dead and not any(
            fault.verb in struck and fault.targets[0] in (machine, *parts) for fault in self._active
        )

    def is_untouched(self, master: int) -> bool:
        """Whether nothing in force concerns the master, so that it must serve as it should."""
        parts = dict.fromkeys((f"master/{master}", *self._group(f"master/{master}")))
        return (
            self.is_reachable(master)
            and master not in self.damage.hurt
            and not any(name in parts for fault in self._active for name in fault.targets)
        )

    def has_majority(self, master: int) -> bool:
        """Whether nothing in force keeps the master's store member from a majority."""
        masters = range(1, self._shape.masters + 1)
        down = [n for n in masters if n != master and not self._is_up(f"master/{n}", f"store/{n}")]
        return 2 * (self._shape.masters - len(down)) > self._shape.masters

    # One fault.

    async def _begin(self, fault: Fault) -> None:
        if not self._is_allowed(fault):
            self._withhold(fault)
            return
        self._say(fault, begins=True)
        target = fault.targets[0]
        if fault.verb in (*_POWER, "crash", "dead"):
            self._strike("crash" if fault.verb == "crash" else "kill", target)
        elif fault.verb == "pause":
            self._strike("pause", target)
        elif fault.verb in cluster_damage.VERBS:
            await self.damage.begin(fault.verb, _master(target))
            self._keep_down(target)
        elif fault.verb.startswith("disk-"):
            self._disk_begins(fault)
        elif fault.verb == "clock-drift":
            self._clocks.of(target).run_at(fault.amount)
        else:
            self._rule(fault, True)
        if fault.verb in ("clock-ahead", "clock-behind"):
            amount_s = fault.amount if fault.verb == "clock-ahead" else -fault.amount
            self._clocks.of(target).step(amount_s)
        if fault.verb == "dead":
            self.dead = (*self.dead, target)
        elif fault.until_s is not None:
            self._active.append(fault)

    def _is_allowed(self, fault: Fault) -> bool:
        target = fault.targets[0]
        if fault.verb in cluster_damage.VERBS:
            return self.damage.allows(self.dead)
        if fault.verb == "dead" and target.startswith("master/"):
            return self.damage.allows(self.dead)
        return True

    def _withhold(self, fault: Fault) -> None:
        network = self._network
        network.note(f"withheld {fault.to_json()}\n".encode())
        spent = [f"store/{number}" for number in self.damage.hurt]
        spent += [name for name in self.dead if name.startswith("master/")]
        text = f"{fault.verb} {fault.targets[0]}, for the group has spared {', '.join(spent)}"
        self.withheld.append(f"{fault.at_s:.3f} s: {text}")
        if network.recording is not None:
            now_s, lane = anyio.current_time(), lane_of(self._group(fault.targets[0])[0])
            network.recording.event(network.steps, now_s, lane, "note", f"withheld: {text}")

    async def _end(self, fault: Fault) -> None:
        if fault not in self._active:
            return
        self._active.remove(fault)
        self._say(fault, begins=False)
        target = fault.targets[0]
        if fault.verb in _POWER:
            if target not in self.dead and not self._is_off(target):
                self._strike("revive", target)
        elif fault.verb == "pause":
            if not self._still("pause", target):
                self._strike("resume", target)
        elif fault.verb in cluster_damage.VERBS:
            await self.damage.rebuild(_master(target))
            self._keep_down(target)
        elif fault.verb.startswith("disk-"):
            self._disk_ends(fault)
        elif fault.verb == "clock-drift":
            if not self._still("clock-drift", target):
                self._clocks.of(target).run_at(1.0)
        else:
            self._rule(fault, False)
            for other in self._active:
                if other.verb in _LINK_FAULTS or other.verb in ("partition", "isolate", "cut"):
                    self._rule(other, True)

    def _keep_down(self, disk: str) -> None:
        """Switch off again what a rebuilding or a loss switched on too early."""
        machine = f"master/{_master(disk)}"
        for target in (machine, disk):
            if target in self.dead or self._is_off(target):
                self._strike("kill", target)

    def _is_off(self, target: str) -> bool:
        return any(self._still(verb, target) for verb in _POWER)

    def _still(self, verb: str, target: str) -> bool:
        return any(fault.verb == verb and fault.targets[0] == target for fault in self._active)

    def _strike(self, verb: str, target: str) -> None:
        try:
            getattr(self._cluster.faults, verb)(target)
        except UnknownTarget:
            self._network.note(f"{verb} {target}: down already\n".encode())

    def _rule(self, fault: Fault, on: bool) -> None:
        network = self._network
        first = self._group(fault.targets[0])
        if fault.verb == "isolate":
            others = [
                address
                for machine in self._shape.machines
                for address in self._group(machine)
                if address not in first
            ]
            second = (*others, "client")
        else:
            second = self._group(fault.targets[1])
        if fault.verb in _LINK_FAULTS:
            for source, target in ((first, second), (second, first)):
                if not on:
                    network.set_fault(source, target)
                elif fault.verb == "delay":
                    network.set_fault(source, target, delay_s=(0.0, fault.amount))
                else:
                    network.set_fault(source, target, **{fault.verb: fault.amount})
        elif on:
            network.partition(first, second, both=fault.verb != "cut")
        else:
            network.repair(first, second, both=fault.verb != "cut")

    def _group(self, target: str) -> tuple[str, ...]:
        """Every address that a target stands for, also of actors that do not live now."""
        head, _, name = target.partition("/")
        if head == "node":
            return (f"kubelet/{name}", f"proxy/{name}")
        parts = tuple(f"controller/{controller}/{name}" for controller in CONTROLLERS)
        if head == "master":
            own = tuple(f"{p}/{name}" for p in ("store", "apiserver", "controllers", "scheduler"))
            return (*own, *parts)
        return (target, *parts) if head == "controllers" else (target,)

    def _disk_begins(self, fault: Fault) -> None:
        disk = self._disk(fault)
        if fault.verb == "disk-slow":
            disk.sync_s = fault.amount
        elif fault.verb == "disk-full":
            disk.full = True
        else:
            disk.fail_syncs()

    def _disk_ends(self, fault: Fault) -> None:
        disk, target = self._disk(fault), fault.targets[0]
        if self._still(fault.verb, target):
            return
        if fault.verb == "disk-slow":
            disk.sync_s = disk.usual_sync_s
        elif fault.verb == "disk-full":
            disk.full = False
        else:
            disk.repair()

    def _disk(self, fault: Fault) -> SimulatedDisk:
        return self._disks[_master(fault.targets[0])]

    def _say(self, fault: Fault, *, begins: bool) -> None:
        network = self._network
        network.note(f"{fault.to_json()} {begins}\n".encode())
        if network.recording is not None and begins:
            now_s = anyio.current_time()
            lanes = [lane_of(a) for target in fault.targets for a in self._group(target)]
            end_s = None if fault.until_s is None else now_s + fault.until_s - fault.at_s
            if fault.verb == "crash":
                end_s = now_s
            text = " ".join((*fault.targets, f"{fault.amount:g}" if fault.amount else ""))
            network.recording.window(
                tuple(dict.fromkeys(lanes)), now_s, end_s, fault.verb, text.strip()
            )


def _master(target: str) -> int:
    return int(target.partition("/")[2])

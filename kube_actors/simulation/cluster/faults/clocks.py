"""Clocks of machines: each may be off, and run fast or slow, as the weather says.

Timers sleep by the event loop, which is the truth here; what is written for others, and waits that
others rely on, go by the machine's own clock. As with the product's own ``Clock``, a running
process never sees its wall clock jump: an offset is taken over when the power comes back.
"""

from attrs import frozen

from kube_actors.actor import Clock

MASTER_PARTS = ("store", "apiserver", "controllers", "scheduler")
RESOLUTION_S = 2e-6
"""Of ``MicroTime``, and a little for rounding."""


@frozen
class _Stretch:
    """From ``true_s`` on: what the clock read then, and how fast it runs."""

    true_s: float
    wall_s: float
    steady_s: float
    rate: float


class MachineClock(Clock):
    """A machine's clock as it was set and as fast as it runs; right until somebody changes it."""

    __slots__ = ("_stretches", "_truth")

    def __init__(self, truth: Clock) -> None:
        super().__init__(0.0)
        self._truth = truth
        now_s = truth.now()
        self._stretches = [_Stretch(now_s, now_s, truth.steady(), 1.0)]

    def run_at(self, rate: float) -> None:
        """Go on from here at another speed, in seconds per true second."""
        self._turn(0.0, rate)

    def step(self, amount_s: float) -> None:
        """Be that much further ahead; ``steady`` does not jump."""
        self._turn(amount_s, self._stretches[-1].rate)

    def steady(self) -> float:
        """Seconds that this machine counted: at its own rate, and never a jump."""
        stretch = self._stretches[-1]
        return stretch.steady_s + (self._truth.now() - stretch.true_s) * stretch.rate

    def now(self) -> float:
        """The time of day on this machine, in seconds since the Unix epoch; ``step`` moves it."""
        stretch = self._stretches[-1]
        return stretch.wall_s + (self._truth.now() - stretch.true_s) * stretch.rate

    def true_s(self, read_s: float) -> float:
        """Say when this clock read that; of several times the latest that has been."""
        until_s = self._truth.now() + RESOLUTION_S
        for stretch in reversed(self._stretches):
            true_s = stretch.true_s + (read_s - stretch.wall_s) / stretch.rate
            if stretch.true_s - RESOLUTION_S <= true_s <= until_s:
                return true_s
            until_s = min(until_s, stretch.true_s + RESOLUTION_S)
        return read_s

    def _turn(self, amount_s: float, rate: float) -> None:
        here = _Stretch(self._truth.now(), self.now() + amount_s, self.steady(), rate)
        self._stretches.append(here)


class MachineClocks(Clock):
    """The true clock, and those of machines by name: ``master/1``, ``node/node-2``."""

    __slots__ = ("machines",)

    def __init__(self, epoch_s: float) -> None:
        super().__init__(epoch_s)
        self.machines: dict[str, MachineClock] = {}

    def of(self, machine: str) -> MachineClock:
        """Return a machine's clock, which is right as long as nobody touches it."""
        if machine not in self.machines:
            self.machines[machine] = MachineClock(self)
        return self.machines[machine]

    def true_s(self, holder: str, read_s: float) -> float:
        """Say when the machine of a lease's holder (``master-1``) read that time."""
        return self.of(holder.replace("-", "/", 1)).true_s(read_s)

    def at(self, address: str) -> Clock:
        """Give the clock that an actor reads: its machine's, or the true one if it has none."""
        machine = machine_of(address)
        return self.of(machine) if machine else self


def machine_of(address: str) -> str:
    """Name the machine that an actor runs on; empty for those of tests and observers."""
    head, _, name = address.partition("/")
    if head == "controller":
        return f"master/{name.rpartition('/')[2]}"
    if head in MASTER_PARTS:
        return f"master/{name}"
    return f"node/{name}" if head in ("kubelet", "proxy") else ""

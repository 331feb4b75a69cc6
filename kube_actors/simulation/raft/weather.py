"""What one simulated run of a Raft group is like: sizes, speeds and options, drawn from its seed.

What goes wrong is not here but in the run's ``FaultSchedule``; the weather is what stays the same
from the first event to the last, also while a failure is shrunk.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from attrs import evolve, field, frozen

from kube_actors.raft import ReadOnly

TICK_US = 10_000
FAULTS_S = 3.0


@frozen(kw_only=True)
class Weather:
    """Times are microseconds; ``loss`` and ``duplicate`` are probabilities per message.

    ``spare``: members with an empty disk that are not in the group at first. ``aligned``: whether
    all clocks tick at the same moments. ``ready_max``: how many writes a member has in flight.
    ``atomic_frames``: whether what one Ready writes reaches the disk as a whole, as in the store,
    or part by part. ``rebuild``: whether a member whose disk is lost is replaced by a spare one.
    ``chunk_bytes``: snapshots go in chunks of this size, 0: in one message.
    ``keeps_time``: whether a member that was paused lets the time pass that went by before it does
    anything else, as lease reads require. ``slow``: whose clock is as slow as ``drift`` allows,
    when all others are as fast. ``wander``: how often a client asks just anybody.
    ``patience_us``: how long a client waits for an answer; it asks again after a quarter of that.
    ``sessions``: whether the Raft module's sessions keep a request from having its effect twice.
    """

    members: int
    spare: int = 0
    loss: float = 0.0
    duplicate: float = 0.0
    delay_us: tuple[int, int] = (500, 3_000)
    disk_us: tuple[int, int] = (100, 1_000)
    drift: float = 0.0
    aligned: bool = False
    ready_max: int = 1
    atomic_frames: bool = True
    snapshot_every: int = 1_000_000
    chunk_bytes: int = 0
    inbox_max: int = 4096
    clients: int = 5
    operations: int = 200
    think_us: int = 20_000
    patience_us: int = 600_000
    keys: int = 4
    wander: float = 0.2
    sessions: bool = False
    read_share: float = 0.3
    cas_share: float = 0.2
    faults_s: float = FAULTS_S
    rebuild: bool = False
    keeps_time: bool = False
    slow: int = 0
    options: Mapping[str, Any] = field(factory=dict)

    @property
    def ids(self) -> tuple[int, ...]:
        """The members that found the group: 1 and on."""
        return tuple(range(1, self.members + 1))

    @property
    def every_id(self) -> tuple[int, ...]:
        """The founders, and the spare members behind them."""
        return tuple(range(1, self.members + self.spare + 1))

    @property
    def election_ticks(self) -> int:
        """The least ticks without a leader before an election; 10 unless ``options`` say else."""
        return int(self.options.get("election_ticks", 10))

    @property
    def quiet(self) -> bool:
        """Whether a member that is cut off cannot disturb the others for ever."""
        return bool(self.options.get("pre_vote", True) and self.options.get("check_quorum", True))


def draw_options(random: Random, *, quiet: bool = False) -> dict[str, Any]:
    """Draw the options of Raft; ``quiet`` keeps pre-vote and check-quorum on."""
    options: dict[str, Any] = {
        "pre_vote": quiet or random.random() < 0.7,
        "check_quorum": quiet or random.random() < 0.7,
        "heartbeat_ticks": random.choice((1, 2, 3)),
    }
    if random.random() < 0.5:
        options["message_bytes_max"] = random.choice((1, 60, 200))
        options["inflight_messages_max"] = random.choice((1, 2, 8))
        options["committed_bytes_max"] = random.choice((1, 100))
        options["uncommitted_bytes_max"] = random.choice((200, 2000))
    if random.random() < 0.2:
        options["forward_proposals"] = False
    return options


def draw(random: Random, members: int) -> Weather:
    """Draw a run of any kind: each trouble is absent in many runs, so that others go far."""
    clients, operations = random.choice((2, 5, 10)), random.choice((50, 150, 250))
    # Requests last for a third of the time of faults, or for most of it.
    think_us = int(random.choice((0.6, 1.6)) * FAULTS_S * 1e6 * clients / operations)
    return Weather(
        members=members,
        loss=random.choice((0.0, 0.0, 0.02, 0.1)),
        duplicate=random.choice((0.0, 0.05)),
        delay_us=(200, random.choice((500, 5_000, 30_000))),
        disk_us=(50, random.choice((200, 5_000, 30_000))),
        drift=random.choice((0.0, 0.05, 0.3)),
        aligned=random.random() < 0.35,
        ready_max=random.choice((1, 2, 8)),
        atomic_frames=random.random() < 0.5,
        snapshot_every=random.choice((5, 30, 1_000_000)),
        inbox_max=random.choice((4096, 4096, 32)),
        clients=clients,
        operations=operations,
        think_us=think_us,
        keys=random.choice((1, 3, 10)),
        read_share=random.choice((0.1, 0.4)),
        cas_share=random.choice((0.0, 0.3)),
        options=draw_options(random),
        chunk_bytes=random.choice((0, 16, 100)),
        sessions=random.random() < 0.3,
    )


def draw_membership(random: Random) -> Weather:
    """Draw a run in which members come and go."""
    weather = draw(random, random.choice((1, 2, 3, 3, 4, 5)))
    # Removed members that nobody told would disturb the others for ever without these.
    options = draw_options(random, quiet=True)
    return evolve(weather, spare=3, rebuild=True, options=options)


def draw_reads(random: Random) -> Weather:
    """Draw a run that mostly reads: in most of them by leases, with clocks within their bound."""
    options = draw_options(random)
    weather = evolve(
        draw(random, random.choice((3, 3, 5))),
        read_share=random.choice((0.4, 0.7)),
        # So many that some are asked in any few milliseconds until the faults stop.
        think_us=50_000,
        patience_us=120_000,
        clients=10,
        operations=random.choice((400, 600)),
        faults_s=2.0,
        wander=0.5,
        delay_us=(200, random.choice((500, 2_000, 10_000))),
        disk_us=(50, random.choice((200, 1_000, 5_000))),
    )
    if random.random() < 0.25:
        return evolve(weather, options=options)
    # Within an election timeout of so many ticks, drift makes two clocks differ by less than this.
    ticks, drift, lease_drift = random.choice(
        ((10, 0.04, 1), (10, 0.1, 3), (20, 0.2, 6), (20, 0.2, 6))
    )
    options |= {"check_quorum": True, "read_only": ReadOnly.LEASE, "lease_drift": lease_drift}
    options["election_ticks"] = ticks
    weather = evolve(weather, drift=drift, aligned=False, keeps_time=True, options=options)
    return evolve(weather, slow=random.choice((0, *weather.ids)))


def draw_crossing(random: Random) -> Weather:
    """Draw an even group on a network so slow that much happens before a message arrives."""
    return Weather(
        members=4,
        delay_us=(10_000, random.choice((20_000, 30_000))),
        disk_us=(50, 500),
        operations=10,
        think_us=100_000,
        options={"pre_vote": random.random() < 0.7},
    )


def draw_bench(random: Random) -> Weather:
    """The benchmark's run: five members, 2 % loss and duplication, 300 operations."""
    return Weather(
        members=5,
        loss=0.02,
        duplicate=0.02,
        delay_us=(500, 5_000),
        disk_us=(1_000, 8_000),
        clients=30,
        operations=300,
        think_us=10_000,
        keys=5,
        faults_s=1.2,
        options={"heartbeat_ticks": 3},
    )

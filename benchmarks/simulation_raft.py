"""Seeds per second of the simulated Raft group, in one process, with every property checked.

The scenario ``raft-bench``: 5 members, 3 partitions, 2 % loss and 2 % duplication, 300 requests of
30 clients, torn disks in half of the seeds, then a fault-free phase until everything has caught up.
Seconds are of processor time of this process, so that other load on the machine counts less; the
time on the clock is shown too. simloop's Raft, the other one in Python, needs Python 3.12 or newer:
it does not install beside us on 3.11, so no figure of it stands here.
"""

import argparse
import gc
import statistics
import sys
import time

from report import Row, publish

from kube_actors.simulation import find_scenario

GOAL = "≥ 50"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--scenario", default="raft-bench")
    parser.add_argument("--smoke", action="store_true", help="a few seeds, no meaning")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    scenario = find_scenario(options.scenario)
    seeds = 3 if options.smoke else options.seeds
    scenario.run(0)
    gc.collect()
    gc.freeze()
    gc.disable()
    spent, steps, simulated_s, found = [], 0, 0.0, 0
    begun_s = time.perf_counter()
    for seed in range(seeds):
        before_s = time.process_time()
        run = scenario.run(seed)
        if seed % 20 == 19:
            gc.collect()
        spent.append(time.process_time() - before_s)
        steps += run.steps
        simulated_s += run.simulated_s
        found += len(run.findings)
    passed_s = time.perf_counter() - begun_s
    cpu_s = sum(spent)
    publish(
        "simulation_raft",
        f"{seeds} seeds of {options.scenario}, one process, all properties at every step",
        [
            Row("seeds per processor second", seeds / cpu_s, "seeds/s", GOAL),
            Row("seeds per second on the clock", seeds / passed_s, "seeds/s"),
            Row("median seed", statistics.median(spent) * 1e3, "ms"),
            Row("steps per seed", steps / seeds, "steps"),
            Row("processor time per step", cpu_s / steps * 1e6, "µs"),
            Row("simulated per processor second", simulated_s / cpu_s, "s/s"),
            Row("seeds with findings", found, "seeds", "≤ 0"),
        ],
        as_json=options.json,
    )
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

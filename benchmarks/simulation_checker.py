"""Seconds to judge histories: many small ones of one register, and one large one over many keys.

The register's: 100 histories, 5 clients, 150 to 250 operations each, 3 % of them timed out, every
other one with a falsified answer. The large ones: 50 clients, 10,000 operations on 100 keys, right
and falsified, and on 10 keys, where many meet. "With the reason" also finds the smallest bad part
of each wrong one.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from random import Random

from report import Row, publish

from kube_actors.simulation.linearizability import (
    CasRegister,
    Event,
    KeyValue,
    Model,
    Verdict,
    check,
    falsified,
    right_history,
)


def registers(count: int) -> list[list[Event]]:
    model = CasRegister()
    histories = []
    for seed in range(count):
        random = Random(seed)
        history = right_history(
            model, random, clients=5, operations=random.randint(150, 250), unknown=0.03
        )
        histories.append(falsified(model, random, history) if seed % 2 else history)
    return histories


def timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def judge(histories: Sequence[list[Event]], model: Model, *, explain: bool) -> list[Verdict]:
    verdicts = [check(history, model, explain=explain).verdict for history in histories]
    assert Verdict.UNDECIDED not in verdicts
    return verdicts


def measure(*, smoke: bool) -> Sequence[Row]:
    count, clients, operations, keys = (5, 5, 200, 5) if smoke else (100, 50, 10_000, 100)
    small = registers(count)
    cas, key_value = CasRegister(), KeyValue()
    right = right_history(
        key_value, Random(1), clients=clients, operations=operations, keys=keys, unknown=0.01
    )
    wrong = falsified(key_value, Random(2), right)
    crowded = right_history(
        key_value, Random(3), clients=clients, operations=operations, keys=keys // 10 or 1
    )
    large = f"{clients} clients, {operations} operations on {keys} keys"
    wrongs = judge(small, cas, explain=False).count(Verdict.NOT)
    return [
        Row(
            f"{count} register histories, {wrongs} of them wrong",
            timed(lambda: judge(small, cas, explain=False)),
            "s",
            "" if smoke else "≤ 2",
        ),
        Row("the same, with the reason", timed(lambda: judge(small, cas, explain=True)), "s"),
        Row(
            f"{large}, right",
            timed(lambda: judge([right], key_value, explain=False)),
            "s",
            "" if smoke else "≤ 20",
        ),
        Row(
            f"the same on {keys // 10 or 1} keys",
            timed(lambda: judge([crowded], key_value, explain=False)),
            "s",
        ),
        Row(
            "on many keys, falsified, with the reason",
            timed(lambda: judge([wrong], key_value, explain=True)),
            "s",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a size that only shows it works")
    parser.add_argument("--json", action="store_true", help="one line for comparison over time")
    options = parser.parse_args()
    workload = "linearizability of histories drawn from seeds"
    publish("simulation_checker", workload, measure(smoke=options.smoke), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())

"""A schedule is data: it survives a file, and what is impossible is refused where it stands."""

import pytest

from kube_actors.simulation import (
    Fault,
    FaultSchedule,
    ScheduleError,
    UnknownScenario,
    find_scenario,
    register,
)
from kube_actors.simulation.raft.faults import RULES


def test_a_schedule_survives_its_file() -> None:
    schedule = FaultSchedule.of(
        [
            Fault(2.5, "crash", ("1",), 3.0, 0.5),
            Fault(0.0, "operations", amount=20.0),
            Fault(1.0, "partition", ("1", "2"), 1.5),
        ]
    )
    assert [fault.at_s for fault in schedule.faults] == [0.0, 1.0, 2.5]
    assert FaultSchedule.from_json_lines("# mine\n\n" + schedule.to_json_lines()) == schedule


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("crash 1", "not JSON"),
        ("[]", "expected an object, got []"),
        ("[" * 100_000, "not JSON"),
        ('{"at_s": 1}', "verb: it is missing"),
        ('{"at_s": true, "verb": "crash"}', "at_s: expected a number, got"),
        ('{"at_s": NaN, "verb": "crash"}', "not JSON: NaN is no number"),
        ('{"at_s": 1, "verb": "crash", "targets": ["1", 2]}', "targets[1]: expected a text, got 2"),
        ('{"at_s": 1, "verb": ""}', "verb: expected a word, got none"),
        ('{"at_s": -1, "verb": "crash"}', "at_s must not be negative"),
        ('{"at_s": 2, "until_s": 1, "verb": "crash"}', "until_s (1) is before at_s (2)"),
        ('{"at_s": 1, "verb": "crash", "targets": "1"}', 'targets: expected a list, got "1"'),
        (
            '{"at_s": 1, "verb": "crash", "target": ["1"]}',
            'unknown field "target", known are at_s, verb',
        ),
        ('{"at_s": 1e999, "verb": "crash"}', "at_s: expected a number, got"),
        (
            '{"at_s": 1, "verb": "crash", "at_s": 2}',
            'not JSON: the name "at_s" stands twice in one object',
        ),
        ('{"at_s": 1' + "0" * 400 + ', "verb": "crash"}', "at_s: expected a number, got"),
    ],
)
def test_a_line_that_is_no_fault_is_refused_with_its_number(line: str, says: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        FaultSchedule.from_json_lines('{"at_s": 0, "verb": "lose"}\n' + line)
    assert refused.value.line == 2
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(1, "explode", ("1",)), "no such verb"),
        (Fault(1, "crash", ("9",)), "there is no '9'"),
        (Fault(1, "crash", ("1>2",)), "its targets are members, not links: '1>2' is none"),
        (Fault(1, "cut", ("1",)), "its targets are links, such as 1>2: '1' is none"),
        (Fault(1, "crash", ("1", "2")), "it takes 1 to 1 targets, not 2"),
        (Fault(9, "crash", ("1",)), "the faults end at 5"),
        (Fault(1, "campaign", ("1",), 2), "takes no until_s"),
        (Fault(1, "lose", (), 2, 7.0), "the amount must be from 0 to 1"),
    ],
)
def test_an_impossible_fault_is_refused_with_its_number(fault: Fault, says: str) -> None:
    schedule = FaultSchedule((Fault(0, "lose", (), 1, 0.5), fault))
    with pytest.raises(ScheduleError) as refused:
        schedule.check(RULES, ["1", "2", "1>2"], end_s=5)
    assert refused.value.line == 2
    assert says in str(refused.value)


def test_every_drawn_schedule_is_possible_and_gives_the_same_run_from_its_file() -> None:
    for name in ("raft-3", "raft-5", "raft-storage", "raft-membership", "raft-bench"):
        drawn = find_scenario(name).run(3)
        read = FaultSchedule.from_json_lines(drawn.schedule.to_json_lines())
        assert find_scenario(name).run(3, schedule=read) == drawn


def test_an_unknown_scenario_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(UnknownScenario, match=r"no scenario 'raft-7'; there are .*raft-5"):
        find_scenario("raft-7")


def test_a_name_is_taken_once() -> None:
    class Other:
        name = "raft-5"
        summary = "another"
        run = find_scenario("raft-5").run

    with pytest.raises(ValueError, match="there is a scenario raft-5 already"):
        register(Other())

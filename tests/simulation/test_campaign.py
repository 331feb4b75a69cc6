"""Campaigns in real processes: nothing that a seed does loses what the others found."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kube_actors.cli.command import main
from kube_actors.simulation import Campaign, parse_seeds, run_campaign

BROKEN = "tests.simulation.broken_scenarios"
ROOT = Path(__file__).parents[2]


def campaign(*scenarios: str, seeds: str = "0..9", **options: object) -> Campaign:
    chosen = parse_seeds(seeds)
    return run_campaign(
        scenarios,
        chosen,
        clock=time.monotonic,
        modules=(BROKEN,),
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.real_time
def test_a_seed_that_raises_dies_or_hangs_is_a_finding_and_the_others_run() -> None:
    done = campaign("broken", jobs=2, limit_s=6.0, shrink_s=0)
    assert done.seeds == 10
    assert [(run.seed, run.findings[0].property, run.findings[0].text) for run in done.found] == [
        (3, "crash", "RuntimeError: this seed is not liked"),
        (5, "crash", "the process that ran it died with code 9"),
        (7, "crash", "it did not end within 6 seconds"),
    ]


@pytest.mark.real_time
def test_the_number_of_workers_changes_nothing() -> None:
    alone, pair = (
        campaign("careless", "raft-3", seeds="0..3", jobs=jobs, shrink_s=0) for jobs in (1, 2)
    )
    assert alone.found
    assert (alone.found, alone.digest, alone.steps) == (pair.found, pair.digest, pair.steps)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x", "neither a seed nor a range"),
        ("9..3", "runs backwards"),
        ("-4", "not negative"),
        ("0..1" + "0" * 30, "at most 1,000,000,000,000 at once"),
    ],
)
def test_a_bad_range_of_seeds_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_seeds(text)
    assert list(parse_seeds("3..5")) == [3, 4, 5]
    assert list(parse_seeds("7")) == [7]


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["sim", *arguments])


@pytest.mark.real_time
def test_a_campaign_prints_findings_the_shortest_schedule_and_the_command(tmp_path: Path) -> None:
    done = command(
        "run",
        "--seeds=0..2",
        "--scenario=careless",
        f"--import={BROKEN}",
        "--shrink-time=2",
        f"--report={tmp_path}",
    )
    assert done.exit_code == 1, done.stderr
    assert "persist before send" in done.stdout
    assert "faults, " in done.stdout
    assert f"kube-actors sim replay 1 --scenario careless --import {BROKEN}" in done.stdout
    names = sorted(path.name for path in tmp_path.iterdir())
    assert "campaign.html" in names
    squares = (tmp_path / "campaign.html").read_text().count('"seed":')
    assert squares == 3, "those that held as well, or one of a thousand looks like all"
    assert {"careless-1.html", "careless-1.schedule", "careless-1.trace.json"} <= {*names}
    again = command(
        "replay",
        "1",
        "--scenario=careless",
        f"--import={BROKEN}",
        f"--schedule={tmp_path / 'careless-1.schedule'}",
    )
    assert again.exit_code == 1
    assert "persist before send" in again.stdout


@pytest.mark.real_time
def test_ctrl_c_prints_what_was_found_so_far() -> None:
    options = ["--scenario=broken", f"--import={BROKEN}", "--limit=50"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kube_actors", "sim", "run", "--seeds=4..99999", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    found = process.stdout.readline()  # seed 7 hangs, so the campaign cannot have ended
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "seed 5: crash" in found
    assert "stopped: what was found so far" in err
    assert f"kube-actors sim replay 5 --scenario broken --import {BROKEN}" in out
    assert " of 99996 seeds, 1 with findings" in out


def test_the_list_of_verbs_says_what_a_schedule_may_say() -> None:
    said = command("list", "--verbs").stdout
    assert "raft-crossing" in said
    assert "partition        targets hear nobody else and are heard by nobody else " in said
    assert "(targets: 1 to 8, until_s if it ends)" in said
    assert "(targets: 1, until_s if it ends, amount: 0 to 1)" in said


def test_a_replay_says_which_faults_were_withheld(tmp_path: Path) -> None:
    lines = [
        f'{{"at_s": 1.{member}, "verb": "rot", "targets": ["{member}"], "amount": 0.5}}\n'
        for member in (1, 2, 3, 4)
    ]
    schedule = tmp_path / "rot"
    schedule.write_text("".join(lines))
    done = command("replay", "3", "--scenario=raft-storage", f"--schedule={schedule}")
    assert done.exit_code == 0
    assert "withheld at 1.300 s: member 3 is not damaged: without it something" in done.stdout
    assert "withheld at 1.400 s: member 4 is not damaged" in done.stdout
    assert "member 2" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--scenario=nowhere"], "there is no scenario 'nowhere'"),
        (["run", "--seeds=5..1"], "--seeds: '5..1' runs backwards"),
        (["replay", "1", "--scenario=nowhere"], "there is no scenario 'nowhere'"),
        (["shrink", "1"], "breaks no promise: nothing to shrink"),
        (["replay", "1", "--schedule=SCHEDULE"], 'line 2: unknown field "when"'),
        (["replay", "1", "--schedule=IMPOSSIBLE"], "IMPOSSIBLE, line 3: crash: there is no '77'"),
        (["replay", "1", "--report=SCHEDULE/x.html"], "SCHEDULE/x.html cannot be written: "),
        (["replay", "1", "--trace=SCHEDULE/x.json"], "SCHEDULE/x.json cannot be written: "),
        (["run", "--seeds=0", "--report=SCHEDULE/x"], "SCHEDULE/x/campaign.html cannot be written"),
        (["shrink", "5", "--out=SCHEDULE/x"], "SCHEDULE/x cannot be written"),
        (["list", "--import=tests.no_such_module"], "No module named 'tests.no_such_module'"),
        (["list", "--import=tests.simulation.unimportable"], "unimportable.py, line 3)"),
    ],
)
def test_a_wrong_question_is_refused_in_one_line(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    (tmp_path / "SCHEDULE").write_text('{"at_s": 0, "verb": "lose"}\n{"when": 1}\n')
    (tmp_path / "IMPOSSIBLE").write_text(
        '# mine\n{"at_s": 2, "verb": "lose", "until_s": 3}\n'
        '{"at_s": 0, "verb": "crash", "targets": ["77"]}\n'
    )
    for name in ("SCHEDULE", "IMPOSSIBLE"):
        arguments = [part.replace(name, str(tmp_path / name)) for part in arguments]
    done = command(*arguments)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


@pytest.mark.parametrize("verb", ["replay", "shrink"])
def test_a_seed_that_raises_is_a_finding_when_it_is_run_again(verb: str) -> None:
    done = command(verb, "3", "--scenario=broken", f"--import={BROKEN}")
    assert done.exit_code == 1
    assert "crash: RuntimeError: this seed is not liked" in done.stdout


@pytest.mark.real_time
def test_a_scenario_named_twice_is_run_once() -> None:
    done = command("run", "--seeds=0", "--scenario=raft-3", "--scenario=raft-3")
    assert "1 of 1 seeds" in done.stdout

"""What the commands of ``sim`` ask alike: options, files and modules, each refused in one line.

Exit codes: 0 nothing found, 1 something found, 2 a wrong question, 130 stopped by Ctrl-C. The
simulator is loaded by the first command that uses it, not by ``--help``.
"""

import sys
import traceback
from importlib import import_module
from pathlib import Path

import click

from kube_actors import simulation

FOUND_EXIT = 1
INTERRUPTED_EXIT = 130

SEED = click.IntRange(0)
SEED.name = "seed"
scenario_option = click.option(
    "--scenario", default="raft-5", show_default=True, help="Which one; see `sim list`."
)
import_option = click.option(
    "--import", "modules", multiple=True, metavar="MODULE", help="Where scenarios of yours are."
)


def import_modules(modules: tuple[str, ...]) -> None:
    """Import modules that register scenarios, also from the working directory.

    Raises UsageError, on one line, for whatever importing one raises.
    """
    sys.path.insert(0, "")
    for module in modules:
        try:
            import_module(module)
        except Exception as error:
            text = str(error) if isinstance(error, ImportError) else _describe(error)
            raise click.UsageError(f"--import {module}: {text}") from None


def _describe(error: Exception) -> str:
    """Say what was raised, and where, in one line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({last.filename}, line {last.lineno})"


def check_writable(path: Path) -> None:
    """Make the directory of a file that will be written. Raises UsageError if it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        with path.open("a"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None


def find_scenario(name: str) -> "simulation.Scenario":
    """Find a scenario by its name. Raises UsageError naming those that there are."""
    try:
        return simulation.find_scenario(name)
    except simulation.UnknownScenario as error:
        raise click.UsageError(str(error)) from None


def read_schedule(path: Path | None) -> "simulation.FaultSchedule | None":
    """Read a file of faults, one a line; None without a file. Raises UsageError naming the line."""
    if path is None:
        return None
    try:
        return simulation.FaultSchedule.from_json_lines(path.read_text(encoding="utf-8"))
    except simulation.ScheduleError as error:
        raise click.UsageError(f"{path}, {error}") from None
    except UnicodeDecodeError as error:
        text = f"not text in UTF-8: {error.reason} at byte {error.start}"
        raise click.UsageError(f"{path}: {text}") from None

"""The rules of the house that no linter knows: sizes, names, and where time and chance come in."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = sorted((ROOT / "kube_actors").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OTHERS = [*sorted((ROOT / "benchmarks").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.py"))]

LINES_MAX = 400
FUNCTION_LINES_MAX = 69
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "manager",
    "misc",
    "core",
}

AMBIENT = {
    "time.time",
    "time.time_ns",
    "time.sleep",
    "time.monotonic",
    "time.perf_counter",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "uuid.uuid1",
    "uuid.uuid4",
    "uuid4",
    "os.urandom",
    "os.getrandom",
    "random.SystemRandom",
}
"""Names that read the machine's clock or chance; ``secrets`` and ``random.<function>`` as well."""

ALLOWED = {
    "kube_actors/actor/loop/clock.py": {"time.time"},
    "kube_actors/simulation/virtual_time.py": {"time.sleep"},
    # Takes them away from everybody while a run lasts.
    "kube_actors/simulation/determinism.py": {
        "os.urandom",
        "random.getstate",
        "random.seed",
        "random.setstate",
    },
    # The wiring injects the machine's time and a fresh seed when its caller gives none.
    "kube_actors/cluster/cluster.py": {"time.time", "os.urandom"},
    "kube_actors/cluster/processes/master.py": {"os.urandom"},
    "kube_actors/cluster/processes/node.py": {"os.urandom"},
    # Certificates are made for this machine's time, of its own chance.
    "kube_actors/cli/pki.py": {"time.time", "os.urandom"},
    # Tells a person how long each step of the demo took.
    "kube_actors/cli/demo_steps.py": {"time.perf_counter"},
    # Gives the search for a verdict the time that its caller allows it.
    "kube_actors/cli/sim/check.py": {"time.monotonic"},
    # Tells how fast a campaign runs, and when a worker hangs or has shrunk a schedule long enough.
    "kube_actors/cli/sim/progress.py": {"time.monotonic"},
    "kube_actors/cli/sim/run.py": {"time.monotonic"},
    "kube_actors/cli/sim/shrink.py": {"time.monotonic"},
    "kube_actors/simulation/campaign.py": {"time.monotonic"},
    # Runs as a process of its own, inside a pod.
    "kube_actors/node/images/web.py": {"time.monotonic"},
}
"""The only places where they may enter; everybody else gets them as arguments."""


SLEEPS = {
    f"{library}.{name}"
    for library, names in {
        "time": ("sleep",),
        "asyncio": ("sleep",),
        "anyio": ("sleep", "sleep_until"),
        "trio": ("sleep", "sleep_until"),
    }.items()
    for name in names
}
"""Names that let time pass; on virtual time that is exact and costs nothing."""

SLEEPING = {
    # Whether it is the machine's clock that goes on is what one of its tests asks.
    "tests/simulation/test_virtual_time.py": {"anyio.sleep"},
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted(node: ast.expr) -> str:
    """Write an attribute chain of names as text; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def ambient_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Find every use of the machine's clock and chance, imported by name or by module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "uuid", "os", "random"):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in AMBIENT or (node.module == "random" and alias.name != "Random"):
                    yield node.lineno, name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if "secrets" in names or getattr(node, "module", None) == "secrets":
                yield node.lineno, "secrets"
        elif isinstance(node, ast.Attribute):
            name = dotted(node)
            if name in AMBIENT or (name.startswith("random.") and name != "random.Random"):
                yield node.lineno, name


Function = ast.FunctionDef | ast.AsyncFunctionDef


def real_sleeps(tree: ast.Module) -> list[tuple[int, str]]:
    """Find where code that runs on the machine's clock sleeps: called, or handed to a task.

    ``time.sleep`` is always the machine's. The others are where the module or the test is marked
    real_time, and in every function of the module that such a test names.
    """
    renamed = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found = set()
    for scope in (tree, *_on_the_machines_clock(tree)):
        for node in ast.walk(scope):
            name = dotted(node) if isinstance(node, ast.Name | ast.Attribute) else ""
            name = renamed.get(name, name)
            if name in SLEEPS and (scope is not tree or name == "time.sleep"):
                found.add((node.lineno, name))
    return sorted(found)


def _on_the_machines_clock(tree: ast.Module) -> list[Function | ast.stmt]:
    for node in tree.body:
        targets = [dotted(each) for each in getattr(node, "targets", ())]
        if isinstance(node, ast.Assign) and targets == ["pytestmark"] and _is_marked(node.value):
            return list(tree.body)
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    reached = [each for each in functions if any(_is_marked(mark) for mark in each.decorator_list)]
    for function in reached:
        named = {
            each.id if isinstance(each, ast.Name) else each.attr
            for each in ast.walk(function)
            if isinstance(each, ast.Name | ast.Attribute)
        }
        reached += [each for each in functions if each.name in named and each not in reached]
    return list(reached)


def _is_marked(mark: ast.expr) -> bool:
    return any(
        isinstance(each, ast.Attribute) and each.attr == "real_time" for each in ast.walk(mark)
    )


def imports_random(tree: ast.Module) -> bool:
    return any(
        alias.name == "random"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    )


def test_no_file_is_longer_than_the_ceiling() -> None:
    lengths = {
        relative(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in (*LIBRARY, *TESTS, *OTHERS)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LINES_MAX} == {}


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{relative(path)}:{node.lineno} {node.name} {node.end_lineno - node.lineno + 1} lines"
        for path in (*LIBRARY, *TESTS, *OTHERS)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_modules_are_named_after_what_they_hold() -> None:
    named = [relative(path) for path in LIBRARY if FORBIDDEN_NAMES & {path.stem, path.parent.name}]
    assert named == []


def test_every_module_says_why_it_exists() -> None:
    silent = [
        relative(path)
        for path in LIBRARY
        if parsed(path).body and not ast.get_docstring(parsed(path))
    ]
    assert silent == []


def test_time_and_chance_enter_only_where_they_are_injected() -> None:
    found = []
    for path in LIBRARY:
        tree = parsed(path)
        chance = imports_random(tree)
        for line, name in ambient_uses(tree):
            if name.startswith("random.") and not chance:
                continue
            if name not in ALLOWED.get(relative(path), set()):
                found.append(f"{relative(path)}:{line} {name}")
    assert found == []


def test_the_list_of_exceptions_names_only_what_is_used() -> None:
    unused = {
        f"{path} {name}"
        for path, names in ALLOWED.items()
        if (ROOT / path).exists()
        for name in names - {used for _, used in ambient_uses(parsed(ROOT / path))}
    }
    assert unused == set()


def imported(tree: ast.Module) -> set[str]:
    """Return the packages from which a module imports, the first part of each name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(
    ("package", "places"),
    [("msgpack", {"kube_actors/actor/talk"}), ("cattrs", {"kube_actors/boundary"})],
)
def test_only_the_wire_knows_msgpack_and_only_the_boundary_cattrs(
    package: str, places: set[str]
) -> None:
    knowing = [path for path in LIBRARY if package in imported(parsed(path))]
    assert {relative(path.parent) for path in knowing} == places


def test_the_search_for_imported_packages_finds_parts_of_them() -> None:
    tree = ast.parse("import cattrs.gen\ndef f():\n    from msgpack.x import y")
    assert imported(tree) == {"cattrs", "msgpack"}


def test_no_test_sleeps_on_the_machines_clock() -> None:
    sleeping = [
        f"{relative(path)}:{line} {name}"
        for path in TESTS
        for line, name in real_sleeps(parsed(path))
        if name not in SLEEPING.get(relative(path), set())
    ]
    assert sleeping == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import time\nnow = time.time()", ["time.time"]),
        ("from time import time", ["time.time"]),
        ("import random\nrandom.choice([1])", ["random.choice"]),
        ("import random\nrng = random.Random(1)\nrng.random()", []),
        ("from random import Random, choice", ["random.choice"]),
        ("import secrets", ["secrets"]),
        ("from uuid import uuid4", ["uuid.uuid4"]),
        ("from datetime import datetime\ndatetime.now()", ["datetime.now"]),
        ("import os\nos.urandom(8)", ["os.urandom"]),
        ("class Clock:\n    def now(self): return self.time.time()", []),
    ],
)
def test_the_search_for_ambient_time_and_chance_finds_it(source: str, found: list[str]) -> None:
    assert [name for _, name in ambient_uses(ast.parse(source))] == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import time\ndef test(): time.sleep(1)", ["time.sleep"]),
        ("from time import sleep\ndef test(): sleep(1)", ["time.sleep"]),
        ("async def test(): await anyio.sleep(1)", []),
        ("{mark}\nasync def test(): await anyio.sleep(1)", ["anyio.sleep"]),
        ("{mark}\nasync def test(): await trio.sleep_until(1)", ["trio.sleep_until"]),
        ("{mark}\nasync def test(): await asyncio.sleep(1)", ["asyncio.sleep"]),
        ("{mark}\nasync def test(): tasks.start_soon(anyio.sleep, 1)", ["anyio.sleep"]),
        ("from anyio import sleep as nap\n{mark}\nasync def test(): await nap(1)", ["anyio.sleep"]),
        ("{mark}\nasync def test(): await anyio.sleep_forever()", []),
        ("{mark}\nasync def test(): pass\nasync def other(): await anyio.sleep(1)", []),
        (
            "async def poll(): await anyio.sleep(1)\nasync def lead(): await self.poll()\n"
            "{mark}\nasync def test(): await lead()",
            ["anyio.sleep"],
        ),
        (
            "pytestmark = [pytest.mark.anyio, pytest.mark.real_time]\n"
            "class Bench:\n    async def wait(self): await anyio.sleep(1)",
            ["anyio.sleep"],
        ),
        ("pytestmark = pytest.mark.anyio\nasync def test(): await anyio.sleep(1)", []),
    ],
)
def test_the_search_for_sleeping_tests_finds_them(source: str, found: list[str]) -> None:
    tree = ast.parse(source.replace("{mark}", "@pytest.mark.real_time"))
    assert [name for _, name in real_sleeps(tree)] == found


def test_only_what_sleeps_may() -> None:
    assert {
        f"{path} {name}"
        for path, names in SLEEPING.items()
        for name in names - {used for _, used in real_sleeps(parsed(ROOT / path))}
    } == set()

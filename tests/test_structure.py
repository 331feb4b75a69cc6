"""The structure of the house, read from the syntax trees: doors, circles, folders, docstrings.

Every import statement counts, also one for annotations only and one inside a function. What these
rules ask is said in CONTRIBUTING; the layers are import-linter's (``make layers``).
"""

import ast
import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES_MAX = 16
FLAT = {"kube_actors/raft"}
"""Each file is a noun of the paper there."""
ROOMS = sorted(
    each.name for each in (ROOT / "kube_actors").iterdir() if (each / "__init__.py").exists()
)

Modules = Mapping[str, ast.Module]
"""Syntax trees by the modules' dotted names; a package is named without ``__init__``."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def house() -> Modules:
    return {
        module_name(path): ast.parse(path.read_text(encoding="utf-8"), str(path))
        for path in sorted((ROOT / "kube_actors").rglob("*.py"))
    }


@functools.cache
def knots() -> list[list[str]]:
    return circles(house())


@functools.cache
def trespasses() -> list[str]:
    return past_the_door(house())


def packages(modules: Modules) -> set[str]:
    return {name.rpartition(".")[0] for name in modules} - {""}


def bound(tree: ast.Module, modules: Iterable[str]) -> set[str]:
    """Find the names that a package's ``__init__`` gives, other than its own modules."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names |= {
                alias.asname or alias.name
                for alias in node.names
                if f"{node.module}.{alias.name}" not in modules
            }
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return names


def imports(
    name: str, modules: Modules, doors: Mapping[str, set[str]]
) -> Iterator[tuple[str, str]]:
    """Yield what a module imports of ours: the module, and the name taken from it ("": itself)."""
    for node in ast.walk(modules[name]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in modules:
                    yield alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            given = doors.get(node.module, set())
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in modules and alias.name not in given:
                    yield inner, ""
                else:
                    yield node.module, alias.name


def imported(modules: Modules) -> dict[str, list[tuple[str, str]]]:
    """Give what every module imports of ours; what a package binds itself is its door's."""
    doors = {name: bound(modules[name], modules) for name in packages(modules) & set(modules)}
    return {name: sorted(set(imports(name, modules, doors))) for name in modules}


def circles(modules: Modules) -> list[list[str]]:
    """Find the knots of modules that import each other, each sorted: Tarjan's algorithm."""
    graph = {
        name: sorted({to for to, _ in found} - {name}) for name, found in imported(modules).items()
    }
    numbers: dict[str, int] = {}
    lows: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        numbers[name] = lows[name] = len(numbers)
        path.append(name)
        for to in graph[name]:
            if to not in numbers:
                visit(to)
                lows[name] = min(lows[name], lows[to])
            elif to in path:
                lows[name] = min(lows[name], numbers[to])
        if lows[name] == numbers[name]:
            knot = [path.pop()]
            while knot[-1] != name:
                knot.append(path.pop())
            if len(knot) > 1:
                found.append(sorted(knot))

    for name in graph:
        if name not in numbers:
            visit(name)
    return sorted(found)


def past_the_door(modules: Modules) -> list[str]:
    """Find imports of a package's file by who is not inside the package."""
    inner = packages(modules)
    found = set()
    for name, taken_from in imported(modules).items():
        for to, taken in taken_from:
            package = to.rpartition(".")[0]
            if to in inner or name == package or name.startswith(f"{package}."):
                continue
            offered = package in modules and to.rpartition(".")[2] in _offered(modules[package])
            if not (offered and not taken):
                found.add(f"{name} -> {to}")
    return sorted(found)


def _offered(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and dotted_targets(node) == ["__all__"]:
            return list(ast.literal_eval(node.value))
    return []


def dotted_targets(node: ast.Assign) -> list[str]:
    return [each.id for each in node.targets if isinstance(each, ast.Name)]


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Yield public classes, functions and methods without a docstring, as ``line name``."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_"):
            continue
        if not ast.get_docstring(node):
            yield f"{node.lineno} {node.name}"
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                silent = not inner.name.startswith("_") and not ast.get_docstring(inner)
                if silent and not _says_it_elsewhere(inner):
                    yield f"{inner.lineno} {node.name}.{inner.name}"


def _says_it_elsewhere(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Overloads, setters and what is marked as keeping a promise made elsewhere."""
    names = {
        each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")
        for each in node.decorator_list
    }
    return bool(names & {"overload", "setter", "override"})


@pytest.mark.parametrize("room", ROOMS)
def test_no_file_imports_another_in_a_circle(room: str) -> None:
    inside = f"kube_actors.{room}"
    assert [knot for knot in knots() if any(each.startswith(inside) for each in knot)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_packages_files_are_reached_through_its_door(room: str) -> None:
    inside = f"kube_actors.{room}."
    assert [each for each in trespasses() if each.split(" -> ")[1].startswith(inside)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_folder_is_no_hall(room: str) -> None:
    crowded = {}
    root = ROOT / "kube_actors" / room
    for folder in (root, *(each for each in root.rglob("*") if each.is_dir())):
        files = len(list(folder.glob("*.py")))
        if files > FILES_MAX and folder.relative_to(ROOT).as_posix() not in FLAT:
            crowded[folder.name] = files
    assert crowded == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_prefix_shared_by_three_files_is_a_folder(room: str) -> None:
    shared: Counter[str] = Counter()
    for path in (ROOT / "kube_actors" / room).rglob("*.py"):
        first, _, rest = path.stem.partition("_")
        if first and rest:
            shared[f"{path.parent.relative_to(ROOT).as_posix()}/{first}_…"] += 1
    assert {prefix: count for prefix, count in shared.items() if count > 2} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_package_says_what_it_promises(room: str) -> None:
    short = []
    for name in packages(house()):
        if f"{name}.".startswith(f"kube_actors.{room}."):
            said = (ast.get_docstring(house()[name]) or "").replace("\n", " ")
            if said.count(". ") + said.count(": ") + said.endswith(".") < 2:
                short.append(name)
    assert sorted(short) == []


@pytest.mark.parametrize("room", ROOMS)
def test_what_is_public_has_a_docstring(room: str) -> None:
    silent = [
        f"{name.removeprefix('kube_actors.')}:{each}"
        for name, tree in house().items()
        if f"{name}.".startswith(f"kube_actors.{room}.")
        for each in undocumented(tree)
    ]
    assert silent == []


def trees(**sources: str) -> Modules:
    return {name.replace("__", "."): ast.parse(source) for name, source in sources.items()}


@pytest.mark.parametrize(
    "back",
    [
        "from a.one import One",
        "def late():\n    from a.one import One",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a.one import One",
        "from a import one",
        "import a.one",
        "from a import One",
    ],
)
def test_a_circle_is_found_however_it_is_closed(back: str) -> None:
    planted = trees(
        a="from a.one import One\n__all__ = ['One']", a__one="from a.two import Two", a__two=back
    )
    assert any({"a.one", "a.two"} <= set(knot) for knot in circles(planted))
    straight = trees(a="from a.one import One", a__one="from a.two import Two", a__two="import os")
    assert circles(straight) == []


def test_who_goes_past_a_door_is_found() -> None:
    planted = trees(
        a="from a.inner import One",
        a__inner="from a.inner import two\nfrom a.inner.one import One\n__all__ = ['One', 'two']",
        a__inner__one="",
        a__inner__two="from a.inner.one import One",
        b="from a.inner import One, two\nfrom a.inner.one import One as Another",
    )
    assert past_the_door(planted) == ["b -> a.inner.one"]


def test_who_says_nothing_is_found() -> None:
    source = '''
class Silent:
    def spoken(self):
        """Say."""
    def unspoken(self): ...
    def _private(self): ...
def _hidden(): ...
async def walk(): ...
'''
    assert list(undocumented(ast.parse(source))) == ["2 Silent", "5 Silent.unspoken", "8 walk"]

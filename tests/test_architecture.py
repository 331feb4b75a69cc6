"""ARCHITECTURE.md and CONTRIBUTING.md are true: what they name exists, every folder is named."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
WHERE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LIBRARY = ROOT / "kube_actors"


def named(ending: str, text: str = TEXT) -> list[str]:
    """Find the relative paths in backquotes with that ending."""
    return [each for each in re.findall(r"`(\w[\w./]*)`", text) if each.endswith(ending)]


def test_every_file_that_is_named_exists() -> None:
    absent = [
        path
        for path in (*named(".py"), *named(".md"), *named(".py", WHERE))
        if not (ROOT / path).is_file() and not (LIBRARY / path).is_file()
    ]
    assert absent == []
    folders = named("/", WHERE)
    assert [p for p in folders if not ((LIBRARY / p).is_dir() or (ROOT / p).is_dir())] == []


def test_every_folder_has_its_line() -> None:
    lines = dict.fromkeys(named("/"))
    folders = {
        f"{path.parent.name}/"
        for path in LIBRARY.rglob("__init__.py")
        if path.parent != LIBRARY and path.parent.parent != LIBRARY
    }
    assert sorted(folders - set(lines)) == []
    known = {f"{path.parent.name}/" for path in LIBRARY.rglob("__init__.py")} | {"benchmarks/"}
    assert [each for each in lines if each.split("/")[-2] + "/" not in known] == []


def test_every_invariant_names_who_keeps_it_and_who_shows_it() -> None:
    section = TEXT.split("## Invariants")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    silent = [row for row in rows if not named(".py", row.split("|")[-2])]
    assert silent == []


def test_paths_are_found_in_a_text() -> None:
    text = "See `store/disk/log.py`, `store/` and code such as `a.b`."
    assert named(".py", text) == ["store/disk/log.py"]
    assert named("/", text) == ["store/"]

"""Stories of groups, told in the language of story.py and compared with what is really seen.

After a deliberate change, ``RAFT_STORIES=rewrite`` writes what is seen; read the difference.
"""

import os
import re
from pathlib import Path

import pytest

from tests.raft.story import Story

SCRIPTS = Path(__file__).parent / "scripts"
STORIES = sorted(SCRIPTS.rglob("*.txt"))


@pytest.mark.parametrize(
    "path", STORIES, ids=lambda path: path.relative_to(SCRIPTS).with_suffix("").as_posix()
)
def test_the_story_goes_as_told(path: Path) -> None:
    told = path.read_text()
    seen = Story().play(told)
    if os.environ.get("RAFT_STORIES") == "rewrite":
        path.write_text(seen)
    assert seen == path.read_text()


def test_every_situation_of_the_table_has_its_story() -> None:
    rows = re.findall(
        r"^\| (\S+) \| (\S+\.txt) \|", (SCRIPTS / "README.md").read_text(), re.MULTILINE
    )
    assert len(rows) == len({situation for situation, _ in rows}) == 42
    assert [story for _, story in rows if not (SCRIPTS / story).is_file()] == []


def test_every_block_of_every_story_expects_something_or_says_so() -> None:
    silent = [
        path.name for path in STORIES if not re.search(r"^----\n\S", path.read_text(), re.MULTILINE)
    ]
    assert silent == []


def test_a_story_that_is_told_wrong_is_noticed() -> None:
    told = (SCRIPTS / "election.txt").read_text()
    assert Story().play(told) == told
    for right, wrong in (("leader of 1", "leader of 2"), ("granted=True", "granted=False")):
        changed = told.replace(right, wrong, 1)
        assert Story().play(changed) != changed


def test_a_command_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="'campain'"):
        Story().play("group 3\ncampain 1\n----\n")

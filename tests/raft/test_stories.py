"""Stories of groups, told in the language of story.py and compared with what is really seen.

After a deliberate change, ``RAFT_STORIES=rewrite`` writes what is seen; read the difference.
"""

import os
from pathlib import Path

import pytest

from tests.raft.story import Story

STORIES = sorted((Path(__file__).parent / "scripts").glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_goes_as_told(path: Path) -> None:
    told = path.read_text()
    seen = Story().play(told)
    if os.environ.get("RAFT_STORIES") == "rewrite":
        path.write_text(seen)
    assert seen == path.read_text()

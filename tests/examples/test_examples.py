"""Every example is run as its reader would run it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
SAYS = {
    "embed.py": ["hello-", "node-", "127."],
    "asgi_mount.py": ["my application", "403", '"kind":"Namespace"'],
}
"""The programs, and what each must say; they take the event loop's name."""


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("name", sorted(SAYS))
def test_a_program_says_what_it_promises(name: str, backend: str) -> None:
    said = run("-W", "error", str(EXAMPLES / name), backend)
    assert [text for text in SAYS[name] if text not in said] == []


def test_the_chaos_test_passes_on_both_loops() -> None:
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "chaos_test.py"))
    assert "2 passed" in said


def test_the_operators_that_a_world_tests_are_told_apart() -> None:
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "operator_test.py"))
    assert "2 passed" in said


def test_no_example_is_forgotten() -> None:
    told = {*SAYS, "chaos_test.py", "operator_test.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == told

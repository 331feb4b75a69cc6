"""Raft is usable alone: importing it loads nothing else of ours and no event loop."""

import subprocess
import sys

PROBE = """
import sys
before = set(sys.modules)
import kube_actors.raft
print(*sorted(set(sys.modules) - before))
"""


def loaded() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_importing_raft_loads_nothing_else_of_ours_and_no_event_loop() -> None:
    modules = loaded()
    ours = {name for name in modules if name.startswith("kube_actors")}
    assert {name for name in ours if not name.startswith("kube_actors.raft")} == {"kube_actors"}
    assert "kube_actors.raft.sessions" in ours
    roots = {name.partition(".")[0] for name in modules}
    assert roots & {"asyncio", "anyio", "trio", "msgpack", "selectors", "socket", "ssl"} == set()


def test_what_is_not_of_the_standard_library_is_attrs_alone() -> None:
    roots = {name.partition(".")[0] for name in loaded()}
    foreign = {name for name in roots if name not in sys.stdlib_module_names}
    assert foreign <= {"kube_actors", "attr", "attrs", "__mp_main__"}

"""A damaged master in a process of its own is rebuilt from the others with one command."""

import subprocess
from pathlib import Path

import pytest

from tests.processes.masters import CONFIGMAPS, PROGRAM, Masters, configmap

pytestmark = pytest.mark.real_time


def test_a_damaged_master_is_rebuilt_with_one_command(tmp_path: Path) -> None:
    with Masters(tmp_path) as masters:
        leader = masters.leader()
        api = masters.api(leader)
        assert api.insist("POST", CONFIGMAPS, configmap("kept", value="x")).status == 201
        victim = next(name for name in masters.names if name != leader)
        masters.processes[victim].kill()
        masters.processes[victim].wait()
        (lock,) = tmp_path.glob(f"**/{victim}/**/store/lock")
        store = lock.parent
        (log,) = store.glob("*.seg")
        content = bytearray(log.read_bytes())
        content[600:640] = bytes(byte ^ 0xFF for byte in content[600:640])
        log.write_bytes(content)

        done = subprocess.run(
            [PROGRAM, "store", "rebuild", str(store)], capture_output=True, text=True, check=True
        )
        assert "was put aside" in done.stdout
        process = masters.start(victim)
        process.wait_line("is rebuilt as member 4")
        process.wait_line("export KUBECONFIG")
        own = masters.api(victim)
        assert own.read(f"{CONFIGMAPS}/kept").status == 200
        members = own.ask("POST", "/debug/kube-actors/store/members", {}).body["members"]
        place = list(masters.names).index(victim) + 1
        assert (members[-1]["id"], members[-1]["address"]) == (4, f"store/{place}")
        assert len(members) == 3
        refused = own.ask("POST", "/debug/kube-actors/store/rebuild", {"master": place})
        assert refused.status == 400
        own.close()
        api.close()

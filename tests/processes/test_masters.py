"""Three masters in three processes: killed, stopped and started again under writes."""

import signal
from collections.abc import Iterator

import pytest

from tests.processes.masters import CONFIGMAPS, Masters, Process, configmap
from tests.processes.writing import Writing, stored

pytestmark = pytest.mark.real_time


@pytest.fixture(scope="module")
def masters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Masters]:
    with Masters(tmp_path_factory.mktemp("masters"), also=("n1",)) as running:
        yield running


def check_all_stored(masters: Masters, writing: Writing, prefix: str) -> None:
    """Every acknowledged write is read from every master."""
    assert writing.acknowledged
    for name in masters.names:
        api = masters.api(name)
        found = stored(api, prefix)
        api.close()
        missing = [each for each in writing.acknowledged if each not in found]
        assert missing == [], f"{name} lost acknowledged writes"


@pytest.mark.parametrize("victim", ["leader", "follower"])
def test_a_killed_master_costs_no_acknowledged_write(masters: Masters, victim: str) -> None:
    leader = masters.leader()
    chosen = leader if victim == "leader" else next(n for n in masters.names if n != leader)
    others = [name for name in masters.names if name != chosen]
    with Writing(masters, [chosen, *others], f"kill-{victim}") as writing:
        writing.wait_more(20)
        masters.processes[chosen].kill()
        writing.wait_more(20)
        now = masters.leader(*others)
        assert now in others
        # Pods reach the API where it is led from, not at the dead master.
        port = masters.api_port(now)
        done = masters.kubectl(
            others[0],
            *("wait", "endpoints/kubernetes", "--timeout=90s"),
            f"--for=jsonpath={{.subsets[0].ports[0].port}}={port}",
        )
        assert done.returncode == 0, done.stderr
        masters.create(others[0], f"kubectl-{victim}")
        masters.start(chosen).wait_line("export KUBECONFIG")
        writing.wait_more(5)
    masters.leader()
    check_all_stored(masters, writing, f"kill-{victim}")
    seen = masters.kubectl(chosen, "get", "configmap", f"kubectl-{victim}", "-o", "name")
    assert seen.stdout.strip() == f"configmap/kubectl-{victim}"


def test_a_stopped_leader_rejoins_and_serves_nothing_stale(masters: Masters) -> None:
    leader = masters.leader()
    others = [name for name in masters.names if name != leader]
    stopped, other = masters.api(leader), masters.api(others[0])
    old = stopped.insist("POST", CONFIGMAPS, configmap("told", value="old"))
    assert old.status == 201
    with Writing(masters, others, "stop") as writing:
        writing.wait_more(5)
        masters.processes[leader].signal(signal.SIGSTOP)
        writing.wait_more(20)
        assert masters.leader(*others) in others
        path = f"{CONFIGMAPS}/told"
        new = other.insist("PUT", path, configmap("told", value="new"))
        assert new.status == 200, new.body
        # It waits in the stopped process's socket: the first thing it sees when it goes on.
        stopped.send("GET", path)
        masters.processes[leader].signal(signal.SIGCONT)
        read = stopped.receive()
        if read.status == 200 and not read.warnings:
            assert read.body["data"] == {"value": "new"}
        writing.wait_more(5)
    masters.leader()
    again = stopped.read(path)
    assert (again.status, again.warnings) == (200, "")
    assert again.body["data"] == {"value": "new"}
    stopped.close()
    other.close()
    check_all_stored(masters, writing, "stop")


def test_a_node_joins_and_its_pod_runs(masters: Masters) -> None:
    """The kubelet and proxy of a fourth process; logs come through any master."""
    arguments = ["node", "--name=n1", *masters.join, f"--pki={masters.pki.path}", "--quick"]
    node = Process([*arguments, "--backend=trio"])
    try:
        node.wait_line("node n1 is Ready")
        options = ("--image=any", "--restart=Never", "--command")
        run = masters.kubectl("m1", "run", "said", *options, "--", "echo", "heard")
        assert run.returncode == 0, run.stderr
        waited = masters.kubectl(
            "m2", "wait", "pod/said", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s"
        )
        assert waited.returncode == 0, waited.stdout + waited.stderr
        assert masters.kubectl("m3", "logs", "said").stdout.strip() == "heard"
        node.signal(signal.SIGTERM)
        assert node.wait() == 0, node.output
        assert node.lines[-1] == "stopped\n"
    finally:
        if node.alive:
            node.kill()


def test_a_master_told_to_go_leaves_at_once_and_the_others_go_on(masters: Masters) -> None:
    leader = masters.leader()
    others = [name for name in masters.names if name != leader]
    masters.processes[leader].signal(signal.SIGTERM)
    assert masters.processes[leader].wait() == 0
    assert masters.processes[leader].lines[-1] == "stopped\n"
    with Writing(masters, others, "left") as writing:
        writing.wait_more(3)
    masters.start(leader).wait_line("export KUBECONFIG")
    masters.leader()
    check_all_stored(masters, writing, "left")

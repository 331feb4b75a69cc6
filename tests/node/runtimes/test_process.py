"""Real processes on the machine's clock, on both event loops."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from attrs import define, field

from kube_actors.node.runtimes import (
    ContainerConfig,
    ContainerState,
    ContainerStatus,
    ImageSpec,
    ImageState,
    LogQuery,
    Mount,
    ProcessRuntime,
    RuntimeRefused,
    SandboxConfig,
)
from kube_actors.node.runtimes.process.group import group_members, marked_processes, start_ticks

pytestmark = [pytest.mark.anyio, pytest.mark.real_time]
UID = "uid-1"
IP = "127.55.0.2"


@define
class Bench:
    """A driven runtime with one sandbox."""

    runtime: ProcessRuntime
    changed: anyio.Event = field(factory=anyio.Event)

    def heard(self, uid: str) -> None:
        self.changed.set()
        self.changed = anyio.Event()

    async def start(self, *argv: str, name: str = "c", attempt: int = 0, **more: object) -> str:
        config = ContainerConfig(UID, name, attempt, "any", tuple(argv), **more)  # type: ignore[arg-type]
        container_id = await self.runtime.create_container(config, time.time())
        await self.runtime.start_container(container_id, time.time())
        return container_id

    def status(self, container_id: str) -> ContainerStatus:
        return next(c for c in self.runtime.containers(UID) if c.id == container_id)

    async def ended(self, container_id: str) -> ContainerStatus:
        with anyio.fail_after(60):
            while self.status(container_id).state is not ContainerState.EXITED:
                await self.changed.wait()
        return self.status(container_id)

    async def log(self, container_id: str, query: LogQuery | None = None) -> str:
        chunks = self.runtime.read_log(container_id, query or LogQuery(follow=True))
        return b"".join([chunk async for chunk in chunks]).decode()


@asynccontextmanager
async def open_bench(root: Path) -> AsyncIterator[Bench]:
    async with ProcessRuntime(root) as runtime, anyio.create_task_group() as tasks:
        bench = Bench(runtime)
        runtime.attach(bench.heard, time.time)
        tasks.start_soon(runtime.run)
        config = SandboxConfig(UID, "default", "web", IP, "n1", root / "pods" / UID)
        await runtime.run_sandbox(config, time.time())
        yield bench
        tasks.cancel_scope.cancel()


async def gone(pid: int) -> None:
    """Wait for the end of a process that is nobody's child here."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with anyio.fail_after(60):
            await anyio.wait_readable(handle)
    finally:
        os.close(handle)


async def test_output_and_exit_code_are_kept(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "echo out; echo err >&2; exit 3")
        status = await bench.ended(container)
        assert status.exit_code == 3
        assert status.reason == "Error"
        assert status.finished_at >= status.started_at > 0
        assert sorted((await bench.log(container)).splitlines()) == ["err", "out"]
        stored = (tmp_path / "pods" / UID / "logs" / "c" / "0.log").read_text().split("\n")
        assert {line.split(" ")[1] for line in stored if line} == {"stdout", "stderr"}


async def test_a_container_sees_its_address_its_environment_and_its_root(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "message").write_text("mounted")
    mount = Mount("/etc/web", volume)
    async with open_bench(tmp_path) as bench:
        container = await bench.start(
            "sh",
            "-c",
            "echo $(POD_IP) $0 $X; cat etc/web/message; echo; pwd; ls $KUBE_ACTORS_ROOT",
            args=("$(X)",),
            env=(("X", "y"),),
            mounts=(mount,),
        )
        await bench.ended(container)
        lines = (await bench.log(container)).splitlines()
        assert lines[:2] == [f"{IP} y y", "mounted"]
        assert lines[2] == str(tmp_path / "pods" / UID / "containers" / "c" / "0")
        assert lines[3:] == ["etc", "tmp"]


async def test_stopping_asks_first(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        script = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"
        container = await bench.start("sh", "-c", script)
        log = bench.runtime.read_log(container, LogQuery(follow=True))
        assert await anext(log) == b"up\n"
        await bench.runtime.stop_container(container, 30, time.time())
        assert await anext(log) == b"bye\n"
        await log.aclose()
        status = await bench.ended(container)
        assert (status.exit_code, status.reason) == (0, "Completed")


async def test_what_outstays_its_grace_is_killed_with_all_its_children(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "trap '' TERM; sleep 100 & echo up; wait; wait")
        log = bench.runtime.read_log(container, LogQuery(follow=True))
        assert await anext(log) == b"up\n"
        await log.aclose()
        group = bench.runtime.pid(container)
        assert group is not None
        members = group_members(group)
        assert len(members) == 2
        await bench.runtime.stop_container(container, 0.05, time.time())
        assert (await bench.ended(container)).exit_code == 137
        for pid in members:
            await gone(pid)


async def test_the_children_of_a_program_that_ended_end_too(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "sleep 100 & echo $!")
        log = bench.runtime.read_log(container, LogQuery(follow=True))
        child = int(await anext(log))
        await log.aclose()
        assert (await bench.ended(container)).exit_code == 0
        await gone(child)


async def test_a_signal_is_told_as_an_exit_code(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sleep", "100")
        await bench.runtime.stop_container(container, 30, time.time())
        assert (await bench.ended(container)).exit_code == 143


async def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        with pytest.raises(RuntimeRefused, match=r'exec: "nonsense": executable file not found'):
            await bench.start("nonsense")
        (status,) = bench.runtime.containers(UID)
        assert (status.exit_code, status.reason) == (128, "StartError")


async def test_exec_has_output_exit_code_and_patience(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sleep", "100")
        result = await bench.runtime.exec(container, ["sh", "-c", "echo $POD_NAME; exit 4"], 60)
        assert (result.exit_code, result.output) == (4, "web\n")
        slow = await bench.runtime.exec(container, ["sleep", "50"], 0.05)
        assert slow.timed_out


async def test_the_termination_message_is_read(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "mkdir dev; echo why > dev/termination-log")
        assert (await bench.ended(container)).message == "why\n"


async def test_logs_can_be_cut_to_a_tail_and_stamped(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "for i in 1 2 3 4; do echo $i; done; printf end")
        await bench.ended(container)
        assert await bench.log(container, LogQuery(tail_lines=2)) == "4\nend"
        assert await bench.log(container, LogQuery(limit_bytes=3)) == "1\n2"
        assert await bench.log(container, LogQuery(since=time.time() + 9)) == ""
        stamped = await bench.log(container, LogQuery(tail_lines=1, timestamps=True))
        assert stamped.endswith("Z end")


async def test_an_unknown_image_says_what_to_do(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        image = ImageSpec("nginx:1.27")
        assert bench.runtime.image(UID, image).state is ImageState.ABSENT
        await bench.runtime.pull_image(UID, image, time.time())
        status = bench.runtime.image(UID, image)
        assert status.state is ImageState.FAILED
        assert status.reason == "ErrImagePull"
        assert "give the container a command" in status.message
        with_command = ImageSpec("nginx:1.27", has_command=True)
        assert bench.runtime.image(UID, with_command).state is ImageState.PRESENT


async def test_removing_a_pod_leaves_nothing_of_it(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "setsid sleep 100 & echo up; sleep 100")
        await bench.start("sleep", "100", name="d")
        log = bench.runtime.read_log(container, LogQuery(follow=True))
        assert await anext(log) == b"up\n"
        await log.aclose()
        await bench.runtime.remove_sandbox(UID)
        assert bench.runtime.containers(UID) == []
        assert not (tmp_path / "pods" / UID).exists()
        assert marked_processes(f"KUBE_ACTORS_NODE_DIR={tmp_path}") == []


async def test_pods_of_another_cluster_with_the_same_seed_are_left_alone(tmp_path: Path) -> None:
    async with open_bench(tmp_path / "a") as mine, open_bench(tmp_path / "b") as other:
        await mine.start("sleep", "100")
        container = await other.start("sleep", "100")
        await mine.runtime.remove_sandbox(UID)
        assert other.status(container).state is ContainerState.RUNNING
        assert other.runtime.pid(container) in marked_processes(
            f"KUBE_ACTORS_NODE_DIR={tmp_path / 'b'}"
        )


async def test_leaving_kills_even_what_fled_its_group(tmp_path: Path) -> None:
    fled: list[int] = []
    async with open_bench(tmp_path) as bench:
        for number in range(5):
            script = "setsid sh -c 'echo $$$$; exec sleep 100' & exec sleep 100"
            container = await bench.start("sh", "-c", script, name=f"c{number}")
            log = bench.runtime.read_log(container, LogQuery(follow=True))
            fled.append(int(await anext(log)))
            await log.aclose()
    for pid in fled:
        await gone(pid)
    assert marked_processes(f"KUBE_ACTORS_NODE_DIR={tmp_path}") == []
    assert bench.runtime._watch.keeper_pid is None


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.003, 0.01, 0.03])
async def test_cancelled_at_any_moment_it_leaves_no_process(tmp_path: Path, after_s: float) -> None:
    with anyio.move_on_after(after_s):
        async with open_bench(tmp_path) as bench:
            for number in range(20):
                await bench.start("sh", "-c", "sleep 100", name=f"c{number}")
                await anyio.lowlevel.checkpoint()
            await anyio.sleep_forever()
    assert marked_processes(f"KUBE_ACTORS_NODE_DIR={tmp_path}") == []


_OWNER = """
import sys, time, anyio
from pathlib import Path
from kube_actors.node.runtimes import ProcessRuntime
from kube_actors.node.runtimes.protocol import ContainerConfig, SandboxConfig
async def main():
    root = Path(sys.argv[1])
    runtime = ProcessRuntime(root)
    runtime.attach(lambda uid: None, time.time)
    await runtime.run_sandbox(SandboxConfig("u", "d", "p", "127.55.0.3", "n", root / "pods/u"), 0)
    pids = []
    for name in ("a", "b"):
        config = ContainerConfig("u", name, 0, "any", ("sleep", "100"))
        container = await runtime.create_container(config, 0)
        await runtime.start_container(container, 0)
        pids.append(str(runtime.pid(container)))
    sys.stdout.write(" ".join(pids))
    sys.stdout.flush()
    await anyio.sleep_forever()
anyio.run(main)
"""


async def test_when_the_owner_is_killed_the_keeper_kills_its_containers(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    async with await anyio.open_process(command, stderr=None) as owner:
        try:
            assert owner.stdout is not None
            pids = [int(word) for word in (await owner.stdout.receive()).split()]
        finally:
            owner.kill()
    assert len(pids) == 2
    for pid in pids:
        await gone(pid)


def a_stray() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "100"], start_new_session=True)


async def test_what_a_former_owner_left_is_killed_at_the_start(tmp_path: Path) -> None:
    left, other = a_stray(), a_stray()
    place = tmp_path / "pods" / "old" / "containers" / "c"
    place.mkdir(parents=True)
    (place / "0.pid").write_text(f"{left.pid} {start_ticks(left.pid)}\n")
    # A number that now belongs to another process is not killed.
    (place / "1.pid").write_text(f"{other.pid} 12345\n")
    try:
        async with ProcessRuntime(tmp_path):
            assert left.wait(60) == -signal.SIGKILL
            assert other.poll() is None
            assert not (tmp_path / "pods" / "old").exists()
    finally:
        for process in (left, other):
            process.kill()
            process.wait()


async def test_running_containers_survive_while_nobody_drives_the_runtime(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "sleep 0.1; echo late; exit 5")
        async with anyio.create_task_group() as tasks:
            bench.runtime.attach(bench.heard, time.time)
            tasks.cancel_scope.cancel()
        status = await bench.ended(container)
        assert status.exit_code == 5
        assert await bench.log(container) == "late\n"


async def test_stopped_processes_are_killed_as_well(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sleep", "100")
        bench.runtime.signal_container(container, signal.SIGSTOP)
        await bench.runtime.stop_container(container, 0.02, time.time())
        # Which of the two signals it dies of is the kernel's choice.
        assert (await bench.ended(container)).exit_code in (137, 143)


async def test_usage_is_measured(tmp_path: Path) -> None:
    async with open_bench(tmp_path) as bench:
        container = await bench.start("sh", "-c", "echo up; sleep 100; :")
        log = bench.runtime.read_log(container, LogQuery(follow=True))
        # Until it has spoken it may be between fork and exec, when nothing of it is resident.
        assert await anext(log) == b"up\n"
        await log.aclose()
        assert bench.runtime.stats(container).memory_bytes > 0

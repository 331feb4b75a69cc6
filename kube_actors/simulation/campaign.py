"""Many seeds in several processes: what was found, and nothing lost when a process is.

A worker runs one seed at a time, so a seed that kills its process, or never ends, is itself the
finding, and the others go on in a new worker. Which worker ran a seed changes nothing about it:
what a campaign returns is in the order of the seeds and the same with any number of workers.
"""

import gc
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from attrs import Factory, define, frozen

from kube_actors.simulation.scenario import Finding, Run, failures_as_findings, find_scenario
from kube_actors.simulation.schedule import FaultSchedule
from kube_actors.simulation.shrink import Shrunk, shrink_schedule

NOTHING: Final = FaultSchedule()
PATIENCE_S: Final = 0.25
SEEDS_MAX: Final = 10**12
SOUND_MAX: Final = 20_000
"""Of how many sound runs more is kept than their number: a page of more squares shows nothing."""


@frozen
class Task:
    """One seed to run, or to shrink when ``run`` is given, in at most ``limit_s`` seconds."""

    scenario: str
    seed: int
    limit_s: float
    run: Run | None = None
    runs_max: int = 400


@define
class Campaign:
    """``found``: the runs with findings; ``sound``: (scenario, seed, steps, simulated seconds) of
    the others. ``digest`` is of all runs, whatever their order."""

    seeds: int = 0
    steps: int = 0
    simulated_s: float = 0.0
    found: list[Run] = Factory(list)
    sound: list[tuple[str, int, int, float]] = Factory(list)
    shrunk: dict[tuple[str, int], Shrunk] = Factory(dict)
    interrupted: bool = False
    total: int = 0

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that are equal for the same runs in any order."""
        return f"{self.total:016x}"

    def record(self, run: Run) -> None:
        """Count a run in; keep it whole if it has findings, else in brief up to ``SOUND_MAX``."""
        self.seeds += 1
        self.steps += run.steps
        self.simulated_s += run.simulated_s
        text = f"{run.scenario}/{run.seed}/{run.digest}"
        self.total ^= int(sha256(text.encode()).hexdigest()[:16], 16)
        if run.findings:
            self.found.append(run)
            self.found.sort(key=lambda found: (found.scenario, found.seed))
        elif len(self.sound) < SOUND_MAX:
            self.sound.append((run.scenario, run.seed, run.steps, run.simulated_s))


def run_campaign(
    scenarios: Sequence[str],
    seeds: Iterable[int],
    *,
    clock: Callable[[], float],
    jobs: int = 1,
    limit_s: float = 60.0,
    findings_max: int = 20,
    shrink_s: float = 30.0,
    modules: Sequence[str] = (),
    on_run: Callable[[Campaign, Run], None] = lambda campaign, run: None,
    on_shrunk: Callable[[Run, Shrunk], None] = lambda run, shrunk: None,
) -> Campaign:
    """Run every seed of every scenario; then shrink the first finding of each property.

    Ctrl-C ends it early, with ``interrupted`` set and all that was found so far. ``modules`` are
    imported by the workers: where more scenarios are registered. Raises UnknownScenario.
    """
    for module in modules:
        import_module(module)
    for name in scenarios:
        find_scenario(name)
    campaign = Campaign()
    tasks = (Task(name, seed, limit_s) for seed in seeds for name in scenarios)
    with _ctrl_c() as asked_to_stop:
        pool = _Pool(tasks, jobs, clock, tuple(modules), asked_to_stop)
        try:
            for task, outcome in pool.results():
                run = outcome if isinstance(outcome, Run) else _lost(task, str(outcome))
                campaign.record(run)
                on_run(campaign, run)
                if len(campaign.found) >= findings_max:
                    break
            pool.close()
            if campaign.found and shrink_s > 0:
                first: dict[tuple[str, str], Run] = {}
                for run in campaign.found:
                    first.setdefault((run.scenario, run.findings[0].property), run)
                chosen = [r for r in first.values() if r.digest][: max(4, jobs)]
                each_s = shrink_s * jobs / max(len(chosen), 1)
                todo = (Task(r.scenario, r.seed, min(each_s, shrink_s), r) for r in chosen)
                pool = _Pool(todo, jobs, clock, tuple(modules), asked_to_stop, grace_s=limit_s)
                for task, outcome in pool.results():
                    if isinstance(outcome, Shrunk) and task.run is not None:
                        campaign.shrunk[task.scenario, task.seed] = outcome
                        on_shrunk(task.run, outcome)
        finally:
            pool.close()
        campaign.interrupted = asked_to_stop()
    return campaign


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Tell whether Ctrl-C has come; only the second one is raised.

    Raised at once it would be lost when it comes in a finalizer, of a worker that is replaced for
    one, and the campaign would go on.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def note(number: int, frame: object) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


def _lost(task: Task, text: str) -> Run:
    finding = Finding(task.scenario, task.seed, "crash", text, 0, 0.0)
    return Run(task.scenario, task.seed, (finding,), 0, 0.0, "", NOTHING)


@define
class _Worker:
    process: Any
    connection: Connection
    started: bool = False
    task: Task | None = None
    begun_s: float = 0.0


@define
class _Pool:
    """Workers that each do one task at a time; a dead or stuck one is replaced."""

    tasks: Iterator[Task]
    jobs: int
    clock: Callable[[], float]
    modules: tuple[str, ...]
    asked_to_stop: Callable[[], bool]
    grace_s: float = 0.0
    workers: list[_Worker] = Factory(list)

    def results(self) -> Iterator[tuple[Task, Any]]:
        """Yield every task with its outcome, until asked to stop; a text says why there is none."""
        for _ in range(self.jobs):
            self.workers.append(self._hire())
        while busy := [w for w in self.workers if w.task is not None or not w.started]:
            ready = wait([worker.connection for worker in busy], PATIENCE_S)
            if self.asked_to_stop():
                return
            for worker in busy:
                task = worker.task
                if task is None:
                    self._begin(worker, worker.connection in ready)
                    continue
                if worker.connection in ready:
                    try:
                        outcome = worker.connection.recv()
                    except (EOFError, OSError):
                        worker.process.join(5)
                        code = worker.process.exitcode
                        yield task, f"the process that ran it died with code {code}"
                        self._replace(worker)
                        continue
                    self._give(worker)
                    yield task, outcome
                elif self.clock() - worker.begun_s > task.limit_s + self.grace_s:
                    yield task, f"it did not end within {task.limit_s:g} seconds"
                    self._replace(worker)

    def _hire(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self.modules), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _begin(self, worker: _Worker, ready: bool) -> None:
        """Give a new worker its first task once it says that it is there."""
        if ready:
            try:
                worker.connection.recv()
            except EOFError:
                worker.process.join(5)
                code = worker.process.exitcode
                raise RuntimeError(f"a worker died with code {code} before its first run") from None
            worker.started = True
            self._give(worker)

    def _give(self, worker: _Worker) -> None:
        worker.task = next(self.tasks, None)
        worker.begun_s = self.clock()
        if worker.task is not None:
            try:
                worker.connection.send(worker.task)
            except OSError:
                pass  # It died: reading from it says so.

    def _replace(self, worker: _Worker) -> None:
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        new = self._hire()
        worker.process, worker.connection = new.process, new.connection
        worker.started, worker.task = False, None

    def close(self) -> None:
        """End every worker."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()
            worker.connection.close()
        self.workers.clear()


def _work(connection: Connection, modules: tuple[str, ...]) -> None:
    """Do tasks until nobody gives any more. Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in modules:
        import_module(module)
    gc.freeze()  # What was imported never becomes garbage: do not look at it again and again.
    connection.send(None)
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return
        connection.send(do_task(task))


def do_task(task: Task) -> Run | Shrunk:
    """Run or shrink one seed; an exception is the run's finding."""
    scenario = find_scenario(task.scenario)
    if task.run is None:
        return failures_as_findings(
            task.scenario, task.seed, NOTHING, lambda: scenario.run(task.seed)
        )
    end_s = time.monotonic() + task.limit_s
    return shrink_schedule(
        task.run,
        lambda schedule: scenario.run(task.seed, schedule=schedule),
        runs_max=task.runs_max,
        expired=lambda: time.monotonic() > end_s,
    )


def parse_seeds(text: str) -> range:
    """Read ``17`` or ``0..9999``, both ends included. Raises ValueError saying what is wrong."""
    first, dots, last = text.partition("..")
    try:
        begin, end = int(first), int(last if dots else first)
    except ValueError:
        raise ValueError(f"{text!r} is neither a seed nor a range such as 0..9999") from None
    if begin < 0:
        raise ValueError(f"{text!r}: a seed is not negative")
    if end < begin:
        raise ValueError(f"{text!r} runs backwards")
    if end - begin >= SEEDS_MAX:
        raise ValueError(f"{text!r} has {end - begin + 1:,} seeds, at most {SEEDS_MAX:,} at once")
    return range(begin, end + 1)


def replay_command(run: Run, schedule_file: str = "", modules: Sequence[str] = ()) -> str:
    """Say what to type to see a run again; ``modules`` are where its scenario was found."""
    parts = [f"kube-actors sim replay {run.seed} --scenario {run.scenario}"]
    parts += [f"--import {module}" for module in modules]
    parts += [f"--schedule {shlex.quote(schedule_file)}"] if schedule_file else []
    return " ".join(parts)

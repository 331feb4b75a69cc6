"""``kube-actors demo``: a real application is run, broken and healed, and each step is checked."""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
import click

import kube_actors
from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.cli.demo_steps import NotObserved, Steps
from kube_actors.cli.traffic import Tally, get, load
from kube_actors.cluster import Cluster, NotReady, Timings

Object = dict[str, Any]
REPLICAS = 3
PAGE_TRIES = 300


def run_demo(*, backend: str, manifest: Path | None) -> None:
    """Tell the story; exit with 1 and the step's name when something is not observed."""
    chosen = manifest or Path(kube_actors.__file__).parent.parent / "examples" / "web"
    if not chosen.exists():
        raise click.UsageError(f"no application at {chosen}: give --manifest FILE")
    try:
        anyio.run(_tell, chosen, backend=backend)
    except* (NotObserved, NotReady) as failed:
        click.echo(f"\nFAILED {_first(failed)}", err=True)
        sys.exit(1)
    except* KeyboardInterrupt:
        click.echo("\nstopped before the end", err=True)
        sys.exit(130)


def _first(group: BaseExceptionGroup[Any]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


async def _tell(manifest: Path) -> None:
    steps = Steps()
    print("kube_actors: three masters, three nodes, one process, real traffic.")
    print("Failures are noticed in seconds here; Kubernetes' own, longer times are the default.")
    steps.begin("boot 3 masters and 3 nodes")
    async with Cluster(masters=3, nodes=3, timings=Timings.quick()) as cluster:
        leader = cluster.health.leader
        steps.observed(f"3 nodes Ready, store/{leader} leads, HTTPS on {cluster.url}")
        await _Story(steps, cluster, manifest).tell()
    print(f"\nEvery step was observed, in {steps.elapsed_s:.1f} s. Next: kube-actors up --help")


class _Story:
    def __init__(self, steps: Steps, cluster: Cluster, manifest: Path) -> None:
        self.steps = steps
        self.cluster = cluster
        self.client = cluster.client
        self.manifest = manifest
        self.address = ""
        self.port = 0

    async def tell(self) -> None:
        step = self.steps.step
        await step(f"apply {self.manifest.name}: pods become Ready", self.apply)
        await step("HTTP through the Service's virtual IP reaches every ready pod", self.reach)
        await step("a killed process is restarted", self.kill_process)
        await step("a deleted pod is replaced", self.delete_pod)
        await step("a dead node's pods move", self.kill_node)
        await step("a rolling update under constant load fails no request", self.roll)
        await step("rollout undo brings the old version back", self.undo)
        await step("the store's leader is killed and writes resume", self.kill_leader)
        await step("two of three masters are cut off: the cluster is read-only", self.cut_off)
        await step("the cut is mended: writes work, everything is Ready", self.heal)

    async def apply(self) -> str:
        applied = await self.steps.until(partial(self.client.apply, self.manifest))
        await self.cluster.wait_for("deployment/web", "Available", timeout_s=180)
        pods = await self.steps.until(self.all_ready)
        service = await self.steps.until(self.read("services", "web"))
        self.address = service["spec"]["clusterIP"]
        self.port = service["spec"]["ports"][0]["port"]
        where = ", ".join(f"{name(p)} on {p['spec']['nodeName']}" for p in pods)
        return f"{len(applied)} objects applied; {where}"

    async def reach(self) -> str:
        ready = {name(pod) for pod in await self.steps.until(self.all_ready)}
        seen: dict[str, int] = {}
        message = ""
        for _ in range(PAGE_TRIES):
            page = await self.page()
            seen[page["pod"]] = seen.get(page["pod"], 0) + 1
            message = page["message"]
            if set(seen) == ready:
                counts = ", ".join(f"{pod} \u00d7{count}" for pod, count in sorted(seen.items()))
                return f'"{message}" from {counts} at http://{self.address}:{self.port}/'
        raise self.steps.fail(f"{PAGE_TRIES} requests reached only {sorted(seen)}")

    async def kill_process(self) -> str:
        pod = (await self.steps.until(self.all_ready))[0]
        page = await self.steps.until(partial(get, pod["status"]["podIP"], 8080))
        os.kill(int(page["pid"]), signal.SIGKILL)

        async def restarted() -> str | None:
            again = await self.client.get("pods", name(pod), "default")
            (container,) = again["status"]["containerStatuses"]
            if container["restartCount"] < 1 or not container["ready"]:
                return None
            code = container["lastState"]["terminated"]["exitCode"]
            new = await get(again["status"]["podIP"], 8080)
            return (
                f"{name(pod)}: process {page['pid']} died ({code}), {new['pid']} serves; "
                f"restartCount {container['restartCount']}"
            )

        return await self.steps.until(restarted)

    async def delete_pod(self) -> str:
        before = await self.steps.until(self.all_ready)
        victim = name(before[0])
        await self.steps.until(partial(self.delete, victim))
        known = {name(pod) for pod in before}

        async def replaced() -> str | None:
            pods = await self.all_ready()
            if pods is None or victim in {name(p) for p in pods}:
                return None
            new = [name(p) for p in pods if name(p) not in known]
            return f"{victim} is gone, {', '.join(new)} is Ready"

        return await self.steps.until(replaced)

    async def kill_node(self) -> str:
        pods = await self.steps.until(self.all_ready)
        node = pods[0]["spec"]["nodeName"]
        lost = [name(p) for p in pods if p["spec"]["nodeName"] == node]
        self.cluster.faults.kill(f"node/{node}")

        async def moved() -> str | None:
            now = await self.all_ready()
            if now is None or any(p["spec"]["nodeName"] == node for p in now):
                return None
            new = [p for p in now if name(p) not in {name(q) for q in pods}]
            where = ", ".join(f"{name(p)} on {p['spec']['nodeName']}" for p in new)
            return f"{node} died with {', '.join(lost)}; now {where}"

        observed = await self.steps.until(moved)
        self.cluster.faults.revive(f"node/{node}")
        await self.cluster.wait_for(f"node/{node}", "Ready", timeout_s=180)
        return f"{observed}; {node} is back"

    async def set_image(self, image: str) -> None:
        container = {"name": "web", "image": image}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        await self.patch(patch, "strategic")

    async def rolled_out(self) -> Object | None:
        deployment = await self.client.get("deployments", "web", "default")
        status = deployment.get("status") or {}
        done = (
            status.get("observedGeneration") == deployment["metadata"]["generation"]
            and status.get("updatedReplicas") == REPLICAS
            and status.get("replicas") == REPLICAS
            and status.get("availableReplicas") == REPLICAS
        )
        return deployment if done else None

    async def roll(self) -> str:
        tally = Tally()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(load, self.address, self.port, tally)
            await anyio.sleep(0.5)
            await self.set_image("kube-actors/web:2")
            await self.steps.until(self.rolled_out)
            await self.steps.until(self.all_ready)
            await anyio.sleep(0.5)
            tasks.cancel_scope.cancel()
        if tally.failures:
            raise self.steps.fail(
                f"{len(tally.failures)} of {tally.total} requests failed: {tally.failures[0]}"
            )
        if set(tally.answered) != {"1", "2"}:
            raise self.steps.fail(f"versions seen: {tally.answered}")
        answered = ", ".join(f"v{v} \u00d7{n}" for v, n in sorted(tally.answered.items()))
        return f"0 of {tally.total} requests failed ({answered})"

    async def undo(self) -> str:
        listing = partial(self.client.list, "replicasets", "default", label_selector="app=web")
        sets = await self.steps.until(listing)
        key = "deployment.kubernetes.io/revision"
        ranked = sorted(
            sets["items"], key=lambda rs: int(rs["metadata"]["annotations"].get(key, "0"))
        )
        previous = ranked[-2]
        template = previous["spec"]["template"]
        labels = dict(template["metadata"]["labels"])
        labels.pop("pod-template-hash", None)
        template = {**template, "metadata": {**template["metadata"], "labels": labels}}
        patch = [{"op": "replace", "path": "/spec/template", "value": template}]
        await self.patch(patch, "json")
        deployment = await self.steps.until(self.rolled_out)
        await self.steps.until(self.all_ready)
        page = await self.page()
        if page["version"] != "1":
            raise self.steps.fail(f"version {page['version']} answers")
        revision = deployment["metadata"]["annotations"][key]
        return f"version 1 answers again, as revision {revision}"

    async def write(self) -> str | None:
        """Try one write; what it answered, or None while it is refused."""
        beat = {"metadata": {"annotations": {"demo/at": f"{self.steps.elapsed_s:.3f}"}}}
        try:
            await self.client.patch("configmaps", "web-page", beat, "default")
        except (StatusError, ActorError):
            return None
        return "written"

    async def kill_leader(self) -> str:
        before = self.cluster.health.leader
        term = self._term()
        began = anyio.current_time()
        self.cluster.faults.kill(f"store/{before}")
        await self.steps.until(self.write)
        gap = anyio.current_time() - began

        async def led() -> int | None:
            await self.cluster.health.refresh()
            leader = self.cluster.health.leader
            return leader if leader and leader != before else None

        leader = await self.steps.until(led)
        new_term = self._term()
        self.cluster.faults.revive(f"store/{before}")
        return (
            f"store/{before} (term {term}) died; a write succeeded after {gap:.2f} s, "
            f"store/{leader} leads in term {new_term}"
        )

    def _term(self) -> int:
        members = self.cluster.health.members.values()
        return max((m.term for m in members if m is not None), default=0)

    async def cut_off(self) -> str:
        async def all_answer() -> bool | None:
            await self.cluster.health.refresh()
            members = self.cluster.health.members.values()
            healthy = [m for m in members if m is not None and m.answering == 3]
            return True if healthy else None

        await self.steps.until(all_answer)
        self.cluster.faults.partition("master/1", "master/2", "master/3")

        async def refused() -> str | None:
            try:
                await self.client.patch("configmaps", "web-page", {"data": {"x": "y"}}, "default")
            except StatusError as error:
                return f"{error.code}: {error.message}" if error.code == 503 else None
            except ActorError:
                return None
            return None

        reason = await self.steps.until(refused)
        kept = await self.steps.until(self.read("configmaps", "web-page"))
        answer = await self.page()
        await self.steps.until(self.says_read_only)
        return (
            f"a read answers ({kept['data']['message']!r}), pods serve ({answer['pod']}), "
            f"a write is refused: {reason}"
        )

    async def says_read_only(self) -> bool | None:
        await self.cluster.health.refresh()
        return self.cluster.health.read_only or None

    async def heal(self) -> str:
        self.cluster.faults.heal()
        began = anyio.current_time()
        await self.steps.until(self.write)
        wrote = anyio.current_time() - began
        await self.steps.until(self.all_ready)
        for number in range(1, 4):
            await self.cluster.wait_for(f"node/node-{number}", "Ready", timeout_s=180)
        return f"a write succeeded after {wrote:.2f} s; {REPLICAS} pods and 3 nodes are Ready"

    def read(self, resource: str, wanted: str) -> Callable[[], Awaitable[Object]]:
        return partial(self.client.get, resource, wanted, "default")

    async def page(self) -> Object:
        """Fetch through the Service's virtual IP, as soon as it answers."""
        return await self.steps.until(partial(get, self.address, self.port))

    async def patch(self, patch: Object | list[Object], kind: Literal["json", "strategic"]) -> None:
        change = partial(self.client.patch, "deployments", "web", patch, "default", type=kind)
        await self.steps.until(change)

    async def delete(self, pod: str) -> bool:
        try:
            await self.client.delete("pods", pod, "default")
        except StatusError as error:
            # One that was refused with its fate unknown may have been done.
            if error.code != 404:
                raise
        return True

    async def all_ready(self) -> list[Object] | None:
        """Return the web pods when exactly all replicas are Ready and none is leaving."""
        listed = await self.client.list("pods", "default", label_selector="app=web")
        pods = [p for p in listed["items"] if "deletionTimestamp" not in p["metadata"]]
        if len(pods) != REPLICAS or not all(is_ready(p) for p in pods):
            return None
        return pods


def name(obj: Object) -> str:
    """Return an object's name."""
    return str(obj["metadata"]["name"])


def is_ready(pod: Object) -> bool:
    """Say whether a pod's condition Ready is true."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

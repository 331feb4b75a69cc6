"""What users do to a simulated cluster all day: deployments, jobs, services, pods, namespaces.

Every step is drawn from the seed. Names are used again after a deletion, as people do, so that an
old object's leftovers meet its successor.
"""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import anyio

from kube_actors.actor import ActorError
from kube_actors.api import StatusError
from kube_actors.client import Client
from kube_actors.node.runtimes.simulated import ANNOTATION_PREFIX
from kube_actors.simulation.cluster.clients import NAMESPACE, Acknowledged
from kube_actors.simulation.cluster.history import Object

DEPLOYMENTS, JOBS, SPACES = 4, 3, 2
PODS_MAX = 38
"""That these may want at a time: six and a surge of two of each deployment, two of each job."""


class Workload:
    """One user; ``gap_s`` is the longest pause between two steps. ``roll_only``: rollouts alone."""

    def __init__(
        self,
        client: Client,
        who: str,
        draw: Random,
        acked: Acknowledged,
        *,
        gap_s: float = 1.5,
        roll_only: bool = False,
        cpu_m: int = 50,
    ) -> None:
        """``cpu_m`` is what each pod asks for, in thousandths of a core."""
        self._client = client
        self._who = who
        self._draw = draw
        self._acked = acked
        self._gap_s = gap_s
        self._roll_only = roll_only
        self._cpu_m = cpu_m
        self._serial = 0

    async def run(self) -> None:
        """Do one thing after another until cancelled; a refusal is no news."""
        while True:
            await anyio.sleep(self._draw.uniform(0, self._gap_s))
            step = self._choose()
            try:
                await step()
            except (StatusError, ActorError):
                continue

    def _choose(self) -> Callable[[], Awaitable[None]]:
        if self._roll_only:
            return self._draw.choices((self._deploy, self._roll), (1, 6))[0]
        steps: dict[Callable[[], Awaitable[None]], int] = {
            self._deploy: 5,
            self._scale: 4,
            self._roll: 4,
            self._delete_deployment: 2,
            self._delete_pod: 3,
            self._run_job: 2,
            self._delete_job: 1,
            self._expose: 2,
            self._hide: 1,
            self._make_space: 1,
            self._delete_space: 1,
            self._hold_lease: 2,
        }
        return self._draw.choices(list(steps), list(steps.values()))[0]

    def _number(self, most: int) -> str:
        return str(self._draw.randrange(most))

    async def _create(self, resource: str, obj: Object) -> None:
        self._acked.note(self._who, resource, await self._client.create(obj))

    async def _patch(self, resource: str, name: str, patch: Object) -> None:
        kind = resource.partition("/")[2]
        answer = await self._client.patch(kind, name, patch, NAMESPACE)
        self._acked.note(self._who, resource, answer)

    async def _deploy(self) -> None:
        name, draw = "web-" + self._number(DEPLOYMENTS), self._draw
        rolling = draw.choice(
            (
                {"maxSurge": 1, "maxUnavailable": 0},
                {"maxSurge": 0, "maxUnavailable": 1},
                {"maxSurge": "25%", "maxUnavailable": "25%"},
                {"maxSurge": 2, "maxUnavailable": 1},
            )
        )
        obj = deployment(name, draw.randint(1, 6), rolling, ready_s=round(draw.uniform(0, 1), 2))
        await self._create("apps/deployments", self._sized(obj))

    async def _scale(self) -> None:
        name = "web-" + self._number(DEPLOYMENTS)
        await self._patch(
            "apps/deployments", name, {"spec": {"replicas": self._draw.randint(0, 6)}}
        )

    def _sized(self, obj: Object) -> Object:
        for container in obj["spec"]["template"]["spec"]["containers"]:
            container["resources"] = {"requests": {"cpu": f"{self._cpu_m}m"}}
        return obj

    async def _roll(self) -> None:
        self._serial += 1
        stamp = {"rolled": f"{self._who}.{self._serial}"}
        patch = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        await self._patch("apps/deployments", "web-" + self._number(DEPLOYMENTS), patch)

    async def _delete_deployment(self) -> None:
        how = self._draw.choice(("Background", "Foreground"))
        name = "web-" + self._number(DEPLOYMENTS)
        await self._client.delete("deployments", name, NAMESPACE, propagation=how)

    async def _delete_pod(self) -> None:
        pods = (await self._client.list("pods", NAMESPACE, resource_version="0"))["items"]
        if pods:
            name = self._draw.choice(pods)["metadata"]["name"]
            await self._client.delete("pods", name, NAMESPACE, grace_period_s=1)

    async def _run_job(self) -> None:
        name, draw = "task-" + self._number(JOBS), self._draw
        obj = job(name, draw.randint(1, 3), round(draw.uniform(0, 2), 2))
        await self._create("batch/jobs", self._sized(obj))

    async def _delete_job(self) -> None:
        name = "task-" + self._number(JOBS)
        await self._client.delete("jobs", name, NAMESPACE, propagation="Background")

    async def _expose(self) -> None:
        name = "web-" + self._number(DEPLOYMENTS)
        await self._create("core/services", service(name))

    async def _hide(self) -> None:
        await self._client.delete("services", "web-" + self._number(DEPLOYMENTS), NAMESPACE)

    async def _make_space(self) -> None:
        name = "space-" + self._number(SPACES)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await self._create("core/namespaces", space)
        meta = {"name": "content", "namespace": name}
        content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "b"}}
        await self._create("core/configmaps", content)

    async def _delete_space(self) -> None:
        await self._client.delete("namespaces", "space-" + self._number(SPACES))

    async def _hold_lease(self) -> None:
        meta = {"name": "held", "namespace": NAMESPACE}
        spec = {"holderIdentity": self._who, "leaseDurationSeconds": self._draw.randint(1, 60)}
        api = "coordination.k8s.io/v1"
        lease = {"apiVersion": api, "kind": "Lease", "metadata": meta, "spec": spec}
        try:
            await self._create("coordination.k8s.io/leases", lease)
        except StatusError:
            await self._patch("coordination.k8s.io/leases", "held", {"spec": spec})


def pod_template(labels: dict[str, str], script: dict[str, str], **spec: Any) -> Object:
    """Write a pod whose container behaves as ``script`` says, e.g. {"ready-s": "2"}."""
    notes = {f"{ANNOTATION_PREFIX}{key}": value for key, value in script.items()}
    container = {"name": "c", "image": "any"}
    return {
        "metadata": {"labels": labels, "annotations": notes},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, **spec},
    }


def deployment(
    name: str, replicas: int, rolling: dict[str, Any] | None = None, *, ready_s: float = 0.0
) -> Object:
    """Write a Deployment whose pods are ready after ``ready_s`` seconds.

    ``rolling`` is its ``spec.strategy.rollingUpdate``; without it the defaults hold.
    """
    labels = {"app": name}
    template = pod_template(labels, {"ready-s": str(ready_s)})
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
    template["spec"]["containers"][0]["readinessProbe"] = probe
    spec: Object = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": template,
    }
    if rolling is not None:
        spec["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def job(name: str, completions: int, run_s: float) -> Object:
    """Write a Job of two pods at a time, each for ``run_s`` seconds, until so many end."""
    template = pod_template({"job": name}, {"run-s": str(run_s)}, restartPolicy="OnFailure")
    spec = {"completions": completions, "parallelism": 2, "template": template}
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def service(name: str) -> Object:
    """Write a Service on port 80 for the pods of the Deployment of that name."""
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}

"""The controllers on a real API server and store, in virtual time."""

import anyio
import pytest

from tests.controllers.objects import condition, config_map, deployment, owned_by, template
from tests.controllers.plane import Kubelet, plane

pytestmark = pytest.mark.anyio


async def default_account(p):
    await p.until(lambda: p.client.get("sa", "default", "default"))


async def rolled_out(p, name="web"):
    found = await p.client.get("deploy", name, "default")
    status, spec = found.get("status") or {}, found["spec"]
    members = ("replicas", "updatedReplicas", "availableReplicas")
    done = all(status.get(member, 0) == spec["replicas"] for member in members)
    return (
        found if done and status["observedGeneration"] == found["metadata"]["generation"] else None
    )


async def pods(p):
    return (await p.client.list("pods", "default"))["items"]


async def test_a_deployment_becomes_available_and_rolls_and_rolls_back():
    async with plane() as p:
        p.start_controllers()
        p.actor.spawn(Kubelet(p.client).run)
        await default_account(p)
        await p.client.create(deployment(replicas=3))
        await p.until(lambda: rolled_out(p))
        patch = {"spec": {"template": template("web", "v2")}}
        await p.client.patch("deploy", "web", patch, "default")
        found = await p.until(lambda: rolled_out(p))
        assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
        assert {one["spec"]["containers"][0]["image"] for one in await pods(p)} == {"v2"}
        back = {"spec": {"template": template("web", "v1")}}
        await p.client.patch("deploy", "web", back, "default")
        found = await p.until(lambda: rolled_out(p))
        assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
        assert condition(found, "Available")["status"] == "True"
        assert len((await p.client.list("rs", "default"))["items"]) == 2
        events = (await p.client.list("events", "default"))["items"]
        assert any(one["reason"] == "ScalingReplicaSet" for one in events)
        assert any(one["reason"] == "SuccessfulCreate" for one in events)


async def test_no_pod_is_ever_made_twice():
    async with plane() as p:
        p.start_controllers()
        await default_account(p)
        await p.client.create(deployment(replicas=40))

        async def all_there():
            found = await p.client.get("deploy", "web", "default")
            return (found.get("status") or {}).get("replicas") == 40

        seen = 0
        with anyio.fail_after(60):
            while not await all_there():
                seen = max(seen, len(await pods(p)))
                await anyio.sleep(0.01)
        assert len(await pods(p)) == 40
        assert seen <= 40


async def test_a_deleted_pod_is_replaced_and_leaves_its_service_at_once():
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    async with plane() as p:
        p.start_controllers()
        p.actor.spawn(Kubelet(p.client).run)
        await default_account(p)
        await p.client.create(service)
        await p.client.create(deployment(replicas=2))
        await p.until(lambda: rolled_out(p))

        async def endpoints():
            listed = await p.client.list(
                "endpointslices", "default", label_selector="kubernetes.io/service-name=web"
            )
            return {
                entry["targetRef"]["name"]
                for one in listed["items"]
                for entry in one["endpoints"] or ()
                if entry["conditions"]["ready"]
            }

        before = {one["metadata"]["name"] for one in await pods(p)}

        async def reached(names):
            return await endpoints() == names

        await p.until(lambda: reached(before))
        victim = min(before)
        await p.client.delete("pods", victim, "default")

        async def replaced():
            now = await endpoints()
            return len(now) == 2 and victim not in now

        await p.until(replaced)
        found = await p.client.get("endpoints", "web", "default")
        assert len(found["subsets"][0]["addresses"]) == 2


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
async def test_the_three_cascades(propagation):
    async with plane() as p:
        p.start_controllers()
        p.actor.spawn(Kubelet(p.client).run)
        await default_account(p)
        await p.client.create(deployment(replicas=2))
        await p.until(lambda: rolled_out(p))
        await p.client.delete("deploy", "web", "default", propagation=propagation)

        async def gone():
            return not (await p.client.list("deploy", "default"))["items"]

        await p.until(gone)
        if propagation == "Orphan":
            (left,) = (await p.client.list("rs", "default"))["items"]
            assert not left["metadata"].get("ownerReferences")
            assert len(await pods(p)) == 2
            return

        async def empty():
            left = (await p.client.list("rs", "default"))["items"]
            return not left and not await pods(p)

        if propagation == "Foreground":
            assert not (await p.client.list("rs", "default"))["items"]
        await p.until(empty)


async def test_a_namespace_is_furnished_and_emptied():
    async with plane() as p:
        p.start_controllers()
        await default_account(p)
        await p.client.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
        )
        await p.until(lambda: p.client.get("sa", "default", "team"))
        found = await p.until(lambda: p.client.get("cm", "kube-root-ca.crt", "team"))
        assert found["data"] == {"ca.crt": "PEM"}
        await p.client.create(config_map("x", "team"))
        await p.client.delete("ns", "team")

        async def gone():
            names = [one["metadata"]["name"] for one in (await p.client.list("ns"))["items"]]
            return "team" not in names

        await p.until(gone)


async def test_a_silent_node_loses_its_pods_to_another():
    async with plane() as p:
        p.start_controllers(
            node_grace_s=4.0, node_startup_grace_s=4.0, node_monitor_s=1.0, node_quarantine_s=2.0
        )
        await default_account(p)
        now = p.actor.clock.timestamp()
        for name in ("a", "b"):
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            await p.client.create(node)
            ready = {
                "type": "Ready",
                "status": "True",
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
            }
            patch = {"status": {"conditions": [ready]}}
            await p.client.patch("nodes", name, patch, subresource="status")
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": name, "namespace": "kube-node-lease"},
                "spec": {"holderIdentity": name, "renewTime": p.actor.clock.micro_timestamp()},
            }
            await p.client.create(lease)

        async def renew():
            while True:
                await anyio.sleep(1.0)
                spec = {"spec": {"renewTime": p.actor.clock.micro_timestamp()}}
                await p.client.patch("leases", "b", spec, "kube-node-lease")

        p.actor.spawn(renew)
        made = deployment(replicas=1)
        made["spec"]["template"]["spec"]["tolerations"] = [
            {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2}
        ]
        await p.client.create(made)

        async def one_pod():
            return await pods(p)

        (pod,) = await p.until(one_pod)
        await p.client.bind("default", pod["metadata"]["name"], "a")

        async def evicted():
            found = await pods(p)
            doomed = [one for one in found if one["metadata"].get("deletionTimestamp")]
            return len(found) == 2 and doomed

        (doomed,) = await p.until(evicted)
        assert doomed["metadata"]["name"] == pod["metadata"]["name"]
        lost = await p.client.get("nodes", "a")
        assert condition(lost, "Ready")["reason"] == "NodeStatusUnknown"
        assert condition(await p.client.get("nodes", "b"), "Ready")["status"] == "True"
        await p.client.delete("nodes", "a")

        async def collected():
            return len(await pods(p)) == 1

        await p.until(collected)


async def test_only_the_leader_runs_controllers_and_the_next_takes_over():
    async with plane() as p:
        p.start_controllers(1)
        await default_account(p)
        p.start_controllers(2)
        await anyio.sleep(5)
        lease = await p.client.get("lease", "kube-controller-manager", "kube-system")
        assert lease["spec"]["holderIdentity"] == "master-1"
        assert not any("/2" in str(port) for port in p.system.ports if "controller/" in str(port))
        p.supervisor.kill("controllers/1")
        await anyio.sleep(0.1)
        assert "controller/deployment/1" not in p.system.ports
        await p.client.create(deployment(replicas=2))

        async def made():
            return len(await pods(p)) == 2

        await p.until(made)
        lease = await p.client.get("lease", "kube-controller-manager", "kube-system")
        assert lease["spec"]["holderIdentity"] == "master-2"


async def test_a_controller_that_crashes_goes_on_where_it_was():
    async with plane() as p:
        p.start_controllers()
        p.actor.spawn(Kubelet(p.client).run)
        await default_account(p)
        await p.client.create(deployment(replicas=3))
        await p.until(lambda: rolled_out(p))
        patch = {"spec": {"template": template("web", "v2")}}
        await p.client.patch("deploy", "web", patch, "default")
        p.supervisor.crash("controllers/1")
        await p.until(lambda: rolled_out(p))
        assert {one["spec"]["containers"][0]["image"] for one in await pods(p)} == {"v2"}


async def test_an_apiserver_that_dies_in_the_middle_makes_no_doubles():
    async with plane() as p:
        p.start_controllers()
        p.actor.spawn(Kubelet(p.client).run)
        await default_account(p)
        await p.client.create(deployment(replicas=30))

        async def some():
            return len(await pods(p)) > 3

        await p.until(some)
        p.supervisor.crash("apiserver/1")
        await p.until(lambda: rolled_out(p))
        await anyio.sleep(5)
        assert len(await pods(p)) == 30
        listed = await p.client.list("events", "default")
        deleted = [one for one in listed["items"] if one["reason"] == "SuccessfulDelete"]
        assert deleted == []


async def test_an_owner_of_any_kind_takes_its_dependents_along():
    async with plane() as p:
        p.start_controllers()
        await default_account(p)
        owner = await p.client.create(config_map("owner"))
        await p.client.create(config_map("child", ownerReferences=[owned_by(owner)]))
        await p.client.delete("cm", "owner", "default")

        async def gone():
            names = [o["metadata"]["name"] for o in (await p.client.list("cm", "default"))["items"]]
            return "child" not in names

        await p.until(gone)


async def test_workloads_of_every_kind_are_served_on_a_real_plane():
    def workload(kind, api_version, **spec):
        labels = {"app": kind.lower()}
        pod_template = template(kind.lower(), "v1")
        pod_template["spec"] |= {"restartPolicy": "Never"} if kind == "Job" else {}
        selector = {} if kind == "Job" else {"selector": {"matchLabels": labels}}
        return {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {"name": kind.lower(), "namespace": "default"},
            "spec": {"template": pod_template, **selector, **spec},
        }

    async with plane() as p:
        p.start_controllers()
        await default_account(p)
        now = p.actor.clock.timestamp()
        await p.client.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": now}
        status = {"status": {"conditions": [ready | {"lastHeartbeatTime": now}]}}
        await p.client.patch("nodes", "n", status, subresource="status")
        await p.client.create(workload("Job", "batch/v1"))
        await p.client.create(workload("DaemonSet", "apps/v1"))
        await p.client.create(workload("StatefulSet", "apps/v1", replicas=1, serviceName="x"))

        async def all_there():
            found = [one["metadata"]["labels"].get("app") for one in await pods(p)]
            return sorted(found) == ["daemonset", "job", "statefulset"]

        await p.until(all_there)
        (name,) = [
            one["metadata"]["name"]
            for one in await pods(p)
            if one["metadata"]["labels"]["app"] == "job"
        ]
        phase = {"status": {"phase": "Succeeded"}}
        await p.client.patch("pods", name, phase, "default", subresource="status")

        async def complete():
            return condition(await p.client.get("jobs", "job", "default"), "Complete")

        await p.until(complete)


async def test_a_leader_that_cannot_renew_stops_its_controllers_before_another_leads():
    async with plane() as p:
        p.start_controllers(1)
        await default_account(p)
        p.start_controllers(2)
        await anyio.sleep(3)
        p.network.partition(("controllers/1",), ("apiserver/1",))

        def running(master):
            return [one for one in p.system.ports if one == f"controller/deployment/{master}"]

        with anyio.fail_after(60):
            while not running(2):
                assert not (running(1) and running(2))
                await anyio.sleep(0.1)
        assert not running(1)
        p.network.heal()
        await p.client.create(deployment(replicas=2))

        async def made():
            return len(await pods(p)) == 2

        await p.until(made)
        await anyio.sleep(20)
        assert running(2)
        assert not running(1)

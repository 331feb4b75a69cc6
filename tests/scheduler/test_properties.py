"""For any nodes and pods: a placement breaks no rule, room is given once, no pod is lost."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kube_actors.scheduler import (
    Placement,
    QueueTimes,
    SchedulingQueue,
    Snapshot,
    Unschedulable,
    project_node,
    project_pod,
    schedule,
)
from kube_actors.scheduler.preemption import Preemption, preempt

Object = dict[str, Any]

ZONES = st.sampled_from(["a", "b", ""])
APPS = st.sampled_from(["web", "db"])
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
TOLERATION = {"key": "gpu", "operator": "Exists"}


@st.composite
def nodes(draw: st.DrawFn, number: int) -> Object:
    zone = draw(ZONES)
    labels = {"kubernetes.io/hostname": f"n{number}", **({"zone": zone} if zone else {})}
    allocatable = {
        "cpu": str(draw(st.integers(0, 4))),
        "memory": "1Gi",
        "pods": str(draw(st.integers(0, 5))),
        "example.com/gpu": str(draw(st.integers(0, 2))),
    }
    return {
        "metadata": {"name": f"n{number}", "labels": labels},
        "spec": {
            "unschedulable": draw(st.booleans()) and draw(st.booleans()),
            "taints": [TAINT] if draw(st.booleans()) and draw(st.booleans()) else [],
        },
        "status": {"allocatable": allocatable},
    }


def term(app: str, key: str) -> Object:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}


@st.composite
def pods(draw: st.DrawFn, number: int) -> Object:
    app = draw(APPS)
    requests = {"cpu": draw(st.sampled_from(["0", "500m", "1", "3"]))}
    if draw(st.booleans()):
        requests["example.com/gpu"] = "1"
    container: Object = {"name": "c", "resources": {"requests": requests}}
    if draw(st.integers(0, 4)) == 0:
        container["ports"] = [{"containerPort": 80, "hostPort": 80}]
    spec: Object = {"containers": [container], "priority": draw(st.sampled_from([0, 10, 100]))}
    if draw(st.booleans()):
        spec["tolerations"] = [TOLERATION]
    keys = st.sampled_from(["kubernetes.io/hostname", "zone"])
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    kind = draw(st.sampled_from(["", "podAffinity", "podAntiAffinity"]))
    if kind:
        spec["affinity"] = {kind: {required: [term(draw(APPS), draw(keys))]}}
    if draw(st.integers(0, 2)) == 0:
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": draw(st.integers(1, 2)),
                "topologyKey": draw(keys),
                "whenUnsatisfiable": draw(st.sampled_from(["DoNotSchedule", "ScheduleAnyway"])),
                "labelSelector": {"matchLabels": {"app": app}},
            }
        ]
    metadata = {"name": f"p{number}", "namespace": "d", "uid": f"u{number}", "labels": {"app": app}}
    return {"metadata": metadata, "spec": spec}


WORLDS = st.integers(1, 4).flatmap(
    lambda count: st.tuples(
        st.tuples(*[nodes(n) for n in range(count)]),
        st.integers(1, 8).flatmap(lambda many: st.tuples(*[pods(n) for n in range(many)])),
    )
)


def milli(text: str) -> int:
    return int(text[:-1]) if text.endswith("m") else int(text) * 1000


def broken_rules(pod: Object, node: Object, placed: dict[str, tuple[Object, Object]]) -> list[str]:
    """Judge one placement by the rules as the API's documentation words them."""
    broken = []
    here = [p for p, n in placed.values() if n is node]
    allocatable = node["status"]["allocatable"]
    for resource in ("cpu", "example.com/gpu"):
        used = sum(milli(asked(p).get(resource, "0")) for p in [*here, pod])
        if asked(pod).get(resource, "0") != "0" and used > milli(allocatable[resource]):
            broken.append(f"overcommitted {resource}")
    if len(here) + 1 > int(allocatable["pods"]):
        broken.append("too many pods")
    if node["spec"]["unschedulable"]:
        broken.append("unschedulable")
    if node["spec"]["taints"] and not pod["spec"].get("tolerations"):
        broken.append("taint")
    if host_port(pod) and any(host_port(p) for p in here):
        broken.append("host port")
    return broken + broken_affinity(pod, node, placed)


def asked(pod: Object) -> Object:
    found = pod["spec"]["containers"][0]["resources"]["requests"]
    assert isinstance(found, dict)
    return found


def host_port(pod: Object) -> bool:
    return bool(pod["spec"]["containers"][0].get("ports"))


def wanted(pod: Object, kind: str) -> list[Object]:
    found = (pod["spec"].get("affinity") or {}).get(kind) or {}
    return list(found.get("requiredDuringSchedulingIgnoredDuringExecution") or ())


def meant(rule: Object, pod: Object) -> bool:
    return bool(rule["labelSelector"]["matchLabels"]["app"] == pod["metadata"]["labels"]["app"])


def together(one: Object, other: Object, key: str) -> bool:
    value = one["metadata"]["labels"].get(key)
    return value is not None and value == other["metadata"]["labels"].get(key)


def broken_affinity(
    pod: Object, node: Object, placed: dict[str, tuple[Object, Object]]
) -> list[str]:
    broken = [
        "avoided"
        for rule_ in wanted(pod, "podAntiAffinity")
        for p, n in placed.values()
        if meant(rule_, p) and together(n, node, rule_["topologyKey"])
    ]
    broken += [
        "repelled"
        for other, where in placed.values()
        for rule_ in wanted(other, "podAntiAffinity")
        if meant(rule_, pod) and together(where, node, rule_["topologyKey"])
    ]
    for rule_ in wanted(pod, "podAffinity"):
        key = rule_["topologyKey"]
        near = any(meant(rule_, p) and together(n, node, key) for p, n in placed.values())
        anywhere = any(
            meant(rule_, p) and key in n["metadata"]["labels"] for p, n in placed.values()
        )
        first = not anywhere and meant(rule_, pod) and key in node["metadata"]["labels"]
        if not near and not first:
            broken.append("not attracted")
    return broken


@settings(max_examples=120, deadline=None)
@given(WORLDS, st.integers(0, 99))
def test_no_placement_breaks_a_rule_and_no_refusal_is_without_a_reason(
    world: tuple[tuple[Object, ...], tuple[Object, ...]], seed: int
) -> None:
    snapshot = Snapshot()
    by_name = {node["metadata"]["name"]: node for node in world[0]}
    for node in world[0]:
        snapshot.set_node(project_node(node))
    placed: dict[str, tuple[Object, Object]] = {}
    for pod in world[1]:
        info = project_pod(pod)
        decision = schedule(info, snapshot, start=seed % len(by_name), random=Random(seed))
        if isinstance(decision, Unschedulable):
            assert set(decision.misfits) == set(by_name)
            assert decision.message.startswith(f"0/{len(by_name)} nodes are available: ")
            spread = bool(pod["spec"].get("topologySpreadConstraints"))
            assert spread or all(broken_rules(pod, node, placed) for node in world[0])
            continue
        node = by_name[decision.node_name]
        assert broken_rules(pod, node, placed) == []
        snapshot.assume(info, decision.node_name)
        placed[info.uid] = (pod, node)


@settings(max_examples=120, deadline=None)
@given(WORLDS, st.integers(0, 99))
def test_preemption_makes_exactly_the_room_that_is_needed(
    world: tuple[tuple[Object, ...], tuple[Object, ...]], seed: int
) -> None:
    snapshot = Snapshot()
    for node in world[0]:
        snapshot.set_node(project_node(node))
    for pod in world[1]:
        info = project_pod(pod)
        decision = schedule(info, snapshot, start=0, random=Random(seed))
        if isinstance(decision, Placement):
            snapshot.assume(info, decision.node_name)
            continue
        found = preempt(info, snapshot, decision.misfits)
        if not isinstance(found, Preemption):
            assert found.message
            continue
        assert all(victim.priority < info.priority for victim in found.victims)
        assert all(snapshot.node_of(v.uid) == found.node_name for v in found.victims)
        for victim in found.victims:
            again = schedule(info, snapshot, start=0, random=Random(seed))
            assert isinstance(again, Unschedulable) or again.node_name != found.node_name
            snapshot.remove_pod(victim.uid)
        last = schedule(info, snapshot, start=0, random=Random(seed))
        assert isinstance(last, Placement)
        snapshot.assume(info, last.node_name)


class Queueing(RuleBasedStateMachine):
    """A queue in use: pods come, change, fail, go; each is in it once, and comes up again."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = SchedulingQueue(QueueTimes(unschedulable_flush_s=60.0))
        self.now_s = 0.0
        self.pending: dict[str, int] = {}
        self.trying: list[str] = []

    def _pod(self, uid: str, version: int) -> Any:
        meta = {"name": uid, "namespace": "d", "uid": uid, "labels": {"v": str(version)}}
        return project_pod({"metadata": meta, "spec": {"priority": int(uid) % 3}})

    @rule(number=st.integers(0, 9))
    def add(self, number: int) -> None:
        version = self.pending.get(str(number), -1) + 1
        self.pending[str(number)] = version
        self.queue.add(self._pod(str(number), version), self.now_s)

    @rule(number=st.integers(0, 9))
    def remove(self, number: int) -> None:
        self.pending.pop(str(number), None)
        if str(number) in self.trying:
            self.trying.remove(str(number))
        self.queue.remove(str(number))

    @rule()
    def pop(self) -> None:
        pod = self.queue.pop(self.now_s)
        if pod is not None:
            assert pod.uid in self.pending
            assert pod.uid not in self.trying
            assert pod.labels["v"] == str(self.pending[pod.uid])
            self.trying.append(pod.uid)

    @precondition(lambda self: self.trying)
    @rule(error=st.booleans())
    def fail(self, error: bool) -> None:
        self.queue.failed(self.trying.pop(), self.now_s, error=error)

    @rule()
    def news(self) -> None:
        self.queue.move_all(self.now_s)

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @invariant()
    def every_pending_pod_is_in_it_once(self) -> None:
        assert len(self.queue) == len(self.pending)
        assert all(uid in self.queue for uid in self.pending)

    def teardown(self) -> None:
        """Whatever happened, every pod comes up again without any news."""
        for uid in self.trying:
            self.queue.failed(uid, self.now_s)
        seen = []
        for _ in range(30):
            next_s = self.queue.next_s()
            if next_s is None:
                break
            self.now_s = max(self.now_s, next_s)
            while (pod := self.queue.pop(self.now_s)) is not None:
                seen.append(pod.uid)
                self.queue.remove(pod.uid)
        assert sorted(seen) == sorted(self.pending)


TestQueueing = Queueing.TestCase
TestQueueing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

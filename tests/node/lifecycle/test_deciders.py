"""Back-off, probes, expansion, admission, quality of service: small pure things."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_actors.node.backoff import Backoff, BackoffPolicy, grow, retry_at
from kube_actors.node.env import expand
from kube_actors.node.lifecycle import admit, requests_of
from kube_actors.node.lifecycle.admission import Requests
from kube_actors.node.lifecycle.qos import qos_class
from kube_actors.node.probes import ProbeTrack, ProbeView, is_settled, probe_of, record, view
from kube_actors.node.registration import slot_after
from kube_actors.node.runtimes import ProbeKind
from tests.node.objects import a_pod

POLICY = BackoffPolicy(10, 300)


def test_back_off_doubles_to_its_ceiling() -> None:
    backoff: Backoff | None = None
    delays = []
    now = 0.0
    for _ in range(7):
        backoff = grow(backoff, POLICY, now)
        delays.append(backoff.delay_s)
        now += 1
    assert delays == [10, 20, 40, 80, 160, 300, 300]


def test_back_off_starts_afresh_after_a_long_quiet() -> None:
    grown = Backoff(160, updated_at=0.0)
    assert retry_at(grown, POLICY, failed_at=590, now=590) == 750
    assert retry_at(grown, POLICY, failed_at=601, now=601) == 601
    assert grow(grown, POLICY, 601).delay_s == 10


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(A)", "1"),
        ("x$(A)y$(B)", "x1y2"),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
    ],
)
def test_references_expand(text: str, result: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == result


@given(st.text(alphabet="ab(){}", max_size=20))
def test_text_without_a_dollar_is_left_alone(text: str) -> None:
    assert expand(text, {"a": "x"}) == text


def probe(kind: ProbeKind, **fields: Any) -> Any:
    name = f"{kind.value}Probe"
    return {"name": "web", name: {"tcpSocket": {"port": 1}, **fields}}


def test_readiness_fails_after_as_many_failures_as_its_threshold() -> None:
    spec = probe_of(probe(ProbeKind.READINESS, failureThreshold=3), ProbeKind.READINESS)
    assert spec is not None
    track = record(ProbeTrack(0), spec, True, 0)
    verdicts = []
    for _ in range(3):
        track = record(track, spec, False, 0)
        verdicts.append(track.verdict)
    assert verdicts == [True, True, False]
    assert is_settled(track)


def test_a_container_that_was_never_ready_is_asked_soon_again() -> None:
    spec = probe_of(probe(ProbeKind.READINESS, periodSeconds=1), ProbeKind.READINESS)
    assert spec is not None
    track = ProbeTrack(0)
    waits = []
    for _ in range(7):
        track = record(track, spec, False, 100.0)
        waits.append(round(track.next_at - 100.0, 2))
    assert waits == [0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0]
    assert track.verdict is False


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 4), st.integers(1, 4))
def test_a_verdict_changes_only_after_a_row_of_its_threshold(
    results: list[bool], successes: int, failures: int
) -> None:
    container = probe(ProbeKind.READINESS, successThreshold=successes, failureThreshold=failures)
    spec = probe_of(container, ProbeKind.READINESS)
    assert spec is not None
    track = ProbeTrack(0)
    for end, result in enumerate(results, 1):
        before = track.verdict
        track = record(track, spec, result, 0)
        needed = successes if result else failures
        if track.verdict is not before:
            assert results[end - needed : end] == [result] * needed
            assert end >= needed


def test_nothing_counts_before_the_startup_probe_has_succeeded() -> None:
    container = probe(ProbeKind.STARTUP) | probe(ProbeKind.READINESS)
    ready = {ProbeKind.READINESS: ProbeTrack(0, True, True, 1)}
    assert view(container, ready, True) == ProbeView(False, False)
    started = ready | {ProbeKind.STARTUP: ProbeTrack(0, True, True, 1)}
    assert view(container, started, True) == ProbeView(True, True)
    failed = ready | {ProbeKind.STARTUP: ProbeTrack(0, False, False, 3)}
    assert view(container, failed, True).failed is ProbeKind.STARTUP


def asking(cpu: str = "1", memory: str = "1Gi") -> dict[str, Any]:
    return {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu, "memory": memory}}}


def test_a_pod_asks_for_its_containers_or_its_largest_init_container() -> None:
    pod = a_pod(init=(asking("3", "1Mi"),), containers=[asking(), asking("500m", "1Gi")])
    assert requests_of(pod) == Requests(3000, 2 * 2**30, 0)


def test_a_pod_that_does_not_fit_is_rejected_with_the_numbers() -> None:
    room = {"cpu": "2", "memory": "8Gi", "pods": "2"}
    pod = a_pod(containers=[asking("1500m")])
    assert admit(pod, [Requests(500)], room, {}) is None
    rejection = admit(pod, [Requests(600)], room, {})
    assert rejection is not None
    assert rejection.reason == "OutOfcpu"
    assert "requested: 1500, used: 600, capacity: 2000" in rejection.message
    full = admit(a_pod(), [Requests(), Requests()], room, {})
    assert full is not None
    assert full.reason == "OutOfpods"


def test_a_pod_for_other_nodes_is_rejected() -> None:
    pod = a_pod(nodeSelector={"disk": "ssd"})
    rejection = admit(pod, [], {}, {"disk": "hdd"})
    assert rejection is not None
    assert rejection.reason == "NodeAffinity"
    assert admit(pod, [], {}, {"disk": "ssd"}) is None


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        (
            {
                "requests": {"cpu": "1000m", "memory": "1Gi"},
                "limits": {"cpu": "1", "memory": "1024Mi"},
            },
            "Guaranteed",
        ),
        (
            {
                "requests": {"cpu": "500m", "memory": "1Gi"},
                "limits": {"cpu": "1", "memory": "1Gi"},
            },
            "Burstable",
        ),
    ],
)
def test_quality_of_service(resources: dict[str, Any], expected: str) -> None:
    assert qos_class(a_pod(containers=[{"name": "c", "resources": resources}])) == expected


@given(st.floats(1e9, 2e9), st.floats(0.5, 60), st.text(min_size=1, max_size=20))
def test_the_next_heartbeat_is_within_one_period(now: float, period: float, name: str) -> None:
    due = slot_after(now, period, name)
    assert now - 1e-3 < due <= now + period + 1e-3

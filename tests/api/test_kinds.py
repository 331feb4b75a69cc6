"""Every built-in kind can be found by each of its names."""

import attrs
import pytest

from kube_actors.api import BUILTIN, Kind, UnknownKind
from kube_actors.api.data import definitions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("po", "pods"),
        ("Pod", "pods"),
        ("PODS", "pods"),
        ("pods.v1", "pods"),
        ("deploy", "deployments.apps"),
        ("deployments.apps", "deployments.apps"),
        ("Deployment", "deployments.apps"),
        ("deployment.v1.apps", "deployments.apps"),
        ("apps/v1/Deployment", "deployments.apps"),
        ("v1/Pod", "pods"),
        ("rs", "replicasets.apps"),
        ("svc", "services"),
        ("no", "nodes"),
        ("ns", "namespaces"),
        ("cm", "configmaps"),
        ("ep", "endpoints"),
        ("events", "events"),
        ("ev", "events"),
        ("events.events.k8s.io", "events.events.k8s.io"),
        ("hpa", "horizontalpodautoscalers.autoscaling"),
        ("pdb", "poddisruptionbudgets.policy"),
        ("ing", "ingresses.networking.k8s.io"),
        ("netpol", "networkpolicies.networking.k8s.io"),
        ("sc", "storageclasses.storage.k8s.io"),
        ("crd", "customresourcedefinitions.apiextensions.k8s.io"),
        ("pc", "priorityclasses.scheduling.k8s.io"),
        ("csr", "certificatesigningrequests.certificates.k8s.io"),
    ],
)
def test_a_kind_is_found_by_every_name_a_person_uses(text: str, expected: str) -> None:
    assert BUILTIN.find(text).group_resource == expected


def test_a_bare_name_means_the_preferred_version() -> None:
    assert BUILTIN.find("hpa").version == "v2"
    assert (
        BUILTIN.find("hpa.v1.autoscaling".replace("hpa", "horizontalpodautoscalers")).version
        == "v1"
    )


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownKind, match="gizmos"):
        BUILTIN.find("gizmos")


def test_every_kind_has_a_schema_and_only_one_place() -> None:
    known = definitions()
    places = [(kind.group, kind.version, kind.plural) for kind in BUILTIN.all()]
    assert len(places) == len(set(places))
    assert [kind.schema for kind in BUILTIN.all() if kind.schema not in known] == []


def test_short_names_belong_to_one_resource() -> None:
    owners: dict[str, set[str]] = {}
    for kind in BUILTIN.all():
        for short in kind.short_names:
            owners.setdefault(short, set()).add(kind.plural)
    assert {short: found for short, found in owners.items() if len(found) > 1} == {}


def test_groups_are_listed_in_order_of_preference() -> None:
    groups = BUILTIN.groups()
    assert groups[0].name == ""
    autoscaling = next(group for group in groups if group.name == "autoscaling")
    assert autoscaling.versions == ("v2", "v1")
    assert autoscaling.preferred == "v2"


def test_events_and_autoscalers_are_stored_once() -> None:
    event = BUILTIN.by_kind("events.k8s.io/v1", "Event")
    assert event is not None
    assert BUILTIN.storage(event).group_resource == "events"
    old = BUILTIN.by_kind("autoscaling/v1", "HorizontalPodAutoscaler")
    assert old is not None
    assert BUILTIN.storage(old).version == "v2"


def test_subresources_say_what_they_take() -> None:
    pods = BUILTIN.find("pods")
    eviction = pods.subresource("eviction")
    assert eviction is not None
    assert (eviction.api_version, eviction.kind) == ("policy/v1", "Eviction")
    status = BUILTIN.find("deploy").subresource("status")
    assert status is not None
    assert (status.api_version, status.kind) == ("apps/v1", "Deployment")
    assert pods.subresource("scale") is None


def test_a_custom_kind_joins_and_leaves_without_changing_the_registry() -> None:
    widget = Kind(
        group="example.com",
        version="v1",
        kind="Widget",
        plural="widgets",
        singular="widget",
        short_names=("wg",),
        schema="widgets.example.com/v1",
    )
    more = BUILTIN.with_kind(widget)
    assert more.find("wg") is widget
    assert more.find("widgets.example.com") is widget
    newer = attrs.evolve(widget, short_names=("w",))
    assert more.with_kind(newer).find("w") is newer
    with pytest.raises(UnknownKind):
        BUILTIN.find("wg")
    with pytest.raises(UnknownKind):
        more.without("example.com", "widgets").find("wg")

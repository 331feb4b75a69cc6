"""What a client learns of what is served."""

from kube_actors.api import BUILTIN, Kind, discovery

WIDGET = Kind(
    group="example.com",
    version="v1",
    kind="Widget",
    plural="widgets",
    singular="widget",
    short_names=("wg",),
    namespaced=False,
    subresources=("status", "scale"),
    schema="widgets.example.com/v1#1",
    definition={"type": "object"},
)


def test_groups_are_listed_in_order_without_the_core_group() -> None:
    found = discovery.api_group_list(BUILTIN)
    names = [group["name"] for group in found["groups"]]
    assert names[:3] == ["apiregistration.k8s.io", "apps", "events.k8s.io"]
    scaling = next(group for group in found["groups"] if group["name"] == "autoscaling")
    assert scaling["preferredVersion"] == {"groupVersion": "autoscaling/v2", "version": "v2"}
    assert [each["version"] for each in scaling["versions"]] == ["v2", "v1"]


def test_a_group_that_is_not_served_has_no_document() -> None:
    assert discovery.api_group(BUILTIN, "example.com") is None
    assert discovery.api_group(BUILTIN, "") is None
    assert discovery.api_resource_list(BUILTIN, "apps", "v1beta1") is None


def test_a_resource_list_names_subresources_and_what_they_take() -> None:
    found = discovery.api_resource_list(BUILTIN, "apps", "v1")
    assert found is not None
    assert found["groupVersion"] == "apps/v1"
    resources = {each["name"]: each for each in found["resources"]}
    assert resources["deployments"] == {
        "name": "deployments",
        "singularName": "deployment",
        "namespaced": True,
        "kind": "Deployment",
        "verbs": [
            "create",
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "update",
            "watch",
        ],
        "shortNames": ["deploy"],
        "categories": ["all"],
    }
    assert resources["deployments/scale"]["group"] == "autoscaling"
    assert resources["deployments/status"]["kind"] == "Deployment"
    assert "group" not in resources["deployments/status"]


def test_the_aggregated_document_says_the_same() -> None:
    core = discovery.aggregated(BUILTIN, core=True)
    assert [item["metadata"] for item in core["items"]] == [{}]
    items = discovery.aggregated(BUILTIN, core=False)["items"]
    for item in items:
        name = item["metadata"]["name"]
        for version in item["versions"]:
            old = discovery.api_resource_list(BUILTIN, name, version["version"])
            assert old is not None
            new = []
            for resource in version["resources"]:
                new.append(resource["resource"])
                new += [
                    f"{resource['resource']}/{sub['subresource']}"
                    for sub in resource.get("subresources", [])
                ]
            assert new == [each["name"] for each in old["resources"]]


def test_a_custom_kind_is_discovered_with_its_subresources() -> None:
    found = discovery.api_resource_list(BUILTIN.with_kind(WIDGET), "example.com", "v1")
    assert found is not None
    assert [each["name"] for each in found["resources"]] == [
        "widgets",
        "widgets/scale",
        "widgets/status",
    ]
    assert found["resources"][1]["kind"] == "Scale"


def test_the_paths_of_every_group_are_known() -> None:
    paths = discovery.paths(BUILTIN)
    assert paths[:3] == ["/api", "/api/v1", "/apis"]
    assert "/apis/apps/v1" in paths

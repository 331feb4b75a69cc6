"""The documents by which a client learns what is served: groups, versions, resources.

Both shapes are here: the old one of a document per group version, and the aggregated one that
kubectl asks for first (``apidiscovery.k8s.io/v2``). See
https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api.
"""

from typing import Any

from kube_actors.api.kinds import Group, Kind, Kinds, Subresource

AGGREGATED_MEDIA_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
Document = dict[str, Any]


def api_versions(server_address: str = "") -> Document:
    """Return the body of ``/api``; ``server_address`` is ``host:port``."""
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [address],
    }


def api_group_list(kinds: Kinds) -> Document:
    """Return the body of ``/apis``."""
    groups = [_group(group) for group in kinds.groups() if group.name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def api_group(kinds: Kinds, name: str) -> Document | None:
    """Return the body of ``/apis/<group>``, None if there is no such group."""
    for group in kinds.groups():
        if name and group.name == name:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
    return None


def _group(group: Group) -> Document:
    versions = [
        {"groupVersion": group.api_version(version), "version": version}
        for version in group.versions
    ]
    return {"name": group.name, "versions": versions, "preferredVersion": versions[0]}


def api_resource_list(kinds: Kinds, group: str, version: str) -> Document | None:
    """Return the body of ``/api/v1`` or ``/apis/<group>/<version>``, None if not served."""
    members = kinds.in_group_version(group, version)
    if not members:
        return None
    resources: list[Document] = []
    for kind in members:
        resources.append(_resource(kind))
        resources += [_subresource(kind, each) for each in _subresources(kind)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": members[0].api_version,
        "resources": resources,
    }


def _subresources(kind: Kind) -> list[Subresource]:
    found = (kind.subresource(name) for name in sorted(kind.subresources))
    return [each for each in found if each is not None]


def _named(kind: Kind) -> Document:
    names: Document = {}
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    if kind.categories:
        names["categories"] = list(kind.categories)
    return names


def _resource(kind: Kind) -> Document:
    return {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
        **_named(kind),
    }


def _subresource(kind: Kind, sub: Subresource) -> Document:
    foreign = (sub.group, sub.version) != (kind.group, kind.version)
    where = {"group": sub.group, "version": sub.version} if foreign else {}
    return {
        "name": f"{kind.plural}/{sub.name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        **where,
        "kind": sub.kind,
        "verbs": list(sub.verbs),
    }


def aggregated(kinds: Kinds, *, core: bool) -> Document:
    """Return the aggregated body of ``/api`` (``core``) or of ``/apis``."""
    groups = [group for group in kinds.groups() if bool(group.name) != core]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_group_discovery(kinds, group) for group in groups],
    }


def _group_discovery(kinds: Kinds, group: Group) -> Document:
    versions = [
        {
            "version": version,
            "resources": [
                _resource_discovery(kind) for kind in kinds.in_group_version(group.name, version)
            ],
            "freshness": "Current",
        }
        for version in group.versions
    ]
    metadata = {"name": group.name} if group.name else {}
    return {"metadata": metadata, "versions": versions}


def _resource_discovery(kind: Kind) -> Document:
    found: Document = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
        **_named(kind),
    }
    subresources = [
        {
            "subresource": sub.name,
            "responseKind": {"group": sub.group, "version": sub.version, "kind": sub.kind},
            "verbs": list(sub.verbs),
        }
        for sub in _subresources(kind)
    ]
    return {**found, "subresources": subresources} if subresources else found


def paths(kinds: Kinds) -> list[str]:
    """Return the paths of the API groups, as ``/`` lists them."""
    found = ["/api", "/api/v1", "/apis"]
    for group in kinds.groups():
        if group.name:
            found.append(f"/apis/{group.name}")
            found += [f"/apis/{group.name}/{version}" for version in group.versions]
    return found

"""Discovery and OpenAPI pages, from what the api room knows of every kind."""

from kube_actors.api import errors
from kube_actors.api.kinds import Kind, Kinds, Object
from kube_actors.apiserver.request import Answer, Request, answer_object
from kube_actors.apiserver.server import Server


def paths(kinds: Kinds) -> list[str]:
    """Return the discovery paths that ``/`` lists."""
    found = []
    for group in kinds.groups():
        root = f"/apis/{group.name}" if group.name else "/api"
        found.append(root)
        found.extend(f"{root}/{version}" for version in group.versions)
    return found


async def core(server: Server, request: Request) -> Answer:
    address = f"{server.config.advertise_address or '127.0.0.1'}:{server.config.advertise_port}"
    cidrs = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return answer_object(
        {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": cidrs}
    )


def _group(kinds: Kinds, name: str) -> Object:
    group = next((each for each in kinds.groups() if each.name == name), None)
    if group is None or not name:
        raise errors.no_such_path()
    versions = [
        {"groupVersion": group.api_version(version), "version": version}
        for version in group.versions
    ]
    return {"name": group.name, "versions": versions, "preferredVersion": versions[0]}


async def groups(server: Server, request: Request) -> Answer:
    kinds = server.config.kinds
    listed = [_group(kinds, group.name) for group in kinds.groups() if group.name]
    return answer_object({"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})


async def group_version(server: Server, request: Request) -> Answer:
    return _resources(server.config.kinds, "", request.path.strip("/").split("/")[1])


async def group_or_version(server: Server, request: Request) -> Answer:
    parts = request.path.strip("/").split("/")
    kinds = server.config.kinds
    if len(parts) == 2:
        return answer_object({"kind": "APIGroup", "apiVersion": "v1", **_group(kinds, parts[1])})
    return _resources(kinds, parts[1], parts[2])


def _resources(kinds: Kinds, group: str, version: str) -> Answer:
    members = kinds.in_group_version(group, version)
    if not members:
        raise errors.no_such_path()
    resources = [entry for kind in members for entry in _resource(kind)]
    return answer_object(
        {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": members[0].api_version,
            "resources": resources,
        }
    )


def _resource(kind: Kind) -> list[Object]:
    main: Object = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        main["shortNames"] = list(kind.short_names)
    if kind.categories:
        main["categories"] = list(kind.categories)
    entries = [main]
    for name in kind.subresources:
        sub = kind.subresource(name)
        assert sub is not None
        entry: Object = {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": sub.kind,
            "verbs": list(sub.verbs),
        }
        if (sub.group, sub.version) != (kind.group, kind.version):
            entry["group"], entry["version"] = sub.group, sub.version
        entries.append(entry)
    return entries


async def openapi_index(server: Server, request: Request) -> Answer:
    raise errors.no_such_path()


async def openapi_document(server: Server, request: Request) -> Answer:
    raise errors.no_such_path()

"""Finding kinds that are not built in, by asking the API server what it serves.

Only custom kinds need it, so nothing is asked until a name is not known.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from kube_actors.api import Kind, Kinds
from kube_actors.client.paths import group_path

Get = Callable[[str], Awaitable[dict[str, Any]]]


def kinds_of(listed: dict[str, Any]) -> list[Kind]:
    """Read an ``APIResourceList``."""
    group, _, version = str(listed.get("groupVersion", "")).rpartition("/")
    resources = listed.get("resources") or ()
    under: dict[str, list[str]] = {}
    for each in resources:
        plural, slash, subresource = each["name"].partition("/")
        if slash:
            under.setdefault(plural, []).append(subresource)
    return [
        Kind(
            group=group,
            version=version,
            kind=each["kind"],
            plural=each["name"],
            singular=each.get("singularName") or each["kind"].lower(),
            short_names=tuple(each.get("shortNames") or ()),
            categories=tuple(each.get("categories") or ()),
            namespaced=bool(each.get("namespaced")),
            verbs=tuple(each.get("verbs") or ()),
            subresources=tuple(under.get(each["name"], ())),
            definition={},
        )
        for each in resources
        if "/" not in each["name"]
    ]


async def discover(get: Get, known: Kinds) -> Kinds:
    """Give ``known`` and every kind that is served besides."""
    builtin = {(group.name, version) for group in known.groups() for version in group.versions}
    found: list[Kind] = []
    groups = await get("/apis")
    for group in groups.get("groups") or ():
        for each in group.get("versions") or ():
            version = each["version"]
            if (group["name"], version) not in builtin:
                found += kinds_of(await get(group_path(group["name"], version)))
    return known.with_kinds(found) if found else known

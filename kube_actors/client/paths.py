"""Where things are in the API: the paths of resources and objects."""

from kube_actors.api import Kind


def group_path(group: str, version: str) -> str:
    """``/api/v1`` or ``/apis/apps/v1``."""
    return f"/apis/{group}/{version}" if group else f"/api/{version}"


def path_of(kind: Kind, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
    """The path of a resource, or of one object; an empty namespace means all of them."""
    parts = [group_path(kind.group, kind.version)]
    if namespace and kind.namespaced:
        parts.append(f"namespaces/{namespace}")
    parts.append(kind.plural)
    if name:
        parts.append(name)
    if subresource:
        parts.append(subresource)
    return "/".join(parts)

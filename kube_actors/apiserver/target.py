"""What a method and a path mean: which kind, which object, which verb. Pure."""

import attrs

from kube_actors.api import Kind, Kinds, errors

_VERBS_ONE = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_VERBS_MANY = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_NON_RESOURCE_VERBS = {
    "GET": "get",
    "HEAD": "head",
    "POST": "post",
    "PUT": "put",
    "PATCH": "patch",
    "DELETE": "delete",
    "OPTIONS": "options",
}


@attrs.frozen
class Target:
    """``kind`` is None for a path that is no resource; then ``verb`` is the lower-case method.

    ``group`` and ``resource`` name what was asked, even when it is not served.
    """

    verb: str
    path: str
    kind: Kind | None = None
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def is_resource(self) -> bool:
        """Whether the path means a resource rather than a page."""
        return bool(self.resource)


def parse_target(kinds: Kinds, method: str, path: str, *, watching: bool = False) -> Target:
    """Read a request line. What is not served has no ``kind``; nothing is refused here."""
    other = Target(_NON_RESOURCE_VERBS.get(method, method.lower()), path)
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return other
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = "/".join(rest[2:])
    if resource == "namespaces" and name and not group:
        # Kubernetes authorizes requests for a namespace object inside that namespace.
        namespace = name
    if method == "HEAD":
        method = "GET"
    verb = (_VERBS_ONE if name else _VERBS_MANY).get(method, "")
    if not verb:
        verb = method.lower()
    if watching and verb in ("list", "get") and not subresource:
        verb = "watch"
    kind = kinds.by_resource(group, version, resource)
    if kind is not None and not kind.namespaced and namespace and resource != "namespaces":
        kind = None
    return Target(verb, path, kind, group, version, resource, namespace, name, subresource)


def check_served(target: Target, method: str) -> Kind:
    """Return the kind; raises ``StatusError`` 404 or 405 for what is not served."""
    kind = target.kind
    if kind is None:
        raise errors.no_such_path()
    if target.subresource:
        sub = kind.subresource(target.subresource.split("/")[0])
        if sub is None:
            raise errors.no_such_path()
        if target.verb not in sub.verbs:
            raise errors.method_not_allowed()
        return kind
    if target.verb not in kind.verbs or (target.name and target.verb == "create"):
        raise errors.method_not_allowed()
    if method == "PATCH" and not target.name:
        raise errors.method_not_allowed()
    if kind.namespaced and not target.namespace and (target.name or target.verb == "create"):
        if not target.name and target.verb == "create" and kind.verbs == ("create",):
            return kind
        raise errors.method_not_allowed() if not target.name else errors.no_such_path()
    return kind

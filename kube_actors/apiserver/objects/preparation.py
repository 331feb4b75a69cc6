"""Whether an update was made from the stored state, and which updates may create. Pure."""

from kube_actors.api import Cause, Kind, Object, errors

# Kinds that must say which state their update was made from (no AllowUnconditionalUpdate).
_CONDITIONAL = frozenset(
    (
        ("networking.k8s.io", "ipaddresses"),
        ("networking.k8s.io", "servicecidrs"),
        ("apiregistration.k8s.io", "apiservices"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("policy", "poddisruptionbudgets"),
    )
)
_MAY_CREATE = frozenset(
    (
        ("coordination.k8s.io", "leases"),
        ("", "events"),
        ("events.k8s.io", "events"),
        ("", "endpoints"),
        ("", "limitranges"),
        ("", "services"),
        ("rbac.authorization.k8s.io", "roles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
    )
)


def may_create_on_update(kind: Kind) -> bool:
    """Say whether PUT to an absent name creates, as upstream's ``AllowCreateOnUpdate`` does for few
    kinds.
    """
    return (kind.group, kind.plural) in _MAY_CREATE


def check_versions(kind: Kind, new: Object, old: Object) -> None:
    """Raise ``StatusError`` 409 when ``new`` was made from another state or object."""
    given, stored = new["metadata"], old["metadata"]
    uid = given.get("uid")
    if uid and uid != stored.get("uid"):
        raise errors.conflict(
            kind,
            stored["name"],
            f"Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {stored.get('uid', '')}",
        )
    version = given.get("resourceVersion")
    if version and version != stored["resourceVersion"]:
        raise errors.conflict(kind, stored["name"])
    if not version and ((kind.group, kind.plural) in _CONDITIONAL or kind.definition is not None):
        cause = Cause.invalid("metadata.resourceVersion", 0, "must be specified for an update")
        raise errors.invalid(kind, stored["name"], [cause])

"""A signing request says who made it; only the server knows that."""

from kube_actors.api import Object
from kube_actors.apiserver.request import User


def admit(user: User, obj: Object) -> None:
    """Put the user in ``obj``, instead of whom it names."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    for field in ("uid", "extra"):
        spec.pop(field, None)
    spec["username"], spec["groups"] = user.name, list(user.groups)
    if user.uid:
        spec["uid"] = user.uid

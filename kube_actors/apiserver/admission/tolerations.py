"""Pods tolerate a lost node for a while before they are evicted (DefaultTolerationSeconds)."""

from typing import Any

from kube_actors.api import NOT_READY, UNREACHABLE, Object


def admit(pod: Object, toleration_s: int) -> None:
    """Add the two NoExecute tolerations unless the pod tolerates them already."""
    spec = pod.setdefault("spec", {})
    given: list[dict[str, Any]] = list(spec.get("tolerations") or ())
    missing = [key for key in (NOT_READY, UNREACHABLE) if not _tolerates(given, key)]
    if missing:
        spec["tolerations"] = given + [
            {
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": toleration_s,
            }
            for key in missing
        ]


def _tolerates(given: list[dict[str, Any]], key: str) -> bool:
    return any(
        each.get("key", "") in ("", key) and each.get("effect", "") in ("", "NoExecute")
        for each in given
    )

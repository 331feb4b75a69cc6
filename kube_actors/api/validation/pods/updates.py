"""What may change in a pod that exists: images, deadlines, added tolerations, little else."""

import json
from typing import Any

from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import Causes, Tree
from kube_actors.api.validation.pods.pods import pod_spec

_FORBIDDEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
    "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
    "(allow it to be set to 1 if it was previously negative)"
)
_COUNT = "pod updates may not add or remove containers"
_LISTS = ("containers", "initContainers")
_DIFFERENCES_MAX = 20


def pod_update(new: Tree, old: Tree) -> Causes:
    """Check an update through the main resource."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    if spec == before:
        return
    yield from pod_spec(spec, "spec")
    counts_differ = False
    for name in _LISTS:
        if len(spec.get(name) or ()) != len(before.get(name) or ()):
            counts_differ = True
            yield Cause.forbidden(f"spec.{name}", _COUNT)
    if counts_differ:
        return
    yield from _deadline(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    yield from _only_added(spec.get("tolerations") or [], before.get("tolerations") or [])
    yield from _gates(spec, before)
    munged = _munged(spec, before)
    if munged != before:
        lines = differences(before, munged, "spec")
        yield Cause.forbidden("spec", "\n".join([_FORBIDDEN, *lines]))


def _munged(spec: Tree, before: Tree) -> Tree:
    # The fields that may change, put back as they were: what differs still is forbidden.
    munged = dict(spec)
    for name in _LISTS:
        if before.get(name):
            pairs = zip(spec[name], before[name], strict=True)
            munged[name] = [{**each, "image": old.get("image")} for each, old in pairs]
    kept = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    grace = "terminationGracePeriodSeconds"
    if spec.get(grace) == 1 and before.get(grace, 0) < 0:
        kept.append(grace)
    if before.get("schedulingGates"):
        kept += _narrowed(spec, before)
    for key in kept:
        munged.pop(key, None)
        if key in before:
            munged[key] = before[key]
    return munged


def _narrowed(spec: Tree, before: Tree) -> list[str]:
    # A pod that is held back by gates may still be told more narrowly where to run.
    old, new = before.get("nodeSelector") or {}, spec.get("nodeSelector") or {}
    narrower = all(new.get(key) == value for key, value in old.items())
    found = ["nodeSelector"] if narrower else []
    return [*found, "affinity"] if "affinity" not in before else found


def _deadline(new: int | None, old: int | None) -> Causes:
    path = "spec.activeDeadlineSeconds"
    if old is None or new == old:
        return
    if new is None:
        yield Cause.invalid(path, None, "must not update from a positive integer to nil value")
    elif new > old:
        yield Cause.invalid(path, new, "must be less than or equal to previous value")


def _only_added(new: list[Tree], old: list[Tree]) -> Causes:
    def key(toleration: Tree) -> Tree:
        return {name: value for name, value in toleration.items() if name != "tolerationSeconds"}

    kept = [key(each) for each in new]
    for each in old:
        if key(each) not in kept:
            detail = "existing toleration can not be modified except its tolerationSeconds"
            yield Cause.forbidden("spec.tolerations", detail)
            return


def _gates(spec: Tree, before: Tree) -> Causes:
    old = [gate.get("name") for gate in before.get("schedulingGates") or ()]
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        if gate.get("name") not in old:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            yield Cause.forbidden(f"spec.schedulingGates[{index}]", detail)


def differences(old: Any, new: Any, path: str) -> list[str]:
    """List what differs, one ``- path: value`` or ``+ path: value`` a line, at most 40."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in [*old, *(key for key in new if key not in old)]:
            found += differences(old.get(key), new.get(key), f"{path}.{key}")
        return found[: 2 * _DIFFERENCES_MAX]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        found = []
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            found += differences(before, after, f"{path}[{index}]")
        return found[: 2 * _DIFFERENCES_MAX]
    if old == new:
        return []
    sides = (("-", old), ("+", new))
    return [f"{sign} {path}: {_shown(side)}" for sign, side in sides if side is not None]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pod_status_update(new: Tree, old: Tree) -> Causes:
    """Check an update through the status subresource."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    if spec.get("nodeName") != before.get("nodeName"):
        yield Cause.forbidden("status.nodeName", "may not be changed directly")
    finished = (old.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
    phase = (new.get("status") or {}).get("phase")
    if finished and phase not in {"Succeeded", "Failed"} and not before.get("nodeName"):
        yield Cause.forbidden("status.phase", "a finished pod may not run again")


def ephemeral_containers_update(new: Tree, old: Tree) -> Causes:
    """Check an update that may only add ephemeral containers."""
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    yield from pod_spec(spec, "spec")
    found = {each.get("name"): each for each in spec.get("ephemeralContainers") or ()}
    for each in before.get("ephemeralContainers") or ():
        name = each.get("name")
        if name not in found:
            detail = f"existing ephemeral containers {json.dumps(name)} may not be removed\n"
            yield Cause.forbidden("spec.ephemeralContainers", detail)
        elif found[name] != each:
            detail = f"existing ephemeral containers {json.dumps(name)} may not be changed\n"
            yield Cause.forbidden("spec.ephemeralContainers", detail)

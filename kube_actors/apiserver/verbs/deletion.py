"""delete and deletecollection: preconditions, grace, finalizers, and then the removal.

An object that something must still be done about is only marked (deletionTimestamp) and goes when
its last finalizer is taken off, a bound pod when its kubelet says that it has ended (grace 0).
"""

from datetime import UTC, datetime

from kube_actors.api import Kind, Object, errors
from kube_actors.api.strategy import counts_generation, graceful_deletion_s
from kube_actors.apiserver.admission import refuse_immortal
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.request import Answer, answer_success
from kube_actors.apiserver.transaction import Plan, Stored, change
from kube_actors.apiserver.verbs import allocation
from kube_actors.apiserver.verbs.options import DeleteOptions, parse_options
from kube_actors.apiserver.verbs.reading import Page, encode_list, selection

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_ORPHANS_BY_DEFAULT = frozenset((("batch", "jobs"), ("", "replicationcontrollers")))
# Kinds whose deletion answers what was deleted, and not a Status.
_ANSWERS_OBJECT = {
    "": frozenset(
        (
            "pods",
            "services",
            "serviceaccounts",
            "persistentvolumes",
            "persistentvolumeclaims",
            "podtemplates",
            "resourcequotas",
            "namespaces",
        )
    ),
    "storage.k8s.io": frozenset(
        (
            "csidrivers",
            "csinodes",
            "storageclasses",
            "volumeattachments",
            "volumeattributesclasses",
        )
    ),
    "resource.k8s.io": frozenset(
        ("deviceclasses", "resourceclaims", "resourceclaimtemplates", "resourceslices")
    ),
}
_JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set "
    "propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress "
    "this warning"
)


async def delete(call: Call) -> Answer:
    """Answer the object that now waits to go, or what went; raises ``StatusError``."""
    options = parse_options(call.request)
    if call.kind.plural == "namespaces" and not call.kind.group:
        refuse_immortal(call.name)
    if call.kind.plural == "jobs" and not options.propagation:
        call.warnings.append(_JOB_WARNING)
    stored, gone = await delete_object(call, call.namespace, call.name, options)
    if gone and call.kind.plural not in _ANSWERS_OBJECT.get(call.kind.group, ()):
        metadata = stored.decode()["metadata"]
        details = {"name": call.name, "group": call.kind.group, "kind": call.kind.plural}
        details["uid"] = metadata.get("uid", "")
        answer = answer_success({key: value for key, value in details.items() if value})
        return call.answer_body(answer.body)
    pending = not gone and options.propagation == "Foreground"
    return call.answer(stored, 202 if pending else 200)


async def delete_object(
    call: Call, namespace: str, name: str, options: DeleteOptions
) -> tuple[Stored, bool]:
    """Return the last state and whether the object is gone; raises ``StatusError``."""
    gone = False

    def decide(stored: Stored) -> Plan | None:
        nonlocal gone
        old = call.served(stored)
        check_preconditions(call.kind, old, options)
        new = marked(call.kind, old, options, call.server.clock.now())
        gone = new is None
        if new is None:
            return delete_now(call, old)
        return Plan(value=call.value(new))

    dry_run = call.dry_run or options.dry_run
    stored = await change(call.server, call.storage, namespace, name, decide, dry_run=dry_run)
    return stored, gone


def delete_now(call: Call, old: Object) -> Plan:
    """Return the removal, with all that the object held."""
    return Plan(delete=True, also=allocation.on_delete(call, old))


def check_preconditions(kind: Kind, old: Object, options: DeleteOptions) -> None:
    """Raise ``StatusError`` 409 unless the object is the one that was meant."""
    metadata = old["metadata"]
    pairs = (
        ("UID", options.uid, metadata.get("uid", "")),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"]),
    )
    for what, wanted, found in pairs:
        if wanted and wanted != found:
            detail = (
                f"Precondition failed: {what} in precondition: {wanted}, "
                f"{what} in object meta: {found}"
            )
            raise errors.conflict(kind, metadata["name"], detail)


def marked(kind: Kind, old: Object, options: DeleteOptions, now_s: float) -> Object | None:
    """Return ``old`` as it waits to be removed, None when it may go now. Pure."""
    metadata = dict(old["metadata"])
    new = {**old, "metadata": metadata}
    metadata.pop("resourceVersion", None)
    if kind.plural == "namespaces" and not kind.group:
        return _marked_namespace(new, now_s)
    finalizers = _finalizers(kind, metadata.get("finalizers") or [], options.propagation)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    grace_s = _grace(kind, old, options.grace_s)
    if grace_s is None:
        return new
    if grace_s == 0 and not finalizers:
        return None
    _mark(kind, metadata, grace_s, now_s)
    return new


def _grace(kind: Kind, old: Object, asked_s: int | None) -> int | None:
    """Return the grace to set, None when a deletion under way goes on as it is."""
    if kind.plural != "pods" or kind.group:
        return 0
    under_way = old["metadata"].get("deletionGracePeriodSeconds")
    if under_way is not None and old["metadata"].get("deletionTimestamp"):
        return None if asked_s is None or asked_s >= under_way else max(asked_s, 0)
    return graceful_deletion_s(kind, old, asked_s)


def _mark(kind: Kind, metadata: Object, grace_s: int, now_s: float) -> None:
    if "deletionTimestamp" in metadata:
        before_s = int(metadata.get("deletionGracePeriodSeconds") or 0)
        if grace_s >= before_s:
            return
        started = datetime.fromisoformat(metadata["deletionTimestamp"]).timestamp() - before_s
    else:
        started = now_s
        if counts_generation(kind) and metadata.get("generation"):
            metadata["generation"] += 1
    metadata["deletionTimestamp"] = _timestamp(started + grace_s)
    metadata["deletionGracePeriodSeconds"] = grace_s


def _timestamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _marked_namespace(new: Object, now_s: float) -> Object | None:
    metadata = new["metadata"]
    waits = (new.get("spec") or {}).get("finalizers") or metadata.get("finalizers")
    if not waits:
        return None
    metadata.setdefault("deletionTimestamp", _timestamp(now_s))
    new["status"] = {**(new.get("status") or {}), "phase": "Terminating"}
    return new


def _finalizers(kind: Kind, given: list[str], propagation: str) -> list[str]:
    wanted = {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(propagation, "")
    if not propagation:
        wanted = next((each for each in given if each in (ORPHAN, FOREGROUND)), "")
        if not wanted and (kind.group, kind.plural) in _ORPHANS_BY_DEFAULT:
            wanted = ORPHAN
    kept = [each for each in given if each not in (ORPHAN, FOREGROUND)]
    return [*kept, wanted] if wanted else kept


def finished(kind: Kind, new: Object) -> bool:
    """Whether an update took off the last thing a marked object waited for."""
    metadata = new["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if kind.plural == "namespaces" and not kind.group:
        return not (new.get("spec") or {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


async def delete_collection(call: Call) -> Answer:
    """Delete everything a list would have shown; answers that list."""
    options = parse_options(call.request)
    cache = call.server.cached(call.kind)
    await call.server.read_index.wait()
    entries = cache.select(selection(call))
    revision = call.server.cache.revision
    for entry in entries:
        try:
            await delete_object(call, entry.namespace, entry.name, options)
        except errors.StatusError as error:
            if error.code != 404:
                raise
    return call.answer_body(encode_list(call, Page(entries, revision)))

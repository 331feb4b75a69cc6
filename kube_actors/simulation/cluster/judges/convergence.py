"""What must come true once the faults have stopped, although the dead stay dead.

Pure: looks at the objects as the history has them, and says what is still missing. A pod on a dead
node cannot be ended by anybody, as in Kubernetes; it does not count, and neither does what waits
for it. A pod for which no node has room must wait, and so must its owners.
"""

from kube_actors.simulation.cluster.history import History, Object
from kube_actors.simulation.cluster.judges.invariants import orphans
from kube_actors.simulation.cluster.judges.limits import load, requests


def unfinished(history: History, dead_nodes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return (promise, what is missing) for all that is not yet as it was asked."""
    found = [("dependents-go", f"{key} has no owner left") for key in orphans(history, dead_nodes)]
    crowded = _without_room(history, dead_nodes)
    found += [("controllers-converge", text) for text in _deployments(history, dead_nodes, crowded)]
    found += [("controllers-converge", text) for text in _jobs(history, dead_nodes, crowded)]
    found += [("controllers-converge", text) for text in _endpoints(history, dead_nodes)]
    found += [("controllers-converge", text) for text in _going(history, dead_nodes)]
    found += [("controllers-converge", text) for text in _homeless(history)]
    return found


def _deployments(
    history: History, dead_nodes: tuple[str, ...], crowded: dict[str, None]
) -> list[str]:
    found = []
    for obj in history.of("apps/deployments").values():
        spec, status, name = obj["spec"], obj.get("status") or {}, obj["metadata"]["name"]
        wanted = spec.get("replicas", 1)
        if obj["metadata"].get("deletionTimestamp") or obj["metadata"]["uid"] in crowded:
            continue
        if status.get("observedGeneration") != obj["metadata"].get("generation"):
            found.append(f"deployment {name}: its newest generation was not observed")
            continue
        found += [
            f"deployment {name}: {field} {status.get(field) or 0} of {wanted}"
            for field in ("replicas", "updatedReplicas", "availableReplicas")
            if (status.get(field) or 0) != wanted
        ]
        living = [pod for pod in _pods(history, name, obj) if _node(pod) not in dead_nodes]
        if len(living) != wanted:
            found.append(f"deployment {name}: {len(living)} living pods of {wanted}")
    return found


def _pods(history: History, app: str, deployment: Object) -> list[Object]:
    space = deployment["metadata"]["namespace"]
    return [
        pod
        for pod in history.of("core/pods").values()
        if pod["metadata"]["namespace"] == space
        and (pod["metadata"].get("labels") or {}).get("app") == app
        and not pod["metadata"].get("deletionTimestamp")
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]


def _without_room(history: History, dead_nodes: tuple[str, ...]) -> dict[str, None]:
    """Collect the uids of owners, and theirs, of pods that fit on no living node."""
    nodes = [
        n for n in history.of("core/nodes").values() if n["metadata"]["name"] not in dead_nodes
    ]
    loads = [load(history, node) for node in nodes]
    found: dict[str, None] = {}
    for pod in history.of("core/pods").values():
        if _node(pod) or pod["metadata"].get("deletionTimestamp"):
            continue
        asked = {"pods": 1.0, **requests(pod)}
        if any(
            all(there[r][0] + asked[r] <= there[r][1] for r in asked if r in there)
            for there in loads
        ):
            continue
        level = [pod]
        while level:
            uids = [o["uid"] for obj in level for o in obj["metadata"].get("ownerReferences") or ()]
            found.update(dict.fromkeys(uids))
            level = [
                obj
                for obj in history.objects.values()
                if (obj.get("metadata") or {}).get("uid") in uids
            ]
    return found


def _jobs(history: History, dead_nodes: tuple[str, ...], crowded: dict[str, None]) -> list[str]:
    # A job is over only when no pod of it is left that still has to end.
    found, stuck = [], _held_by_the_dead(history, dead_nodes)
    for obj in history.of("batch/jobs").values():
        conditions = (obj.get("status") or {}).get("conditions") or ()
        over = any(
            c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions
        )
        uid = obj["metadata"]["uid"]
        going = obj["metadata"].get("deletionTimestamp") or uid in stuck or uid in crowded
        if not over and not going:
            done = (obj.get("status") or {}).get("succeeded", 0)
            wanted = obj["spec"].get("completions", 1)
            found.append(f"job {obj['metadata']['name']}: {done} of {wanted} succeeded")
    return found


def _endpoints(history: History, dead_nodes: tuple[str, ...]) -> list[str]:
    found = []
    for obj in history.of("core/services").values():
        selector = obj["spec"].get("selector") or {}
        name, space = obj["metadata"]["name"], obj["metadata"]["namespace"]
        if not selector or obj["metadata"].get("deletionTimestamp"):
            continue
        ready = sorted(
            pod["status"]["podIP"]
            for pod in history.of("core/pods").values()
            if pod["metadata"]["namespace"] == space
            and selector.items() <= (pod["metadata"].get("labels") or {}).items()
            and not pod["metadata"].get("deletionTimestamp")
            and _node(pod) not in dead_nodes
            and _is_ready(pod)
        )
        listed = sorted(
            address
            for piece in history.of("discovery.k8s.io/endpointslices").values()
            if piece["metadata"]["namespace"] == space
            and (piece["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name
            for endpoint in piece.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready")
            for address in endpoint["addresses"]
        )
        if ready != listed:
            found.append(f"service {name}: ready pods {ready}, endpoints {listed}")
    return found


def _going(history: History, dead_nodes: tuple[str, ...]) -> list[str]:
    """Name what was deleted and is still there."""
    found, stuck = [], _held_by_the_dead(history, dead_nodes)
    for key, obj in history.objects.items():
        meta = obj.get("metadata") or {}
        if not meta.get("deletionTimestamp") or meta.get("uid") in stuck:
            continue
        if meta.get("namespace") in stuck or _node(obj) in dead_nodes:
            continue
        found.append(f"{key} was deleted and is still there")
    return found


def _homeless(history: History) -> list[str]:
    """Name what outlived its namespace."""
    spaces = {obj["metadata"]["name"]: None for obj in history.of("core/namespaces").values()}
    return [
        f"{key} is left of a namespace that is gone"
        for key, obj in history.objects.items()
        if (space := (obj.get("metadata") or {}).get("namespace")) and space not in spaces
    ]


def _held_by_the_dead(history: History, dead_nodes: tuple[str, ...]) -> dict[str, None]:
    """Collect the uids of owners, and the namespaces, that wait for a pod of a dead node."""
    stuck: dict[str, None] = {}
    level = [pod for pod in history.of("core/pods").values() if _node(pod) in dead_nodes]
    by_uid = {o["metadata"]["uid"]: o for o in history.objects.values() if "metadata" in o}
    while level:
        nearer = []
        for obj in level:
            stuck[obj["metadata"].get("namespace", "")] = None
            for owner in obj["metadata"].get("ownerReferences") or ():
                if owner["uid"] not in stuck:
                    stuck[owner["uid"]] = None
                    if owner["uid"] in by_uid:
                        nearer.append(by_uid[owner["uid"]])
        level = nearer
    stuck.pop("default", None)
    return stuck


def _node(obj: Object) -> str:
    return str((obj.get("spec") or {}).get("nodeName") or "")


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

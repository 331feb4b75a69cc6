"""The cluster roles and bindings that every cluster starts with. Pure.

A short form of Kubernetes' own bootstrap policy: the user-facing roles (cluster-admin, admin,
edit, view) and what nodes, discovery and our components need.
"""

from collections.abc import Iterable

from kube_actors.api import Object

_API = "rbac.authorization.k8s.io/v1"
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY = (
    *_HEALTH,
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/openapi",
    "/openapi/*",
)
_NAMESPACED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "",
        (
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "pods",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "serviceaccounts",
            "services",
        ),
    ),
    ("discovery.k8s.io", ("endpointslices",)),
    (
        "apps",
        (
            "controllerrevisions",
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ),
    ),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("batch", ("cronjobs", "jobs")),
    ("policy", ("poddisruptionbudgets",)),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
)
_SEEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "",
        (
            "bindings",
            "events",
            "limitranges",
            "namespaces",
            "namespaces/status",
            "pods/log",
            "pods/status",
            "resourcequotas",
            "services/status",
        ),
    ),
    ("apps", ("daemonsets/status", "deployments/status", "replicasets/status")),
    ("events.k8s.io", ("events",)),
)


def _rule(group: str, resources: Iterable[str], verbs: Iterable[str]) -> Object:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _paths(paths: Iterable[str]) -> Object:
    return {"nonResourceURLs": list(paths), "verbs": ["get"]}


def _role(name: str, rules: list[Object], *, to: str = "", of: str = "") -> Object:
    labels = dict(_LABELS)
    if to:
        labels[_AGGREGATE + to] = "true"
    role: Object = {
        "apiVersion": _API,
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels},
        "rules": rules,
    }
    if of:
        selectors = [{"matchLabels": {_AGGREGATE + of: "true"}}]
        role["aggregationRule"] = {"clusterRoleSelectors": selectors}
    return role


def _binding(name: str, subjects: Iterable[tuple[str, str]]) -> Object:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": _API,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": dict(_LABELS)},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
        "subjects": [
            {"apiGroup": group, "kind": kind, "name": subject} for kind, subject in subjects
        ],
    }


def _user_facing() -> list[Object]:
    view = [_rule(group, resources, _READ) for group, resources in (*_NAMESPACED, *_SEEN)]
    edit = [_rule(group, resources, _WRITE) for group, resources in _NAMESPACED]
    edit.append(_rule("", ("secrets",), (*_READ, *_WRITE)))
    edit.append(_rule("", ("pods/eviction", "serviceaccounts/token"), ("create",)))
    edit.append(_rule("", ("serviceaccounts",), ("impersonate",)))
    edit.append(_rule("", ("events",), ("create", "patch", "update")))
    admin = [
        _rule("rbac.authorization.k8s.io", ("rolebindings", "roles"), (*_READ, *_WRITE)),
        _rule("authorization.k8s.io", ("localsubjectaccessreviews",), ("create",)),
    ]
    everything: list[Object] = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    # What view allows, edit allows, and what edit allows, admin allows: each is listed in full.
    return [
        _role("cluster-admin", everything),
        _role("admin", view + edit + admin, of="admin"),
        _role("edit", view + edit, to="admin", of="edit"),
        _role("view", view, to="edit", of="view"),
    ]


def _components() -> list[Object]:
    anything = [_rule("*", ("*",), ("*",))]
    node = [
        _rule("", ("services", "nodes", "pods", "configmaps", "secrets", "namespaces"), _READ),
        _rule("", ("nodes",), ("create", "update", "patch")),
        _rule("", ("nodes/status", "pods/status"), ("update", "patch")),
        _rule("", ("pods",), ("create", "delete")),
        _rule("", ("pods/eviction",), ("create",)),
        _rule("", ("events",), ("create", "update", "patch")),
        _rule("", ("serviceaccounts/token",), ("create",)),
        _rule("coordination.k8s.io", ("leases",), (*_READ, *_WRITE)),
        _rule("storage.k8s.io", ("csinodes", "volumeattachments"), (*_READ, *_WRITE)),
    ]
    proxier = [
        # Ours also gives pods their addresses, and finds those it gave when it starts again.
        _rule("", ("endpoints", "services", "nodes", "pods"), _READ),
        _rule("discovery.k8s.io", ("endpointslices",), _READ),
        _rule("networking.k8s.io", ("servicecidrs",), _READ),
        _rule("", ("events",), ("create", "update", "patch")),
    ]
    reviews = (
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
    )
    basic = [
        _rule("authorization.k8s.io", reviews, ("create",)),
        _rule("authentication.k8s.io", ("selfsubjectreviews",), ("create",)),
    ]
    return [
        _role("system:kube-controller-manager", anything),
        _role("system:kube-scheduler", anything),
        _role("system:node", node),
        _role("system:node-proxier", proxier),
        _role("system:basic-user", basic),
        _role("system:discovery", [_paths(_DISCOVERY)]),
        _role("system:public-info-viewer", [_paths(_HEALTH)]),
        _role("system:monitoring", [_paths((*_HEALTH, "/metrics", "/readyz/*", "/livez/*"))]),
    ]


def policy_objects() -> list[Object]:
    """Return the roles, then their bindings."""
    signed_in = ("Group", "system:authenticated")
    return [
        *_user_facing(),
        *_components(),
        _binding("cluster-admin", [("Group", "system:masters")]),
        _binding("system:kube-controller-manager", [("User", "system:kube-controller-manager")]),
        _binding("system:kube-scheduler", [("User", "system:kube-scheduler")]),
        _binding("system:node", [("Group", "system:nodes")]),
        _binding("system:node-proxier", [("User", "system:kube-proxy")]),
        _binding("system:basic-user", [signed_in]),
        _binding("system:discovery", [signed_in]),
        _binding("system:monitoring", [("Group", "system:monitoring")]),
        _binding("system:public-info-viewer", [signed_in, ("Group", "system:unauthenticated")]),
    ]

"""Checks of roles and role bindings."""

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.metadata import label_selector
from kube_actors.api.validation.numbers import Causes, Tree

GROUP = "rbac.authorization.k8s.io"


def role(obj: Tree) -> Causes:
    """Apply ``ValidateRole``: a Role's rules cannot name URLs."""
    for index, rule in enumerate(obj.get("rules") or ()):
        yield from policy_rule(rule, f"rules[{index}]", namespaced=True)


def cluster_role(obj: Tree) -> Causes:
    """Apply ``ValidateClusterRole``: URLs may be named, an aggregation needs selectors."""
    for index, rule in enumerate(obj.get("rules") or ()):
        yield from policy_rule(rule, f"rules[{index}]", namespaced=False)
    aggregation = obj.get("aggregationRule")
    if aggregation is None:
        return
    selectors = aggregation.get("clusterRoleSelectors") or []
    if not selectors:
        detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        yield Cause.required("aggregationRule.clusterRoleSelectors", detail)
    for index, selector in enumerate(selectors):
        here = f"aggregationRule.clusterRoleSelectors[{index}]"
        yield from label_selector(selector, here)


def policy_rule(rule: Tree, path: str, *, namespaced: bool) -> Causes:
    """Apply ``ValidatePolicyRule``: verbs, and either URLs or groups with resources."""
    if not rule.get("verbs"):
        yield Cause.required(f"{path}.verbs", "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs") or []
    if urls:
        if namespaced:
            detail = "namespaced rules cannot apply to non-resource URLs"
            yield Cause.invalid(f"{path}.nonResourceURLs", urls, detail)
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            yield Cause.invalid(f"{path}.nonResourceURLs", urls, detail)
        return
    if not rule.get("apiGroups"):
        detail = "resource rules must supply at least one api group"
        yield Cause.required(f"{path}.apiGroups", detail)
    if not rule.get("resources"):
        detail = "resource rules must supply at least one resource"
        yield Cause.required(f"{path}.resources", detail)


def role_binding(obj: Tree) -> Causes:
    """Apply ``ValidateRoleBinding``: it may refer to a Role or a ClusterRole."""
    yield from _binding(obj, ("ClusterRole", "Role"))


def cluster_role_binding(obj: Tree) -> Causes:
    """Apply ``ValidateClusterRoleBinding``: service accounts must name their namespace."""
    yield from _binding(obj, ("ClusterRole",))


def _binding(obj: Tree, kinds: tuple[str, ...]) -> Causes:
    ref = obj.get("roleRef") or {}
    if ref.get("apiGroup") != GROUP:
        yield Cause.not_supported("roleRef.apiGroup", ref.get("apiGroup", ""), (GROUP,))
    if ref.get("kind") not in kinds:
        yield Cause.not_supported("roleRef.kind", ref.get("kind", ""), kinds)
    name = ref.get("name")
    if not name:
        yield Cause.required("roleRef.name")
    else:
        for fault in names.path_segment(name):
            yield Cause.invalid("roleRef.name", name, fault)
    cluster_wide = len(kinds) == 1
    for index, subject in enumerate(obj.get("subjects") or ()):
        yield from _subject(subject, f"subjects[{index}]", cluster_wide)


def _subject(subject: Tree, path: str, cluster_wide: bool) -> Causes:
    kind, name = subject.get("kind", ""), subject.get("name")
    if not name:
        yield Cause.required(f"{path}.name")
    group = subject.get("apiGroup") or ""
    if kind == "ServiceAccount":
        for fault in names.dns1123_subdomain(name) if name else ():
            yield Cause.invalid(f"{path}.name", name, fault)
        if group:
            yield Cause.not_supported(f"{path}.apiGroup", group, ("",))
        if cluster_wide and not subject.get("namespace"):
            yield Cause.required(f"{path}.namespace")
    elif kind in {"User", "Group"}:
        if group != GROUP:
            yield Cause.not_supported(f"{path}.apiGroup", group, (GROUP,))
    else:
        yield Cause.not_supported(f"{path}.kind", kind, ("Group", "ServiceAccount", "User"))


def binding_update(new: Tree, old: Tree) -> Causes:
    """Refuse another ``roleRef``: who may bind a role must not get at others by an update."""
    if new.get("roleRef") != old.get("roleRef"):
        yield Cause.invalid("roleRef", new.get("roleRef"), "cannot change roleRef")

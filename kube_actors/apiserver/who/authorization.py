"""What a user may do: RBAC from the stored roles and bindings.

Rules are gathered per user from the watch cache and kept until a role or binding changes.
``system:masters`` may do everything. Aggregated cluster roles are put together here, when they
are used, so no controller has to fill them in.
"""

from collections.abc import Iterable
from typing import Any

import attrs

from kube_actors.api import Object, errors
from kube_actors.api.selectors import from_label_selector
from kube_actors.apiserver.cache import WatchCache
from kube_actors.apiserver.request import User

_GROUP = "rbac.authorization.k8s.io"
_USERS_MAX = 4096


@attrs.frozen
class Attributes:
    """What is to be done. ``path`` is set for a request that is about no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def qualified(self) -> str:
        """The resource as rules name it: ``pods``, ``pods/log``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@attrs.frozen
class Rule:
    """One PolicyRule; ``namespace`` "" means everywhere."""

    namespace: str
    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    paths: tuple[str, ...]
    source: Object = attrs.field(eq=False, repr=False)

    def allows(self, asked: Attributes) -> bool:
        """Say whether one RBAC rule covers what is asked: each of its dimensions must, "*" covers
        all.
        """
        if "*" not in self.verbs and asked.verb not in self.verbs:
            return False
        if asked.path:
            return any(_path_matches(pattern, asked.path) for pattern in self.paths)
        if "*" not in self.groups and asked.group not in self.groups:
            return False
        if not self._covers_resource(asked):
            return False
        return not self.names or asked.name in self.names

    def _covers_resource(self, asked: Attributes) -> bool:
        resources = self.resources
        if "*" in resources or asked.qualified in resources:
            return True
        return bool(asked.subresource) and f"*/{asked.subresource}" in resources


def _path_matches(pattern: str, path: str) -> bool:
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return pattern == path


class Authorizer:
    """Decides from what ``cache`` holds now."""

    def __init__(self, cache: WatchCache) -> None:
        self._sources = tuple(
            cache.resource(_GROUP, plural)
            for plural in ("clusterroles", "clusterrolebindings", "roles", "rolebindings")
        )
        self._versions: tuple[int, ...] = ()
        self._rules: dict[User, tuple[Rule, ...]] = {}
        self._compiled: dict[tuple[str, str, str], tuple[Rule, ...]] = {}

    def allows(self, user: User, asked: Attributes) -> bool:
        """Say whether any role of the user allows it; ``system:masters`` may do everything (RBAC is
        additive).
        """
        if "system:masters" in user.groups:
            return True
        for rule in self.rules_of(user):
            if (not rule.namespace or rule.namespace == asked.namespace) and rule.allows(asked):
                return True
        return False

    def check(self, user: User, asked: Attributes) -> None:
        """Raise ``StatusError`` 403 with Kubernetes' message unless allowed."""
        if not self.allows(user, asked):
            raise forbidden(user, asked)

    def rules_of(self, user: User) -> tuple[Rule, ...]:
        """Return every rule bound to ``user`` or one of its groups."""
        versions = tuple(source.version for source in self._sources)
        if versions != self._versions or len(self._rules) > _USERS_MAX:
            self._versions = versions
            self._rules = {}
            self._compiled = {}
        found = self._rules.get(user)
        if found is None:
            found = self._rules[user] = tuple(self._gather(user))
        return found

    def _gather(self, user: User) -> Iterable[Rule]:
        _, cluster_bindings, _, bindings = self._sources
        for entry in cluster_bindings.entries():
            yield from self._bound(user, entry.decode(), "")
        for entry in bindings.entries():
            yield from self._bound(user, entry.decode(), entry.namespace)

    def _bound(self, user: User, binding: Object, namespace: str) -> Iterable[Rule]:
        subjects = binding.get("subjects") or ()
        if any(_is_subject(user, subject, namespace) for subject in subjects):
            yield from self._compiled_role(binding["roleRef"], namespace)

    def _compiled_role(self, reference: Object, namespace: str) -> tuple[Rule, ...]:
        """Return a role's rules as all who are bound to it in one namespace share them."""
        key = (reference.get("kind", ""), reference["name"], namespace)
        found = self._compiled.get(key)
        if found is None:
            rules = self._role_rules(reference, namespace)
            found = self._compiled[key] = tuple(_compile(rule, namespace) for rule in rules)
        return found

    def _role_rules(self, reference: Object, namespace: str) -> list[Object]:
        cluster_roles, _, roles, _ = self._sources
        if reference.get("kind") == "Role":
            entry = roles.get(namespace, reference["name"])
        else:
            entry = cluster_roles.get("", reference["name"])
        if entry is None:
            return []
        role = entry.decode()
        rules = list(role.get("rules") or ())
        aggregation = role.get("aggregationRule") or {}
        for selector in aggregation.get("clusterRoleSelectors") or ():
            chosen = from_label_selector(selector)
            for other in cluster_roles.entries():
                if other is not entry and chosen.matches(other.labels):
                    rules.extend(other.decode().get("rules") or ())
        return rules


def _is_subject(user: User, subject: dict[str, Any], namespace: str) -> bool:
    kind, name = subject.get("kind"), subject.get("name", "")
    if kind == "User":
        return bool(name == user.name)
    if kind == "Group":
        return name in user.groups
    if kind == "ServiceAccount":
        where = subject.get("namespace") or namespace
        return user.name == f"system:serviceaccount:{where}:{name}"
    return False


def _compile(rule: Object, namespace: str) -> Rule:
    return Rule(
        namespace,
        frozenset(rule.get("verbs") or ()),
        frozenset(rule.get("apiGroups") or ()),
        frozenset(rule.get("resources") or ()),
        frozenset(rule.get("resourceNames") or ()),
        tuple(rule.get("nonResourceURLs") or ()) if not namespace else (),
        rule,
    )


def forbidden(user: User, asked: Attributes) -> errors.StatusError:
    """Return the 403 that kube-apiserver gives for this."""
    if asked.path:
        detail = f'User "{user.name}" cannot {asked.verb} path "{asked.path}"'
        return errors.StatusError(403, "Forbidden", f"forbidden: {detail}", {})
    detail = (
        f'User "{user.name}" cannot {asked.verb} resource "{asked.qualified}" '
        f'in API group "{asked.group}"'
    )
    if asked.namespace:
        detail += f' in the namespace "{asked.namespace}"'
    else:
        detail += " at the cluster scope"
    resource = errors.Resource(asked.group, asked.resource)
    return errors.forbidden(resource, asked.name, detail)

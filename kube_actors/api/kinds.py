"""Every kind the API knows: its names, where it lives, what may be done with it.

A ``Kinds`` is an immutable registry. It answers the three questions that the rest asks: which
kind does this path name, which kind does this object say it is, and which kind does a person
mean by this text. Adding a custom kind gives a new registry; nothing is ever changed in place.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import attrs

from kube_actors.api import builtin_kinds as kinds_builtin

Object = dict[str, Any]

# Which package of the published schemas a group's types come from, where it is not the first
# label of the group's name.
_PACKAGES = {
    "": "io.k8s.api.core",
    "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
}


class UnknownKind(LookupError):
    """No kind has this name; ``text`` is what was asked for."""

    def __init__(self, text: str) -> None:
        super().__init__(f"the server doesn't have a resource type {text!r}")
        self.text = text


@attrs.frozen(kw_only=True)
class Subresource:
    """What a subresource takes and answers: ``group``/``version``/``kind`` and its verbs."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]

    @property
    def api_version(self) -> str:
        """``group/version`` of what it takes, which may be another group's."""
        return f"{self.group}/{self.version}" if self.group else self.version


@attrs.frozen(kw_only=True, cache_hash=True)
class Kind:
    """One kind at one version.

    ``schema`` names its definition in the schema data. A custom kind carries its schema itself
    in ``definition`` and a ``schema`` name that is different for every different definition.
    ``storage`` is the api version its objects are stored as, if that is another kind's.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: tuple[str, ...] = kinds_builtin.ALL_VERBS
    subresources: tuple[str, ...] = ()
    schema: str = ""
    storage: str = ""
    definition: Mapping[str, Any] | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def api_version(self) -> str:
        """``group/version`` as objects spell it, ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """The kind of a list of these."""
        return self.kind + "List"

    @property
    def group_resource(self) -> str:
        """``plural.group``, as errors and commands name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def storage_api_version(self) -> str:
        """The api version that objects are stored as, if not this one."""
        return self.storage or self.api_version

    @property
    def has_status(self) -> bool:
        """Whether the status is written through a subresource of its own."""
        return "status" in self.subresources

    def subresource(self, name: str) -> Subresource | None:
        """Return what ``name`` takes and answers, None if this kind has no such subresource."""
        if name not in self.subresources:
            return None
        given = kinds_builtin.SUBRESOURCES.get(name)
        if name == "proxy" and self.plural != "pods":
            given = (
                self.group,
                self.version,
                f"{self.kind}ProxyOptions",
                given[3] if given else (),
            )
        if given is None:
            allowed = ("update",) if name == "finalize" else ("get", "patch", "update")
            given = (self.group, self.version, self.kind, allowed)
        group, version, kind, verbs = given
        return Subresource(name=name, group=group, version=version, kind=kind, verbs=verbs)


@attrs.frozen
class Group:
    """An API group and its served versions, the preferred one first."""

    name: str
    versions: tuple[str, ...]

    @property
    def preferred(self) -> str:
        """The version that a client uses when it has no wish."""
        return self.versions[0]

    def api_version(self, version: str) -> str:
        """Return ``group/version``, or the version alone for core."""
        return f"{self.name}/{version}" if self.name else version


class Kinds:
    """An immutable registry of kinds, in order of preference."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = tuple(kinds)

    @cached_property
    def _resources(self) -> dict[tuple[str, str, str], Kind]:
        return {(kind.group, kind.version, kind.plural): kind for kind in self._kinds}

    @cached_property
    def _names(self) -> dict[tuple[str, str], Kind]:
        return {(kind.api_version, kind.kind): kind for kind in self._kinds}

    @cached_property
    def _words(self) -> dict[str, Kind]:
        words: dict[str, Kind] = {}
        for kind in self._kinds:
            names = (kind.plural, kind.singular, kind.kind.lower(), kind.kind)
            for name in names:
                suffixes = [f".{kind.version}.{kind.group}".rstrip("."), f".{kind.group}", ""]
                for suffix in suffixes if kind.group else ["", f".{kind.version}"]:
                    words.setdefault(name + suffix, kind)
        for kind in self._kinds:
            for short in kind.short_names:
                words.setdefault(short, kind)
        return words

    def all(self) -> tuple[Kind, ...]:
        """Return every kind at every version, in order of preference."""
        return self._kinds

    def by_resource(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the kind that a request path names, None if it is not served."""
        return self._resources.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Kind | None:
        """Return the kind that an object names, None if it is not served."""
        return self._names.get((api_version, kind))

    def find(self, text: str) -> Kind:
        """Return the kind a person means by ``text``; raises UnknownKind.

        Accepts what kubectl does: plural, singular, short name or kind in any case, with or
        without ``.group`` or ``.version.group``; also ``apps/v1/Deployment``.
        """
        word = text.strip()
        found = self._words.get(word) or self._words.get(word.lower())
        if found is None and "/" in word:
            api_version, _, kind = word.rpartition("/")
            found = self.by_kind(api_version, kind)
            if found is None:
                group, _, version = api_version.rpartition("/")
                found = self.by_resource(group, version, kind)
        if found is None:
            raise UnknownKind(text)
        return found

    def of(self, obj: Mapping[str, Any]) -> Kind:
        """Return the kind that ``obj`` says it is; raises UnknownKind."""
        api_version, kind = obj.get("apiVersion"), obj.get("kind")
        found = self._names.get((str(api_version), str(kind)))
        if found is None:
            raise UnknownKind(f"{kind}.{api_version}")
        return found

    def in_group_version(self, group: str, version: str) -> tuple[Kind, ...]:
        """Return the kinds of one group version, by plural name."""
        members = [kind for kind in self._kinds if (kind.group, kind.version) == (group, version)]
        return tuple(sorted(members, key=lambda kind: kind.plural))

    def preferred(self, kind: Kind) -> Kind:
        """Return the same resource at its group's preferred version."""
        for other in self._kinds:
            if (other.group, other.plural) == (kind.group, kind.plural):
                return other
        return kind

    def storage(self, kind: Kind) -> Kind:
        """Return the kind that this kind's objects are stored as; itself unless shared."""
        return self.by_kind(kind.storage_api_version, kind.kind) or kind

    @cached_property
    def _groups(self) -> tuple[Group, ...]:
        versions: dict[str, dict[str, None]] = {}
        for kind in self._kinds:
            versions.setdefault(kind.group, {})[kind.version] = None
        return tuple(Group(name, tuple(found)) for name, found in versions.items())

    def groups(self) -> tuple[Group, ...]:
        """Return the groups in the order discovery lists them, the core group ("") first."""
        return self._groups

    def with_kind(self, kind: Kind) -> "Kinds":
        """Return a registry that has ``kind``, in place of the same group, version, plural."""
        return self.with_kinds((kind,))

    def with_kinds(self, kinds: Iterable[Kind]) -> "Kinds":
        """Return a registry with all of ``kinds``, each in place of its like, at the end."""
        new = tuple(kinds)
        taken = {(kind.group, kind.version, kind.plural) for kind in new}
        old = (k for k in self._kinds if (k.group, k.version, k.plural) not in taken)
        return Kinds((*old, *new))

    def without(self, group: str, plural: str) -> "Kinds":
        """Return a registry that lacks this resource in all its versions."""
        return Kinds(k for k in self._kinds if (k.group, k.plural) != (group, plural))


def schema_name(group: str, version: str, kind: str) -> str:
    """Return the published name of a built-in type: ``io.k8s.api.apps.v1.Deployment``."""
    package = _PACKAGES.get(group) or "io.k8s.api." + group.split(".", 1)[0]
    return f"{package}.{version}.{kind}"


def _kind(group: str, version: str, row: kinds_builtin.Row) -> Kind:
    return Kind(
        group=group,
        version=version,
        kind=row.kind,
        plural=row.plural or row.kind.lower() + "s",
        singular=row.kind.lower(),
        short_names=row.short_names,
        categories=row.categories,
        namespaced=row.namespaced,
        verbs=row.verbs,
        subresources=row.subresources,
        schema=schema_name(group, version, row.kind),
        storage=row.storage,
    )


BUILTIN = Kinds(
    _kind(group, version, row) for group, version, rows in kinds_builtin.GROUPS for row in rows
)

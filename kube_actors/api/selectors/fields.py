"""Field selectors: ``spec.nodeName=a,status.phase!=Running``, over the few fields each kind allows.

A selector is parsed first and then checked against its kind, because what is selectable depends on
the kind (apimachinery's ``fields`` and each group's field label conversions). Fields are compared
as text; an absent field is the empty text.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from attrs import frozen

from kube_actors.api.causes import quote
from kube_actors.api.errors import Named, bad_request

_ALWAYS = ("metadata.name", "metadata.namespace")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_SELECTABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "namespaces"): ("status.phase",),
    ("", "secrets"): ("type",),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("", "replicationcontrollers"): ("status.replicas",),
    ("", "events"): (
        *(f"involvedObject.{each}" for each in _INVOLVED),
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    ("events.k8s.io", "events"): (
        *(f"regarding.{each}" for each in _INVOLVED),
        "reason",
        "reportingController",
        "type",
    ),
    ("apps", "replicasets"): ("status.replicas",),
    ("batch", "jobs"): ("status.successful",),
    ("certificates.k8s.io", "certificatesigningrequests"): ("spec.signerName",),
    ("resource.k8s.io", "resourceslices"): ("spec.nodeName", "spec.driver"),
}
_FALSE_WHEN_ABSENT = frozenset({"spec.hostNetwork", "spec.unschedulable"})
_ZERO_WHEN_ABSENT = frozenset({"status.replicas", "status.successful"})


@frozen
class Term:
    """One ``field=value`` or ``field!=value``."""

    field: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        escaped = re.sub(r"([\\,=])", r"\\\1", self.value)
        return f"{self.field}{'!=' if self.negated else '='}{escaped}"


@frozen
class FieldSelector:
    """All terms must hold."""

    terms: tuple[Term, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """``fields`` as ``fields_of`` gives them."""
        return all(
            (fields.get(each.field, "") == each.value) is not each.negated for each in self.terms
        )

    def required(self, field: str) -> str | None:
        """The one value ``field`` must have, if the selector demands one."""
        for each in self.terms:
            if each.field == field and not each.negated:
                return each.value
        return None

    @property
    def empty(self) -> bool:
        """Whether it restricts nothing."""
        return not self.terms

    def __str__(self) -> str:
        return ",".join(str(each) for each in self.terms)


def _unescape(value: str) -> str:
    out: list[str] = []
    chars = iter(value)
    for char in chars:
        if char == "\\":
            escaped = next(chars, "")
            if escaped not in {"\\", ",", "="}:
                text = f"\\{escaped}"
                raise bad_request(f"invalid field selector: invalid escape sequence: {text}")
            out.append(escaped)
        elif char in ",=":
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            out.append(char)
    return "".join(out)


_TERMS = re.compile(r"(?:[^\\,]|\\.?)+", re.DOTALL)
_TERM = re.compile(r"(.*?)(!=|==|=)(.*)\Z", re.DOTALL)


def parse_field_selector(text: str) -> FieldSelector:
    """Parse; raises a 400 ``StatusError``. Whether the fields exist is for ``check_fields``."""
    terms = []
    for part in sorted(_TERMS.findall(text)):
        match = _TERM.match(part)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append(Term(match[1], _unescape(match[3]), match[2] == "!="))
    return FieldSelector(tuple(terms))


def check_fields(kind: Named, selector: FieldSelector, *, declared: tuple[str, ...] = ()) -> None:
    """Raise a 400 ``StatusError`` unless ``kind`` can be selected by every field.

    ``declared`` are a custom resource's ``selectableFields`` without their leading dot.
    """
    special = _SELECTABLE.get((kind.group, kind.plural), ())
    for term in selector.terms:
        field = term.field
        if field in _ALWAYS or field in special or field in declared:
            continue
        if special and kind.group == "":
            raise bad_request(f"field label not supported: {field}")
        if special:
            raise bad_request(f"field label {quote(field)} not supported for {kind.kind}")
        known = ", ".join(quote(each) for each in (*_ALWAYS, *declared))
        raise bad_request(f"{quote(field)} is not a known field selector: only {known}")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _dig(obj: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def _event_source(obj: Mapping[str, Any]) -> str:
    component = _dig(obj, ("source", "component")) or obj.get("reportingComponent")
    return _text(component)


def _pod_ips(obj: Mapping[str, Any]) -> str:
    return ",".join(each.get("ip", "") for each in _dig(obj, ("status", "podIPs")) or ())


Reader = Callable[[Mapping[str, Any]], str]
_SPECIAL: dict[tuple[str, str], Reader] = {
    ("events", "source"): _event_source,
    ("pods", "status.podIPs"): _pod_ips,
    ("jobs", "status.successful"): lambda obj: _text(_dig(obj, ("status", "succeeded")) or 0),
}


def _reader(plural: str, field: str) -> Reader:
    if (plural, field) in _SPECIAL:
        return _SPECIAL[plural, field]
    names = tuple(field.split("."))
    absent = "false" if field in _FALSE_WHEN_ABSENT else "0" if field in _ZERO_WHEN_ABSENT else ""

    def read(obj: Mapping[str, Any]) -> str:
        value = _dig(obj, names)
        if type(value) is str:
            return value
        return absent if value is None else _text(value)

    return read


@lru_cache(maxsize=512)
def _readers(group: str, plural: str, declared: tuple[str, ...]) -> tuple[tuple[str, Reader], ...]:
    fields = (*_SELECTABLE.get((group, plural), ()), *declared)
    return tuple((field, _reader(plural, field)) for field in fields)


def fields_of(
    kind: Named, obj: Mapping[str, Any], *, declared: tuple[str, ...] = ()
) -> dict[str, str]:
    """Give every selectable field of ``obj`` as text."""
    meta = obj.get("metadata") or {}
    found = {
        "metadata.name": str(meta.get("name", "")),
        "metadata.namespace": str(meta.get("namespace", "")),
    }
    for field, read in _readers(kind.group, kind.plural, declared):
        found[field] = read(obj)
    return found

"""Which objects of one resource a list or a watch means. Pure."""

from functools import cached_property

import attrs

from kube_actors.api.selectors import EVERYTHING, FieldSelector, LabelSelector
from kube_actors.apiserver.cache.entry import Entry

_NO_FIELDS = FieldSelector()
Bucket = tuple[str, str, str]
EVERY: Bucket = ("every", "", "")
_NODE, _PHASE = "spec.nodeName", "status.phase"


@attrs.frozen
class Selection:
    """``namespace`` and ``name`` "" mean any."""

    namespace: str = ""
    name: str = ""
    labels: LabelSelector = EVERYTHING
    fields: FieldSelector = _NO_FIELDS

    @property
    def everything(self) -> bool:
        """Whether nothing but the namespace and name restricts it."""
        return self.labels.empty and self.fields.empty

    def bucket(self) -> Bucket:
        """Return the narrowest group of changes that can concern it."""
        name = self.name or self.fields.required("metadata.name") or ""
        namespace = self.namespace or self.fields.required("metadata.namespace") or ""
        if name:
            return ("name", namespace, name) if namespace else ("name", "", name)
        node = self.fields.required(_NODE)
        if node is not None:
            return ("node", "", node)
        return ("namespace", namespace, "") if namespace else EVERY

    def covers(self, entry: Entry) -> bool:
        """Whether an object is at a place that is meant, whatever is in it."""
        if self.namespace and entry.namespace != self.namespace:
            return False
        return not self.name or entry.name == self.name

    def matches(self, entry: Entry) -> bool:
        """Say whether an object is meant: by place and name first, for only selectors cost
        decoding.
        """
        if not self.covers(entry):
            return False
        if not self.labels.empty and not self.labels.matches(entry.labels):
            return False
        if self.fields.empty:
            return True
        if self._asks_little:
            return self.fields.matches({_NODE: entry.node, _PHASE: entry.phase})
        return self.fields.matches(entry.fields)

    @cached_property
    def _asks_little(self) -> bool:
        """Whether all fields need not be kept: so kubelets and the scheduler watch pods."""
        return all(term.field in (_NODE, _PHASE) for term in self.fields.terms)

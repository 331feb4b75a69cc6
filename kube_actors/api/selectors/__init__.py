"""Which objects a list, a watch or a controller means: label selectors and field selectors.

Parsing, matching and error texts are those of apimachinery's ``labels`` and ``fields``; what cannot
be parsed is a 400 ``StatusError`` whose message names what was found and what was expected.
"""

from kube_actors.api.selectors.fields import (
    FieldSelector,
    check_fields,
    fields_of,
    parse_field_selector,
)
from kube_actors.api.selectors.labels import (
    EVERYTHING,
    NOTHING,
    LabelSelector,
    Operator,
    Requirement,
    from_label_selector,
    from_labels,
    parse_label_selector,
    requirement,
)
from kube_actors.api.selectors.nodes import NAME_FIELD, NodeTerm, allows, node_term, required_terms

__all__ = [
    "EVERYTHING",
    "FieldSelector",
    "LabelSelector",
    "NAME_FIELD",
    "NOTHING",
    "NodeTerm",
    "Operator",
    "Requirement",
    "allows",
    "check_fields",
    "fields_of",
    "from_label_selector",
    "from_labels",
    "node_term",
    "parse_field_selector",
    "parse_label_selector",
    "required_terms",
    "requirement",
]

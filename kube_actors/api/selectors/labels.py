"""Label selectors: the text of ``-l`` and the ``LabelSelector`` object, as one matcher.

A selector is a conjunction of requirements sorted by key, so that the same selector has one text.
The grammar is that of apimachinery's ``labels.Parse``; ``>`` and ``<`` are accepted because the
same matcher serves node affinity.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import frozen

from kube_actors.api.causes import Cause, aggregate, quote
from kube_actors.api.errors import bad_request
from kube_actors.api.names import label_value, qualified_name


class Operator(StrEnum):
    """How a requirement compares, as selectors are written; ``=`` and ``==`` are alike."""

    IN = "in"
    NOT_IN = "notin"
    EQUALS = "="
    DOUBLE_EQUALS = "=="
    NOT_EQUALS = "!="
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"
    GREATER_THAN = "gt"
    LESS_THAN = "lt"


_SETS = frozenset({Operator.IN, Operator.NOT_IN})
_EXACT = frozenset({Operator.EQUALS, Operator.DOUBLE_EQUALS, Operator.NOT_EQUALS})
_PRESENCE = frozenset({Operator.EXISTS, Operator.DOES_NOT_EXIST})
_POSITIVE = frozenset({Operator.IN, Operator.EQUALS, Operator.DOUBLE_EQUALS})
_NEGATIVE = frozenset({Operator.NOT_IN, Operator.NOT_EQUALS})
_BINARY = "!=, <, =, ==, >, in, notin"
_SYMBOLS = {Operator.GREATER_THAN: ">", Operator.LESS_THAN: "<"}
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")


@frozen
class Requirement:
    """One term. ``values`` are sorted; make it with ``requirement``, which validates."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it; a missing label meets NotIn, and no comparison."""
        value = labels.get(self.key)
        operator = self.operator
        if operator in _POSITIVE:
            return value is not None and value in self.values
        if operator in _NEGATIVE:
            return value is None or value not in self.values
        if operator is Operator.EXISTS:
            return value is not None
        if operator is Operator.DOES_NOT_EXIST:
            return value is None
        if value is None or not _INTEGER.match(value):
            return False
        bound = int(self.values[0])
        return int(value) > bound if operator is Operator.GREATER_THAN else int(value) < bound

    def __str__(self) -> str:
        if self.operator is Operator.EXISTS:
            return self.key
        if self.operator is Operator.DOES_NOT_EXIST:
            return f"!{self.key}"
        joined = ",".join(self.values)
        if self.operator in _SETS:
            return f"{self.key} {self.operator} ({joined})"
        return f"{self.key}{_SYMBOLS.get(self.operator, self.operator)}{joined}"


@frozen
class LabelSelector:
    """All requirements must hold; ``nothing`` matches no object at all (an absent selector)."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether labels meet every requirement; None counts as no labels."""
        if self.nothing:
            return False
        found = labels or {}
        return all(each.matches(found) for each in self.requirements)

    @property
    def empty(self) -> bool:
        """It restricts nothing."""
        return not self.requirements and not self.nothing

    def __str__(self) -> str:
        return ",".join(str(each) for each in self.requirements)


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def _operator_causes(operator: Operator, values: Sequence[str]) -> Iterator[Cause]:
    shown = list(values)
    if operator in _SETS and not values:
        detail = "for 'in', 'notin' operators, values set can't be empty"
        yield Cause.invalid("values", shown, detail)
    elif operator in _EXACT and len(values) != 1:
        yield Cause.invalid("values", shown, "exact-match compatibility requires one single value")
    elif operator in _PRESENCE and values:
        detail = "values set must be empty for exists and does not exist"
        yield Cause.invalid("values", shown, detail)
    elif operator in _SYMBOLS:
        if len(values) != 1:
            detail = "for 'Gt', 'Lt' operators, exactly one value is required"
            yield Cause.invalid("values", shown, detail)
        for index, value in enumerate(values):
            if not _INTEGER.match(value):
                detail = "for 'Gt', 'Lt' operators, the value must be an integer"
                yield Cause.invalid(f"values[{index}]", value, detail)


def requirement(key: str, operator: Operator, values: Iterable[str] = ()) -> Requirement:
    """Make a term; raises a 400 ``StatusError`` that lists every fault."""
    ordered = tuple(sorted(set(values)))
    causes = []
    if faults := qualified_name(key):
        causes.append(Cause.invalid("key", key, "; ".join(faults)))
    causes.extend(_operator_causes(operator, ordered))
    for index, value in enumerate(ordered):
        if faults := label_value(value):
            causes.append(Cause.invalid(f"values[{index}][{key}]", value, "; ".join(faults)))
    if causes:
        raise bad_request(aggregate(str(each) for each in causes))
    return Requirement(key, operator, ordered)


def _selector(requirements: Iterable[Requirement]) -> LabelSelector:
    return LabelSelector(tuple(sorted(requirements, key=lambda each: each.key)))


def from_labels(labels: Mapping[str, str]) -> LabelSelector:
    """A selector of exactly these labels (a Service's ``spec.selector``); empty selects all."""
    return _selector(Requirement(key, Operator.EQUALS, (value,)) for key, value in labels.items())


_OBJECT_OPERATORS = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
}


def from_label_selector(selector: Mapping[str, Any] | None) -> LabelSelector:
    """Read a ``LabelSelector`` object: None selects nothing, ``{}`` selects everything."""
    if selector is None:
        return NOTHING
    terms = [
        requirement(key, Operator.EQUALS, (value,))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    for expression in selector.get("matchExpressions") or ():
        name = expression.get("operator", "")
        if name not in _OBJECT_OPERATORS:
            raise bad_request(f"{quote(name)} is not a valid label selector operator")
        values = expression.get("values") or ()
        terms.append(requirement(expression.get("key", ""), _OBJECT_OPERATORS[name], values))
    return _selector(terms)


_TOKEN = re.compile(r"[ \t\r\n]*(?:(!=|==|[=!(),<>])|([^=!(),<> \t\r\n]+))")
_OPERATORS = {
    "in": Operator.IN,
    "notin": Operator.NOT_IN,
    "=": Operator.EQUALS,
    "==": Operator.DOUBLE_EQUALS,
    "!=": Operator.NOT_EQUALS,
    ">": Operator.GREATER_THAN,
    "<": Operator.LESS_THAN,
}


class _Parser:
    """Recursive descent over tokens; the end of the text is an empty symbol."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, bool]] = [
            (match[1] or match[2], match[2] is not None) for match in _TOKEN.finditer(text)
        ]
        self._next = 0

    def _peek(self) -> tuple[str, bool]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("", False)

    def _take(self) -> tuple[str, bool]:
        token = self._peek()
        self._next += 1
        return token

    def parse(self) -> LabelSelector:
        terms: list[Requirement] = []
        text, word = self._peek()
        if not text:
            return EVERYTHING
        if not word and text != "!":
            raise bad_request(f"found '{text}', expected: !, identifier, or 'end of string'")
        while True:
            terms.append(self._requirement())
            text, _ = self._take()
            if not text:
                return _selector(terms)
            if text != ",":
                raise bad_request(f"found '{text}', expected: ',' or 'end of string'")
            text, word = self._peek()
            if not word and text != "!":
                raise bad_request(f"found '{text}', expected: identifier after ','")

    def _fail(self, message: str) -> Exception:
        return bad_request(f"unable to parse requirement: {message}")

    def _requirement(self) -> Requirement:
        text, word = self._take()
        negated = text == "!" and not word
        if negated:
            text, word = self._take()
        if not word:
            raise self._fail(f"found '{text}', expected: identifier")
        if faults := qualified_name(text):
            raise self._fail(str(Cause.invalid("<nil>", text, "; ".join(faults))))
        key = text
        if negated:
            return Requirement(key, Operator.DOES_NOT_EXIST)
        if self._peek() in {("", False), (",", False)}:
            return Requirement(key, Operator.EXISTS)
        text, _ = self._take()
        operator = _OPERATORS.get(text)
        if operator is None:
            raise self._fail(f"found '{text}', expected: {_BINARY}")
        values = self._values() if operator in _SETS else [self._exact_value()]
        ordered = tuple(sorted(set(values)))
        for index, value in enumerate(ordered):
            if faults := label_value(value):
                cause = Cause.invalid(f"values[{index}][{key}]", value, "; ".join(faults))
                raise self._fail(str(cause))
        for cause in _operator_causes(operator, ordered):
            raise self._fail(str(cause))
        return Requirement(key, operator, ordered)

    def _exact_value(self) -> str:
        if self._peek() in {("", False), (",", False)}:
            return ""
        text, word = self._take()
        if not word:
            raise self._fail(f"found '{text}', expected: identifier")
        return text

    def _values(self) -> list[str]:
        text, word = self._take()
        if text != "(":
            raise self._fail(f"found '{text}' expected: '('")
        values: list[str] = []
        expects_value = True
        while True:
            text, word = self._take()
            if word and expects_value:
                values.append(text)
                expects_value = False
            elif text in {",", ")"} and not word:
                # An empty place between commas or parentheses is the empty value.
                if expects_value:
                    values.append("")
                expects_value = True
                if text == ")":
                    return values
            elif expects_value:
                raise self._fail(f"found '{text}', expected: ',', ')' or identifier")
            else:
                raise self._fail(f"found '{text}', expected: ',' or ')'")


def parse_label_selector(text: str) -> LabelSelector:
    """Parse ``app=web,tier in (a, b),!canary``; raises a 400 ``StatusError`` saying where."""
    return _Parser(text).parse() if text else EVERYTHING

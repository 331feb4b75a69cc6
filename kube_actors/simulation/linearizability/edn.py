"""A reader for the part of EDN that histories are written in.

Numbers, texts, characters, booleans, nil, keywords, symbols, lists, vectors, maps, sets, tagged
values (the tag is dropped), comments and ``#_``. Every error says the line and column.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from attrs import frozen

__all__ = ["EdnError", "Keyword", "Placed", "read_edn", "read_items"]


class EdnError(ValueError):
    """Text that is not EDN. ``line`` and ``column`` count from 1."""

    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(f"{line}:{column}: {text}")
        self.line = line
        self.column = column
        self.text = text


class Keyword(str):
    """``:name``; equal to the text without its colon."""

    __slots__ = ()


@frozen
class Placed:
    """A value and where it begins."""

    value: Any
    line: int
    column: int


TOKEN = re.compile(
    r"""[\s,]+ | ;[^\n]*
    | (?P<open>\#\{|[(\[{]) | (?P<close>[)\]}])
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<discard>\#_)
    | (?P<tag>\#[A-Za-z][\w.*+!?$%&=<>/'|:-]*)
    | (?P<character>\\(?:newline|return|space|tab|u[0-9a-fA-F]{4}|.))
    | (?P<atom>[^\s,()\[\]{}"\\;]+)
    """,
    re.VERBOSE | re.DOTALL,
)
CLOSES: Final = {"(": ")", "[": "]", "{": "}", "#{": "}"}
INTEGER = re.compile(r"[+-]?\d+N?\Z")
FLOAT = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?\Z")
ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "b": "\b", "f": "\f"}
CHARACTERS: Final = {"newline": "\n", "return": "\r", "space": " ", "tab": "\t"}
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
DEPTH_MAX = 100
DIGITS_MAX = 1000


def read_edn(text: str) -> Iterator[Placed]:
    """Read every value at the top level. Raises EdnError at the first that is none."""
    reader = _Reader(text)
    while (placed := reader.value(0)) is not None:
        yield placed


def read_items(text: str) -> Iterator[Placed]:
    """Read every value at the top level, or of the lists and vectors there, where it stands."""
    reader = _Reader(text, outermost=True)
    while (placed := reader.value(0)) is not None:
        if isinstance(placed.value, tuple):
            yield from reader.items
        else:
            yield placed


class _Reader:
    """``items``: with ``outermost``, what the last list or vector at the top level holds."""

    def __init__(self, text: str, *, outermost: bool = False) -> None:
        self.text = text
        self.items: list[Placed] = []
        self._outermost = outermost
        self.position = 0
        self._line = 1
        self._line_start = 0
        self._counted = 0

    def value(self, depth: int, opened: tuple[str, int] | None = None) -> Placed | None:
        """Read one value; None at the end, or at the bracket that closes ``opened``."""
        discards: list[int] = []
        while True:
            match = self._token()
            if match is None:
                if opened is not None:
                    raise self._error(opened[1], f"{opened[0]} is never closed: the text ends")
                if discards:
                    raise self._error(discards[-1], "#_ with nothing behind it")
                return None
            start, kind = match.start(), match.lastgroup
            if kind == "close":
                if opened is None or CLOSES[opened[0]] != match.group():
                    raise self._error(start, f"{match.group()} closes nothing")
                if discards:
                    raise self._error(discards[-1], "#_ with nothing behind it")
                self.position = start
                return None
            if kind == "discard":
                discards.append(start)
            elif kind != "tag":
                line, column = self._place(start)
                value = self._read(match, depth)
                if not discards:
                    return Placed(value, line, column)
                discards.pop()

    def _token(self) -> re.Match[str] | None:
        while self.position < len(self.text):
            match = TOKEN.match(self.text, self.position)
            if match is None:
                what = "a text that never ends" if self.text[self.position] == '"' else "no EDN"
                raise self._error(self.position, f"{what}: {self.text[self.position :][:20]!r}")
            self.position = match.end()
            if match.lastgroup is not None:
                return match
        return None

    def _read(self, match: re.Match[str], depth: int) -> Any:
        token, kind = match.group(), match.lastgroup
        if kind == "open":
            if depth >= DEPTH_MAX:
                raise self._error(match.start(), f"brackets more than {DEPTH_MAX} deep")
            return self._collection(token, match.start(), depth + 1)
        if kind == "text":
            return ESCAPE.sub(lambda escape: self._escape(match.start(), escape), token[1:-1])
        if kind == "character":
            name = token[1:]
            if len(name) == 5 and name[0] == "u":
                return chr(int(name[1:], 16))
            return CHARACTERS.get(name, name)
        return self._atom(token, match.start())

    def _escape(self, start: int, match: re.Match[str]) -> str:
        escape = match.group(1)
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in ESCAPES:
            raise self._error(start, f"the text has the unknown escape \\{escape}")
        return ESCAPES[escape]

    def _atom(self, token: str, start: int) -> Any:
        constants = {"nil": None, "true": True, "false": False}
        if token in constants:
            return constants[token]
        if token[0] == ":" and len(token) > 1:
            return Keyword(token[1:])
        if INTEGER.match(token):
            if len(token) > DIGITS_MAX:
                raise self._error(start, f"a number of {len(token)} digits, at most {DIGITS_MAX}")
            return int(token.rstrip("N"))
        if FLOAT.match(token):
            return float(token.rstrip("M"))
        if token[0].isdigit() or token[0] in ":#":
            raise self._error(start, f"{token[:60]!r} is neither a number nor a name")
        return token

    def _collection(self, opening: str, start: int, depth: int) -> Any:
        items: list[Any] = []
        outermost = self._outermost and depth == 1
        if outermost:
            self.items = []
        while (placed := self.value(depth, (opening, start))) is not None:
            items.append(placed.value)
            if outermost:
                self.items.append(placed)
        self.position += 1
        if opening in "([":
            return tuple(items)
        try:
            if opening == "#{":
                return frozenset(items)
            if len(items) % 2:
                raise self._error(start, "the map has a key without a value")
            found = dict(zip(items[::2], items[1::2], strict=True))
            if len(found) < len(items) // 2:
                raise self._error(start, "the map has a key twice")
            return found
        except TypeError:
            raise self._error(start, "a map cannot be a key or a member of a set here") from None

    def _place(self, position: int) -> tuple[int, int]:
        if position < self._counted:
            before = self.text.count("\n", 0, position)
            return before + 1, position - (self.text.rfind("\n", 0, position) + 1) + 1
        self._line += self.text.count("\n", self._counted, position)
        self._line_start = self.text.rfind("\n", 0, position) + 1
        self._counted = position
        return self._line, position - self._line_start + 1

    def _error(self, position: int, text: str) -> EdnError:
        line, column = self._place(position)
        return EdnError(line, column, text)

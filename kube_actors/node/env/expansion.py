"""``$(NAME)`` references in commands, arguments and environment values.

A known name is replaced, an unknown reference stays as it is written, ``$$`` is one dollar and
shields what follows (``$$(NAME)`` yields ``$(NAME)``), as the Kubernetes API reference says.
"""

import re
from collections.abc import Iterable, Mapping

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace the references in ``text``; one pass, values are not expanded again."""
    if "$" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        if match.group(1):
            return "$"
        return variables.get(match.group(2), match.group(0))

    return _REFERENCE.sub(value, text)


def expand_all(texts: Iterable[str], variables: Mapping[str, str]) -> tuple[str, ...]:
    """Expand each text of a command or an argument list, in order."""
    return tuple(expand(text, variables) for text in texts)

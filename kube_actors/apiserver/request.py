"""What comes in and what goes out of the pipeline, the same for both doors."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import parse_qsl

import attrs
import orjson

from kube_actors.api import errors, quote
from kube_actors.apiserver.cache import Watcher

JSON = "application/json"
YAML = "application/yaml"


@attrs.frozen
class User:
    """Who asks, as far as authentication has established it."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


@attrs.frozen
class Credentials:
    """What a request shows: a user vouched for by its channel or certificate, or a token."""

    user: User | None = None
    bearer: str = ""
    impersonate: User | None = None


class Query:
    """Query parameters; a repeated one keeps every value, ``get`` gives the first."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def parse(cls, text: str) -> "Query":
        """Read a query string; a parameter without a value is an empty one."""
        return cls(parse_qsl(text, keep_blank_values=True)) if text else cls()

    def get(self, name: str) -> str:
        """Return a parameter's first value, "" if there is none."""
        values = self._values.get(name)
        return values[0] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a parameter, in their order."""
        return tuple(self._values.get(name, ()))

    def has(self, name: str) -> bool:
        """Say whether a parameter is there, with a value or without."""
        return name in self._values

    def flag(self, name: str) -> bool | None:
        """Return a boolean, None when absent; only ``0`` and ``false`` mean no."""
        if name not in self._values:
            return None
        return self.get(name).lower() not in ("0", "false")

    def integer(self, name: str) -> int | None:
        """Return an integer of 64 bits, None when absent; raises ``StatusError`` 400."""
        value = self.get(name)
        if not value:
            return None
        digits = value[1:] if value[0] in "+-" else value
        if not (digits.isascii() and digits.isdigit()):
            text = f"strconv.ParseInt: parsing {quote(value)}: invalid syntax"
            raise errors.bad_request(text)
        if len(digits) > 19 or not -(2**63) <= int(value) < 2**63:
            text = f"strconv.ParseInt: parsing {quote(value)}: value out of range"
            raise errors.bad_request(text)
        return int(value)


@attrs.frozen(kw_only=True)
class Request:
    """``path`` has no query; ``body`` is whole."""

    method: str
    path: str
    query: Query
    credentials: Credentials
    content_type: str = JSON
    accept: str = JSON
    body: bytes = b""
    user_agent: str = ""


@attrs.frozen
class Answer:
    """A whole response."""

    status: int
    body: bytes
    content_type: str = JSON
    warnings: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class WatchAnswer:
    """A watch that was opened; the door must call ``watcher.end`` when it is done."""

    watcher: Watcher
    timeout_s: float
    content_type: str = JSON
    warnings: tuple[str, ...] = ()


@attrs.frozen
class StreamAnswer:
    """Bytes as they come, from a stream that is opened by entering ``chunks``."""

    chunks: AbstractAsyncContextManager[AsyncIterator[bytes]]
    content_type: str = "text/plain"


AnyAnswer = Answer | WatchAnswer | StreamAnswer


def answer_object(obj: Any, status: int = 200) -> Answer:
    """Answer with a JSON tree."""
    return Answer(status, orjson.dumps(obj))


def answer_error(error: errors.StatusError) -> Answer:
    """Answer with an error's Status, and Retry-After where it says when to come again."""
    headers: tuple[tuple[str, str], ...] = ()
    if error.retry_after_s:
        headers = (("retry-after", str(error.retry_after_s)),)
    return Answer(error.code, orjson.dumps(error.status()), headers=headers)


def answer_success(details: dict[str, Any] | None = None) -> Answer:
    """Answer with a Status that says Success, and ``details``."""
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
    }
    if details:
        status["details"] = details
    return answer_object(status)

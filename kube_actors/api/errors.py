"""The one error an API request can end with: Kubernetes' ``Status``, raised as an exception.

Every constructor gives the code, reason, message and details that kube-apiserver gives for the same
fault (apimachinery's ``api/errors`` and ``util/validation/field``), because clients switch on them
and people read them. A ``kind`` argument is anything with ``group``, ``plural`` and ``kind``.
Nothing here decides *whether* something is wrong, only how it is said.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

from kube_actors.api.causes import Cause, aggregate, quote

MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


class Named(Protocol):
    """What a message needs of a kind; ``kinds.Kind`` has it."""

    @property
    def group(self) -> str:
        """The API group, "" for core."""

    @property
    def plural(self) -> str:
        """The resource's name in paths."""

    @property
    def kind(self) -> str:
        """The kind as objects spell it; only Invalid shows it."""


@frozen
class Resource:
    """A group and resource (or kind) that has no ``Kind``: enough to name it in an error."""

    group: str
    plural: str
    kind: str = ""


@frozen(slots=False)
class StatusError(Exception):
    """An API failure. ``details`` is the Status' ``details`` object, None when it has none."""

    code: int
    reason: str
    message: str
    details: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return self.message

    def status(self) -> dict[str, Any]:
        """Give the ``Status`` body."""
        body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
        body["status"] = "Failure"
        if self.message:
            body["message"] = self.message
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = dict(self.details)
        body["code"] = self.code
        return body

    @property
    def retry_after_s(self) -> int:
        """How long the server asks to wait, 0 if it does not ask."""
        return int((self.details or {}).get("retryAfterSeconds", 0))

    @property
    def causes(self) -> list[Cause]:
        """The causes of an Invalid, in the order given."""
        found = (self.details or {}).get("causes") or ()
        return [
            Cause(each.get("reason", ""), each.get("field", ""), each.get("message", ""))
            for each in found
        ]


def from_status(body: Any, code: int = 500) -> StatusError:
    """Read a ``Status``; what is none becomes what client-go makes of a bare ``code``."""
    if not isinstance(body, dict) or body.get("kind") != "Status":
        return generic(code, body if isinstance(body, str) else "")
    number = body.get("code") or code
    reason, message = str(body.get("reason", "")), str(body.get("message", ""))
    return StatusError(int(number), reason, message, body.get("details"))


_GENERIC: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    403: ("Forbidden", ""),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    406: ("NotAcceptable", ""),
    409: ("Conflict", "the server reported a conflict"),
    410: ("Gone", "the requested resource version is gone"),
    413: ("RequestEntityTooLarge", "the request was too large"),
    415: ("UnsupportedMediaType", ""),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    429: (
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
    ),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted, "
        "but may still be processing the request",
    ),
}


def generic(code: int, server_message: str = "") -> StatusError:
    """What a client says of an answer that carries no ``Status``."""
    if code in _GENERIC:
        reason, message = _GENERIC[code]
        return StatusError(code, reason, message or server_message, {})
    if code >= 500:
        message = (
            f"an error on the server ({quote(server_message)}) "
            "has prevented the request from succeeding"
        )
        return StatusError(code, "InternalError", message, {})
    message = (
        f"the server responded with the status code {code} but did not return more information"
    )
    return StatusError(code, "Unknown", message, {})


def _resource(kind: Named) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _details(kind: Named | None, name: str = "", **more: Any) -> dict[str, Any]:
    pairs: list[tuple[str, Any]] = [("name", name)]
    if kind is not None:
        pairs += [("group", kind.group), ("kind", kind.plural)]
    pairs += more.items()
    return {key: value for key, value in pairs if value}


def not_found(kind: Named, name: str) -> StatusError:
    """Make the 404 for an object that is not there."""
    message = f"{_resource(kind)} {quote(name)} not found"
    return StatusError(404, "NotFound", message, _details(kind, name))


def no_such_path() -> StatusError:
    """What a request for a path or resource that is not served ends with."""
    return generic(404)


def already_exists(kind: Named, name: str) -> StatusError:
    """Make the 409 for a name that is taken."""
    message = f"{_resource(kind)} {quote(name)} already exists"
    return StatusError(409, "AlreadyExists", message, _details(kind, name))


def no_name_left(kind: Named, name: str) -> StatusError:
    """No generated name was free; the client may try again at once."""
    message = (
        f"{_resource(kind)} {quote(name)} already exists, "
        "the server was not able to generate a unique name for the object"
    )
    return StatusError(409, "AlreadyExists", message, _details(kind, name, retryAfterSeconds=1))


def conflict(kind: Named, name: str, detail: str = MODIFIED) -> StatusError:
    """Make the 409 for an update whose guard (resourceVersion, uid) does not hold."""
    message = f"Operation cannot be fulfilled on {_resource(kind)} {quote(name)}: {detail}"
    return StatusError(409, "Conflict", message, _details(kind, name))


def invalid(kind: Named, name: str, causes: Sequence[Cause]) -> StatusError:
    """Make the 422 that lists ``causes``; its details name the kind, not the resource."""
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    message = f"{qualified} {quote(name)} is invalid"
    if causes:
        message += f": {aggregate(str(each) for each in causes)}"
    pairs = [("name", name), ("group", kind.group), ("kind", kind.kind)]
    details: dict[str, Any] = {key: value for key, value in pairs if value}
    if causes:
        details["causes"] = [each.to_object() for each in causes]
    return StatusError(422, "Invalid", message, details)


def unprocessable(message: str) -> StatusError:
    """A patch that is well-formed and yet cannot be applied to this object."""
    text = f"the server rejected our request due to an error in our request: {message}"
    return StatusError(422, "Invalid", text, {})


def bad_request(message: str) -> StatusError:
    """Make the 400 for what cannot be understood."""
    return StatusError(400, "BadRequest", message)


def unauthorized(message: str = "Unauthorized") -> StatusError:
    """Make the 401 for a request whose sender is not known."""
    return StatusError(401, "Unauthorized", message)


def forbidden(kind: Named | None, name: str, detail: str) -> StatusError:
    """``kind`` is None for a path that is no resource."""
    subject = "forbidden"
    if kind is not None:
        subject = f"{_resource(kind)} {quote(name)} is" if name else f"{_resource(kind)} is"
        subject += " forbidden"
    return StatusError(403, "Forbidden", f"{subject}: {detail}", _details(kind, name))


def gone(message: str) -> StatusError:
    """Make the 410 for what was there once; a watch gets ``expired`` instead."""
    return StatusError(410, "Gone", message)


def expired(message: str) -> StatusError:
    """A resourceVersion or continue token older than what is kept; the client must list again."""
    return StatusError(410, "Expired", message)


def too_old(requested: int, oldest: int) -> StatusError:
    """Make the 410 for a resourceVersion that was compacted: ``oldest`` is still kept."""
    return expired(f"too old resource version: {requested} ({oldest})")


def too_new(requested: int, current: int) -> StatusError:
    """The resourceVersion asked for was not reached in time."""
    message = f"Timeout: Too large resource version: {requested}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return StatusError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def too_large(message: str) -> StatusError:
    """Make the 413 for a body above the limit."""
    text = f"Request entity too large: {message}"
    return StatusError(413, "RequestEntityTooLarge", text)


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    """Make the 415 for a body that none of ``accepted`` describes."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return StatusError(415, "UnsupportedMediaType", message)


def not_acceptable(accepted: Sequence[str]) -> StatusError:
    """Make the 406 for a client that takes none of ``accepted``."""
    message = "only the following media types are accepted: " + ", ".join(accepted)
    return StatusError(406, "NotAcceptable", message)


def method_not_allowed(kind: Named | None = None, action: str = "") -> StatusError:
    """Make the 405; ``action`` is the verb that the kind lacks, None a path."""
    if kind is None:
        return generic(405)
    message = f"{action} is not supported on resources of kind {quote(_resource(kind))}"
    return StatusError(405, "MethodNotAllowed", message, _details(kind))


def internal(message: str) -> StatusError:
    """Make the 500 for a fault of ours."""
    details = {"causes": [{"message": message}]}
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", details)


def timeout(message: str, retry_after_s: int = 0) -> StatusError:
    """The outcome is unknown: the request may still complete."""
    details = _details(None, retryAfterSeconds=retry_after_s)
    return StatusError(504, "Timeout", f"Timeout: {message}", details)


def server_timeout(kind: Named, operation: str, retry_after_s: int = 1) -> StatusError:
    """Make the 500 that asks the client to try again after ``retry_after_s``."""
    message = (
        f"The {operation} operation against {_resource(kind)} "
        "could not be completed at this time, please try again."
    )
    details = _details(kind, operation, retryAfterSeconds=retry_after_s)
    return StatusError(500, "ServerTimeout", message, details)


def service_unavailable(message: str, retry_after_s: int = 0) -> StatusError:
    """Make the 503: nothing was done, e.g. because there is no majority."""
    details = _details(None, retryAfterSeconds=retry_after_s) or None
    return StatusError(503, "ServiceUnavailable", message, details)


def too_many_requests(
    message: str, retry_after_s: int = 1, causes: Sequence[Cause] = ()
) -> StatusError:
    """Also what an eviction that a disruption budget forbids ends with."""
    found = [each.to_object() for each in causes]
    details = _details(None, causes=found, retryAfterSeconds=retry_after_s)
    return StatusError(429, "TooManyRequests", message, details)

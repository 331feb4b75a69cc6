"""One request on its way through the pipeline: who asks for what, of which kind."""

import attrs

from kube_actors.api import Kind, Object
from kube_actors.apiserver.cache import Form
from kube_actors.apiserver.objects import encode_value, to_served, to_stored
from kube_actors.apiserver.output import Output, encode, form
from kube_actors.apiserver.request import Answer, Request, User
from kube_actors.apiserver.server import Server
from kube_actors.apiserver.target import Target
from kube_actors.apiserver.transaction import Stored


@attrs.frozen(kw_only=True)
class Call:
    """``kind`` is what the path names, ``storage`` what its objects are stored as."""

    server: Server
    request: Request
    target: Target
    kind: Kind
    storage: Kind
    user: User
    output: Output
    dry_run: bool
    warnings: list[str]

    @property
    def namespace(self) -> str:
        """The namespace of the request; "" for a kind that lives in none."""
        return self.target.namespace if self.kind.namespaced else ""

    @property
    def name(self) -> str:
        """The name in the path; "" for a collection."""
        return self.target.name

    def form(self) -> Form:
        """Return the form in which this caller wants objects: version, table, metadata only."""
        return form(self.output, self.kind, self.storage, self.server.clock.now)

    def served(self, stored: Stored) -> Object:
        """Return a fresh tree at the version that was asked for."""
        return to_served(self.kind, self.storage, stored.decode())

    def value(self, obj: Object) -> bytes:
        """Return the bytes to store for an object at the version that was asked for."""
        return encode_value(to_stored(self.kind, self.storage, obj))

    def answer(self, stored: Stored, status: int = 200) -> Answer:
        """Answer with one stored object in the caller's form."""
        return self.answer_body(self.form().encode(stored.value, stored.revision), status)

    def answer_body(self, body: bytes, status: int = 200) -> Answer:
        """Answer JSON bytes, in YAML if that was asked for."""
        return Answer(
            status, encode(self.output, body), self.output.content_type, tuple(self.warnings)
        )

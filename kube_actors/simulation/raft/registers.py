"""The state machine of a simulated member: registers, and which request of each client was last.

A request is one object known to everybody in the world; the log carries only its number. That
keeps a run fast, and what is copied into a snapshot small.
"""

from typing import Final

from kube_actors.raft import AlreadyAnswered, ClientRequest, Sessions

WRITE: Final = "write"
READ: Final = "read"
CAS: Final = "cas"


class Operation:
    """One request of one client and what became of it.

    ``outcome``: "" while it is under way, "ok", "fail" (surely without effect) or "unknown".
    ``position``: the log index at which it took effect, or whose state was read.
    """

    __slots__ = (
        "asked",
        "client",
        "data",
        "expected",
        "incarnation",
        "invoked_us",
        "key",
        "kind",
        "number",
        "outcome",
        "position",
        "result",
        "returned_us",
        "tries",
        "value",
    )

    def __init__(
        self, number: int, client: int, kind: str, key: int, value: int, expected: int, size: int
    ) -> None:
        self.number = number
        self.client = client
        self.kind = kind
        self.key = key
        self.value = value
        self.expected = expected
        self.data = (b"%d" % number).ljust(size)
        self.invoked_us = 0
        self.returned_us = -1
        self.outcome = ""
        self.result = 0
        self.position = 0
        self.asked = 0
        self.incarnation = 0
        self.tries = 0

    def __repr__(self) -> str:
        what = f"{self.kind} r{self.key}"
        if self.kind != READ:
            what += f" {self.expected}→{self.value}" if self.kind == CAS else f" = {self.value}"
        return f"{what} by client {self.client}"


class Registers:
    """``values``: by key, 0 before the first write. ``last``: by client, (number, result)."""

    __slots__ = ("last", "values")

    def __init__(self) -> None:
        self.values: dict[int, int] = {}
        self.last: dict[int, tuple[int, int]] = {}

    def apply(self, operation: Operation, index: int) -> tuple[bool, int]:
        """Apply a request once; a repeated one has no effect and gets the same answer.

        Returns (whether it had its turn now, its result: 1, or 0 for a comparison that failed).
        """
        last = self.last.get(operation.client)
        if last is not None and last[0] >= operation.number:
            return False, last[1] if last[0] == operation.number else 0
        result = self.perform(operation)
        self.last[operation.client] = (operation.number, result)
        return True, result

    def perform(self, operation: Operation) -> int:
        """Let a request have its effect; 0 for a comparison that failed."""
        if operation.kind == WRITE or self.values.get(operation.key, 0) == operation.expected:
            self.values[operation.key] = operation.value
            return 1
        return 0

    def copy(self) -> "Registers":
        """Return equal registers that share nothing with these."""
        other = type(self)()
        other.values = dict(self.values)
        other.last = dict(self.last)
        return other

    def same(self, other: "Registers") -> bool:
        """Say whether values and the clients' last requests are equal."""
        return self.values == other.values and self.last == other.last


class SessionedRegisters(Registers):
    """The same behind the Raft module's own sessions; a client's first request opens its own.

    ``names``: by client, the session's. A client that asks again has heard all it asked before.
    """

    __slots__ = ("names", "sessions")

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, int] = {}
        self.sessions = Sessions()

    def apply(self, operation: Operation, index: int) -> tuple[bool, int]:
        """Apply a request through its client's session, which is opened by its first.

        Returns what ``Registers.apply`` does; a request older than the last answered one gets 0.
        """
        name = self.names.get(operation.client)
        if name is None:
            name = self.names[operation.client] = self.sessions.open(index)
        number = operation.number
        request = ClientRequest(name, number, operation.data, number)
        turns = []

        def perform(_: bytes) -> bytes:
            turns.append(1)
            return bytes((self.perform(operation),))

        try:
            reply = self.sessions.apply(index, request, perform)
        except AlreadyAnswered:
            return False, 0
        return bool(turns), reply[0]

    def copy(self) -> "SessionedRegisters":
        """Return equal registers; the sessions go through their bytes, as in a snapshot."""
        other = type(self)()
        other.values = dict(self.values)
        other.names = dict(self.names)
        other.sessions.restore(self.sessions.to_bytes())
        return other

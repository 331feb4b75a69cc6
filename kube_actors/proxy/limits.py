"""What one frontend may hold and how long it waits, in one frozen value."""

import attrs


@attrs.frozen
class Limits:
    """Times in seconds; counts are per frontend of one node's proxy.

    A TCP client beyond ``connections_max`` waits in the kernel's backlog; a UDP session beyond
    ``sessions_max`` ends the one that was idle longest.
    """

    connections_max: int = 1024
    connect_timeout_s: float = 1.0
    drain_s: float = 30.0
    sessions_max: int = 1024
    session_idle_s: float = 30.0

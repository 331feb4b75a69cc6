"""What one HTTP connection may cost: every bound of the server in one frozen place."""

import attrs
from attrs.validators import gt


@attrs.frozen(kw_only=True)
class Limits:
    """Sizes are in bytes, times in seconds; all must be positive."""

    head_bytes_max: int = attrs.field(default=64 * 1024, validator=gt(0))
    headers_max: int = attrs.field(default=100, validator=gt(0))
    receive_bytes: int = attrs.field(default=64 * 1024, validator=gt(0))
    unread_body_bytes_max: int = attrs.field(default=256 * 1024, validator=gt(0))
    lingering_bytes_max: int = attrs.field(default=16 * 1024 * 1024, validator=gt(0))
    pipelined_max: int = attrs.field(default=64, validator=gt(0))
    connections_max: int = attrs.field(default=10_000, validator=gt(0))
    handshake_timeout_s: float = attrs.field(default=10.0, validator=gt(0.0))
    idle_timeout_s: float = attrs.field(default=300.0, validator=gt(0.0))
    head_timeout_s: float = attrs.field(default=30.0, validator=gt(0.0))
    body_timeout_s: float = attrs.field(default=60.0, validator=gt(0.0))
    lingering_timeout_s: float = attrs.field(default=2.0, validator=gt(0.0))
    send_timeout_s: float = attrs.field(default=30.0, validator=gt(0.0))

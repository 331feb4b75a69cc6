"""How a TCP network behaves, where it is and who it is: sizes in bytes, times in seconds."""

import ssl

import attrs
from attrs.validators import ge, gt

Endpoint = tuple[str, int]
"""Host (a name or an address) and port."""


@attrs.frozen(kw_only=True)
class TcpConfig:
    """Validated on construction; raises ValueError.

    ``frame_bytes_max`` bounds one envelope, sent or received. ``queue_bytes_max`` and
    ``queue_max`` bound what waits for one peer; beyond them a call or stream fails with
    ``Overloaded`` and anything else is lost. A peer unheard of for ``silence_s`` is given up; an
    idle one is sent a sign of life every ``ping_s``. The larger name of a pair lets the smaller one
    dial first for ``patience_s``. ``backoff_s`` is the first and the longest
    pause before a peer is dialled again, drawn between half and the whole; one that was reached but
    refused is left alone for ``refused_backoff_s``.
    """

    frame_bytes_max: int = attrs.field(default=256 << 20, validator=ge(1 << 10))
    queue_bytes_max: int = attrs.field(default=64 << 20, validator=gt(0))
    queue_max: int = attrs.field(default=65_536, validator=gt(0))
    handshake_s: float = attrs.field(default=5.0, validator=gt(0))
    handshakes_max: int = attrs.field(default=64, validator=gt(0))
    addresses_max: int = attrs.field(default=100_000, validator=gt(0))
    ping_s: float = attrs.field(default=1.0, validator=gt(0))
    silence_s: float = attrs.field(default=5.0, validator=gt(0))
    connect_s: float = attrs.field(default=3.0, validator=gt(0))
    patience_s: float = attrs.field(default=0.2, validator=ge(0))
    backoff_s: tuple[float, float] = (0.05, 2.0)
    refused_backoff_s: float = attrs.field(default=5.0, validator=gt(0))

    def __attrs_post_init__(self) -> None:
        if self.silence_s < 2 * self.ping_s:
            raise ValueError("silence_s must be at least twice ping_s, or idle peers are given up")


@attrs.frozen
class Tls:
    """Both directions of mutual TLS; the contexts must insist on the peer's certificate.

    A peer is known by the name on its certificate, whatever host it runs on.
    """

    server: ssl.SSLContext = attrs.field()
    client: ssl.SSLContext = attrs.field()

    @server.validator
    @client.validator
    def _insists(self, attribute: "attrs.Attribute[ssl.SSLContext]", value: ssl.SSLContext) -> None:
        if value.verify_mode is not ssl.CERT_REQUIRED:
            raise ValueError(f"the {attribute.name} context must require the peer's certificate")


def mutual_tls(authority: str, certificate: str, key: str) -> Tls:
    """Make both contexts from PEM files; TLS 1.3 only, trusting ``authority`` alone.

    Raises OSError (ssl.SSLError is one) when a file is missing, damaged or the key does not fit.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in (server, client):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
        context.load_cert_chain(certificate, key)
    # No resumption: connections are few and long, and tickets cost a message each.
    server.num_tickets = 0
    return Tls(server, client)

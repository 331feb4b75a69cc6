"""What one apiserver is told: names, networks, keys and times, validated on construction."""

import ipaddress
from collections.abc import Callable, Mapping

import attrs
from attrs.validators import ge, gt

from kube_actors.actor import Address
from kube_actors.api import BUILTIN, Kinds


@attrs.frozen
class StaticToken:
    """Who a bearer token stands for."""

    user: str
    groups: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ApiServerConfig:
    """Times in seconds, sizes in bytes. All masters of a cluster share the same values.

    ``service_account_key_pem`` is a P-256 private key shared by all masters; without it no
    service-account token is issued or accepted. ``advertise_address`` is what the ``kubernetes``
    Service leads to; "" leaves that Service out. ``node_of`` names the node in whose process an
    address lives, "" for a master's: what comes from there may act for that node only. Without it
    every actor is trusted, as in a cluster of one process.
    """

    stores: tuple[Address, ...]
    kinds: Kinds = BUILTIN
    service_cidr: str = "127.96.0.0/16"
    node_port_range: tuple[int, int] = (30000, 32767)
    advertise_address: str = ""
    advertise_port: int = 6443
    version: str = "v1.36.0"
    issuer: str = "https://kubernetes.default.svc.cluster.local"
    authority_pem: bytes = b""
    service_account_key_pem: bytes = b""
    static_tokens: Mapping[str, StaticToken] = attrs.field(factory=dict)
    anonymous: bool = True
    toleration_s: int = attrs.field(default=300, validator=ge(0))
    body_bytes_max: int = attrs.field(default=3 * 1024 * 1024, validator=gt(0))
    in_flight_max: int = attrs.field(default=1000, validator=gt(0))
    watch_ring_max: int = attrs.field(default=2000, validator=gt(0))
    watch_buffer_max: int = attrs.field(default=4000, validator=gt(0))
    watch_timeout_s: float = attrs.field(default=1800.0, validator=gt(0.0))
    bookmark_interval_s: float = attrs.field(default=60.0, validator=gt(0.0))
    compact_interval_s: float = attrs.field(default=300.0, validator=gt(0.0))
    compacts: bool = True
    read_timeout_s: float = attrs.field(default=5.0, validator=gt(0.0))
    bootstrap: bool = True
    node_of: Callable[[Address], str] | None = None

    def __attrs_post_init__(self) -> None:
        if not self.stores:
            raise ValueError("an apiserver needs at least one store member")
        if ipaddress.ip_network(self.service_cidr).num_addresses < 8:
            raise ValueError(f"the service CIDR {self.service_cidr} is too small")
        low, high = self.node_port_range
        if not 0 < low <= high <= 65535:
            raise ValueError(f"bad node port range {low}-{high}")

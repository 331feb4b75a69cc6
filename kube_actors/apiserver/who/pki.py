"""Keys and certificates of a cluster: its authority, serving and client certificates.

Everything is EC P-256: about a thousand times cheaper to make than RSA. Times are passed in, and
private keys come from the given ``entropy`` so that a simulated run makes the same ones. Every
certificate carries KeyUsage, SubjectKeyIdentifier and AuthorityKeyIdentifier, which strict
verification (Python 3.13) demands.
"""

import ipaddress
import ssl
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Entropy = Callable[[int], bytes]
YEAR_S = 365 * 86_400.0
_BACKDATE_S = 300.0
# The order of P-256's group (SEC 2): private keys lie in [1, n).
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@attrs.frozen
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate_pem: bytes
    key_pem: bytes

    def certificate(self) -> x509.Certificate:
        """Parse the certificate."""
        return x509.load_pem_x509_certificate(self.certificate_pem)

    def key(self) -> ec.EllipticCurvePrivateKey:
        """Parse the private key."""
        return load_key(self.key_pem)


def create_key(entropy: Entropy) -> ec.EllipticCurvePrivateKey:
    """Return a P-256 key; 40 bytes of entropy make the modulo's bias negligible."""
    number = int.from_bytes(entropy(40)) % (_P256_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 private key in ``pem``; raises ``ValueError``."""
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the private key is not an elliptic-curve key")
    return key


def encode_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Encode a private key as unencrypted PKCS #8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def create_authority(
    common_name: str, *, now_s: float, entropy: Entropy, valid_s: float = 10 * YEAR_S
) -> KeyPair:
    """Return a self-signed certificate authority valid from just before ``now_s``."""
    key = create_key(entropy)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(name, name, key.public_key(), now_s, valid_s, entropy)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    return _sign(builder, key, key)


def issue_server(
    authority: KeyPair,
    common_name: str,
    hosts: Sequence[str],
    *,
    now_s: float,
    entropy: Entropy,
    valid_s: float = YEAR_S,
) -> KeyPair:
    """Return a serving certificate whose subject alternative names are ``hosts``."""
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = (ExtendedKeyUsageOID.SERVER_AUTH,)
    return _issue(authority, subject, usage, names, now_s, valid_s, entropy)


def issue_process(
    authority: KeyPair,
    name: str,
    hosts: Sequence[str] = (),
    *,
    now_s: float,
    entropy: Entropy,
    valid_s: float = YEAR_S,
) -> KeyPair:
    """Return the certificate of one process: it serves, and it dials others, as ``name``."""
    names = [_general_name(host) for host in dict.fromkeys((name, *hosts))]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    alternatives = x509.SubjectAlternativeName(names)
    return _issue(authority, subject, usage, alternatives, now_s, valid_s, entropy)


def issue_client(
    authority: KeyPair,
    user: str,
    groups: Sequence[str] = (),
    *,
    now_s: float,
    entropy: Entropy,
    valid_s: float = YEAR_S,
) -> KeyPair:
    """Return a client certificate: the user is its CN, the groups its O values."""
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, user))
    return _issue(
        authority,
        x509.Name(attributes),
        (ExtendedKeyUsageOID.CLIENT_AUTH,),
        None,
        now_s,
        valid_s,
        entropy,
    )


def server_context(pair: KeyPair, client_authority_pem: bytes | None) -> ssl.SSLContext:
    """Return a TLS server context that asks for, but does not insist on, client certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if client_authority_pem is not None:
        context.load_verify_locations(cadata=client_authority_pem.decode("ascii"))
        context.verify_mode = ssl.CERT_OPTIONAL
    _load_chain(context, pair)
    return context


def client_context(authority_pem: bytes, pair: KeyPair | None = None) -> ssl.SSLContext:
    """Return a TLS client context that trusts ``authority_pem`` only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority_pem.decode("ascii"))
    if pair is not None:
        _load_chain(context, pair)
    return context


def _load_chain(context: ssl.SSLContext, pair: KeyPair) -> None:
    # The ssl module takes a chain from files only.
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "pair.pem"
        path.touch(mode=0o600)
        path.write_bytes(pair.key_pem + pair.certificate_pem)
        context.load_cert_chain(path)


def _issue(
    authority: KeyPair,
    subject: x509.Name,
    purposes: tuple[x509.ObjectIdentifier, ...],
    names: x509.SubjectAlternativeName | None,
    now_s: float,
    valid_s: float,
    entropy: Entropy,
) -> KeyPair:
    issuer, issuer_key = authority.certificate(), authority.key()
    key = create_key(entropy)
    builder = _builder(issuer.subject, subject, key.public_key(), now_s, valid_s, entropy)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return _sign(builder, issuer_key, key)


def _builder(
    issuer: x509.Name,
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now_s: float,
    valid_s: float,
    entropy: Entropy,
) -> x509.CertificateBuilder:
    start = datetime.fromtimestamp(now_s, UTC) - timedelta(seconds=_BACKDATE_S)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(int.from_bytes(entropy(19)) + 1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(seconds=valid_s + _BACKDATE_S))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(
    builder: x509.CertificateBuilder,
    issuer_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
) -> KeyPair:
    # Deterministic (RFC 6979): a simulated run signs the same bytes every time.
    certificate = builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), encode_key(key))


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)

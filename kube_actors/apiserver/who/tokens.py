"""Service-account tokens: ES256 JSON Web Tokens, signed and verified here.

Only ES256 with our own key is accepted; the header's ``alg`` chooses nothing. The claims are
those of Kubernetes' bound tokens (``kubernetes.io`` with namespace, serviceaccount and pod).
"""

import base64
import hashlib
from typing import Any

import attrs
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

_ALGORITHM = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_LEEWAY_S = 60.0
_VERIFIED_MAX = 1024


class InvalidToken(Exception):
    """The token is not ours, is not yet or no longer valid, or is for another audience."""


@attrs.frozen
class Signer:
    """Signs and verifies with one P-256 key. Remembers verified tokens, within a bound."""

    key: ec.EllipticCurvePrivateKey
    issuer: str
    _verified: dict[str, dict[str, Any]] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def key_id(self) -> str:
        """The ``kid`` of tokens: SHA-256 of the public key, as kube-apiserver derives it."""
        der = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return _encode(hashlib.sha256(der).digest())

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign claims as a compact JWS with ES256 (RFC 7515, RFC 7518 3.4)."""
        header = {"alg": "ES256", "kid": self.key_id}
        signed = f"{_encode(orjson.dumps(header))}.{_encode(orjson.dumps(claims))}"
        r, s = decode_dss_signature(self.key.sign(signed.encode("ascii"), _ALGORITHM))
        return f"{signed}.{_encode(r.to_bytes(32) + s.to_bytes(32))}"

    def verify(self, token: str, *, now_s: float, audiences: tuple[str, ...]) -> dict[str, Any]:
        """Return the claims; raises ``InvalidToken``."""
        claims = self._verified.get(token)
        if claims is None:
            claims = self._check_signature(token)
            if len(self._verified) >= _VERIFIED_MAX:
                self._verified.clear()
            self._verified[token] = claims
        if claims.get("iss") != self.issuer:
            raise InvalidToken("unknown issuer")
        if now_s > _number(claims, "exp") + _LEEWAY_S:
            raise InvalidToken("token has expired")
        if now_s < _number(claims, "nbf") - _LEEWAY_S:
            raise InvalidToken("token is not valid yet")
        given = claims.get("aud")
        given = [given] if isinstance(given, str) else given or []
        if not any(audience in given for audience in audiences):
            raise InvalidToken("token is for another audience")
        return claims

    def _check_signature(self, token: str) -> dict[str, Any]:
        try:
            signed, _, signature = token.rpartition(".")
            header, _, payload = signed.partition(".")
            if orjson.loads(_decode(header)).get("alg") != "ES256":
                raise InvalidToken("unsupported algorithm")
            raw = _decode(signature)
            if len(raw) != 64:
                raise InvalidToken("malformed signature")
            der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
            self.key.public_key().verify(der, signed.encode("ascii"), _ALGORITHM)
            claims = orjson.loads(_decode(payload))
        except (ValueError, AttributeError, InvalidSignature):
            raise InvalidToken("malformed token or signature") from None
        if not isinstance(claims, dict):
            raise InvalidToken("claims must be an object")
        return claims


def service_account_claims(
    *,
    issuer: str,
    audiences: tuple[str, ...],
    namespace: str,
    name: str,
    uid: str,
    now_s: float,
    expires_s: float,
    token_id: str,
    pod: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Return the claims of a bound token; ``pod`` is (name, uid)."""
    bound: dict[str, Any] = {
        "namespace": namespace,
        "serviceaccount": {"name": name, "uid": uid},
    }
    if pod is not None:
        bound["pod"] = {"name": pod[0], "uid": pod[1]}
    issued = int(now_s)
    return {
        "aud": list(audiences),
        "exp": issued + int(expires_s),
        "iat": issued,
        "iss": issuer,
        "jti": token_id,
        "kubernetes.io": bound,
        "nbf": issued,
        "sub": f"system:serviceaccount:{namespace}:{name}",
    }


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float):
        raise InvalidToken(f"claim {name} is missing")
    return float(value)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

"""Certificates, tokens, storage bytes and protobuf: what depends on nothing."""

import random
import ssl

import orjson
import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from kube_actors.apiserver import protobuf
from kube_actors.apiserver.objects import decode_value, encode_value, object_key, splice, split_key
from kube_actors.apiserver.who import (
    Signer,
    create_authority,
    create_key,
    issue_client,
    issue_server,
    kubeconfig,
    server_context,
)
from kube_actors.apiserver.who.pki import client_context
from kube_actors.apiserver.who.tokens import InvalidToken

NOW_S = 1_767_225_600.0


def test_a_serving_certificate_satisfies_strict_verification() -> None:
    entropy = random.Random(1).randbytes
    authority = create_authority("ca", now_s=NOW_S, entropy=entropy)
    pair = issue_server(authority, "api", ["127.0.0.1", "localhost"], now_s=NOW_S, entropy=entropy)
    certificate = pair.certificate()
    for extension in (x509.KeyUsage, x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier):
        assert certificate.extensions.get_extension_for_class(extension)
    verifier = (
        PolicyBuilder()
        .store(Store([authority.certificate()]))
        .time(certificate.not_valid_before_utc)
        .build_server_verifier(x509.DNSName("localhost"))
    )
    assert len(verifier.verify(certificate, [])) == 2


def test_a_client_certificate_names_its_user_and_groups() -> None:
    entropy = random.Random(1).randbytes
    authority = create_authority("ca", now_s=NOW_S, entropy=entropy)
    pair = issue_client(authority, "jane", ["a", "b"], now_s=NOW_S, entropy=entropy)
    subject = pair.certificate().subject
    oid = x509.oid.NameOID
    assert [a.value for a in subject.get_attributes_for_oid(oid.COMMON_NAME)] == ["jane"]
    assert {a.value for a in subject.get_attributes_for_oid(oid.ORGANIZATION_NAME)} == {"a", "b"}
    config = kubeconfig("https://x", authority.certificate_pem, client=pair)
    assert config["users"][0]["user"]["client-key-data"]
    assert client_context(authority.certificate_pem, pair).verify_mode is ssl.CERT_REQUIRED
    assert server_context(pair, authority.certificate_pem).verify_mode is ssl.CERT_OPTIONAL


def test_the_same_entropy_makes_the_same_key() -> None:
    one, two = (create_key(random.Random(5).randbytes).private_numbers() for _ in range(2))
    assert one == two


def test_a_token_is_good_for_its_time_and_audience_only() -> None:
    signer = Signer(create_key(random.Random(1).randbytes), "issuer")
    claims = {"iss": "issuer", "exp": NOW_S + 600, "nbf": NOW_S, "aud": ["api"]}
    token = signer.sign(claims)
    assert signer.verify(token, now_s=NOW_S, audiences=("api",)) == claims
    for now_s, audience in ((NOW_S + 700, "api"), (NOW_S - 100, "api"), (NOW_S, "other")):
        with pytest.raises(InvalidToken):
            signer.verify(token, now_s=now_s, audiences=(audience,))


@pytest.mark.parametrize("spoil", ["alg", "signature", "payload", "garbage"])
def test_a_token_that_was_touched_is_refused(spoil: str) -> None:
    signer = Signer(create_key(random.Random(1).randbytes), "issuer")
    token = signer.sign({"iss": "issuer", "exp": NOW_S + 600, "nbf": NOW_S, "aud": "api"})
    head, payload, signature = token.split(".")
    other = Signer(create_key(random.Random(2).randbytes), "issuer").sign({"iss": "issuer"})
    touched = {
        "alg": f"eyJhbGciOiJub25lIn0.{payload}.",
        "signature": f"{head}.{payload}.{signature[:-4]}AAAA",
        "payload": f"{head}.{other.split('.')[1]}.{signature}",
        "garbage": "a.b.c",
    }[spoil]
    with pytest.raises(InvalidToken):
        signer.verify(touched, now_s=NOW_S, audiences=("api",))


def test_stored_bytes_have_no_version_and_get_it_on_the_way_out() -> None:
    obj = {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "resourceVersion": "3", "labels": {}},
        "apiVersion": "v1",
        "data": {"k": '"metadata":{'},
    }
    value = encode_value(obj)
    assert b"resourceVersion" not in value
    assert value.startswith(b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name"')
    shown = orjson.loads(splice(value, 7))
    assert shown["metadata"] == {"resourceVersion": "7", "name": "a", "labels": {}}
    assert shown["data"] == obj["data"]
    assert decode_value(value, 7) == shown
    key = object_key("", "configmaps", "default", "a")
    assert split_key(key) == ("", "configmaps", "default", "a")
    assert split_key(object_key("apps", "x", "", "n")) == ("apps", "x", "", "n")
    assert split_key(b"/reservations/nodeports/1") is None


# kubectl create configmap a --from-literal=x=y, as it went over the wire.
CONFIG_MAP = bytes.fromhex(
    "6b3873000a0f0a0276311209436f6e6669674d6170121b0a110a01611200"
    "1a0022002a00320038004200" + "12060a017812" + "01791a002200"
)


def test_protobuf_becomes_the_json_that_go_would_write() -> None:
    found = protobuf.decode(CONFIG_MAP)
    assert (found["apiVersion"], found["kind"]) == ("v1", "ConfigMap")
    assert found["metadata"] == {"name": "a"}
    assert found["data"] == {"x": "y"}


@pytest.mark.parametrize("size", range(4, len(CONFIG_MAP), 3))
def test_protobuf_that_is_cut_short_never_crashes(size: int) -> None:
    try:
        protobuf.decode(CONFIG_MAP[:size])
    except protobuf.MalformedProtobuf:
        pass


def test_bytes_that_are_no_protobuf_are_refused() -> None:
    for data in (b"", b"k8s", b"{}", b"k8s\x00\xff\xff", b"k8s\x00\x0a\x04\x12\x02zz"):
        with pytest.raises(protobuf.MalformedProtobuf):
            protobuf.decode(data)

"""Checks of ConfigMaps and Secrets: keys, size, what each type must hold, immutability."""

import base64

import orjson

from kube_actors.api import names
from kube_actors.api.causes import Cause
from kube_actors.api.validation.numbers import Causes, Tree, unchanged

SIZE_MAX_BYTES = 1024 * 1024
_SEALED = "field is immutable when `immutable` is set"
_TOKEN = "kubernetes.io/service-account-token"
_ACCOUNT = "kubernetes.io/service-account.name"
# What a secret of each type must hold.
_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_REDACTED = "<secret contents redacted>"


def _decoded_size(text: str) -> int:
    return len(text) // 4 * 3 - text.count("=", -2)


def config_map(obj: Tree) -> Causes:
    """Apply ``ValidateConfigMap``: each key in one of the maps, at most 1 MiB in both together."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    total = 0
    for key, value in data.items():
        for fault in names.config_key(key):
            yield Cause.invalid(f"data[{key}]", key, fault)
        if key in binary:
            detail = "duplicate of key present in binaryData"
            yield Cause.invalid(f"data[{key}]", key, detail)
        total += len(value) if value.isascii() else len(value.encode())
    for key, value in binary.items():
        for fault in names.config_key(key):
            yield Cause.invalid(f"binaryData[{key}]", key, fault)
        total += _decoded_size(value)
    if total > SIZE_MAX_BYTES:
        # Kubernetes names no field here, and this is how it writes that.
        yield Cause.too_long("[]", SIZE_MAX_BYTES)


def config_map_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateConfigMapUpdate``: what is immutable stays so, and stays the same."""
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield Cause.forbidden("immutable", _SEALED)
    for key in ("data", "binaryData"):
        if (new.get(key) or {}) != (old.get(key) or {}):
            yield Cause.forbidden(key, _SEALED)


def secret(obj: Tree) -> Causes:
    """Apply ``ValidateSecret``: at most 1 MiB, and the keys that its type demands."""
    data, kind = obj.get("data") or {}, obj.get("type") or ""
    for key in data:
        for fault in names.config_key(key):
            yield Cause.invalid(f"data[{key}]", key, fault)
    if sum(map(_decoded_size, data.values())) > SIZE_MAX_BYTES:
        yield Cause.too_long("data", SIZE_MAX_BYTES)
    for key in _KEYS.get(kind, ()):
        if key not in data:
            yield Cause.required(f"data[{key}]")
        elif key.startswith(".docker") and not _is_json(data[key]):
            yield Cause.invalid(f"data[{key}]", _REDACTED, "must be valid json")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield Cause.required("data[username]")
        yield Cause.required("data[password]")
    if kind == _TOKEN:
        found = (obj.get("metadata") or {}).get("annotations") or {}
        if not found.get(_ACCOUNT):
            yield Cause.required(f"metadata.annotations[{_ACCOUNT}]")


def _is_json(encoded: str) -> bool:
    try:
        orjson.loads(base64.b64decode(encoded))
    except ValueError:
        return False
    return True


def secret_update(new: Tree, old: Tree) -> Causes:
    """Apply ``ValidateSecretUpdate``: the type stays; an immutable one stays altogether."""
    yield from unchanged(new.get("type"), old.get("type"), "type")
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        yield Cause.forbidden("immutable", _SEALED)
    if (new.get("data") or {}) != (old.get("data") or {}):
        yield Cause.forbidden("data", _SEALED)

"""Writes the structure data of the built-in kinds from the published JSON schemas.

Development time only: it reads the installed ``kubernetes-validate`` package (its v1.36 strict
definitions) and keeps what a server needs, without prose. It also checks the hand-written table
of kinds against ``lightkube-models``, if that is installed, and prints every difference; those
models are of a later release, so a few differences are expected. Run
``python -m kube_actors.api.data.generate`` and commit the file it writes.
"""

import argparse
import gzip
import importlib.util
import pathlib
import re
import sys
from typing import Any

import orjson

from kube_actors.api.kinds import BUILTIN

RELEASE = "v1.36.0"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_EXTRA_ROOTS = (
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.api.policy.v1.Eviction",
    *(
        _META + name
        for name in (
            "APIGroup",
            "APIGroupList",
            "APIResourceList",
            "APIVersions",
            "DeleteOptions",
            "Patch",
            "Status",
            "WatchEvent",
        )
    ),
)
_PRESERVED = {
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch",
}
_KEPT = (
    "format",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-patch-strategy",
    "x-kubernetes-patch-merge-key",
)


def reference(source: dict[str, Any]) -> str:
    """Return the name of the definition that a ``$ref`` points to."""
    name: str = source["$ref"].rsplit("/", 1)[1]
    return name


def structure(source: dict[str, Any], *, named: bool = False) -> dict[str, Any]:
    """Translate one published schema into ours; ``named`` says it is a definition."""
    if isinstance(source.get("$ref"), str):
        kept: dict[str, Any] = {"$ref": reference(source)}
        kept.update({key: source[key] for key in _KEPT if key in source})
        return kept
    kept = {}
    types = source.get("type")
    if types is not None:
        kept["type"] = types if isinstance(types, str) else types[0]
    kept.update({key: source[key] for key in _KEPT if key in source})
    if source.get("required"):
        kept["required"] = source["required"]
    if "properties" in source:
        kept["properties"] = {
            name: structure(child) for name, child in sorted(source["properties"].items())
        }
    if isinstance(source.get("additionalProperties"), dict):
        kept["additionalProperties"] = structure(source["additionalProperties"])
    if isinstance(source.get("items"), dict):
        kept["items"] = structure(source["items"])
    kinds = source.get("x-kubernetes-group-version-kind")
    if kinds:
        kept["x-kubernetes-group-version-kind"] = [
            kind for kind in kinds if len(kinds) < 5 or kind["group"] == ""
        ]
    if kept == {"type": "object"} and not named:
        kept["x-kubernetes-preserve-unknown-fields"] = True
    return kept


def definition(name: str, source: dict[str, Any]) -> dict[str, Any]:
    """Translate one named definition; those whose JSON is not their fields' are special."""
    if name == _INT_OR_STRING:
        return {"x-kubernetes-int-or-string": True, "format": "int-or-string"}
    if name == _QUANTITY:
        return {"type": "string", "format": "quantity"}
    kept = structure(source, named=True)
    if name in _PRESERVED or (name.rsplit(".", 1)[1].startswith("JSON") and not kept):
        kept["x-kubernetes-preserve-unknown-fields"] = True
    if name.endswith(".MicroTime"):
        kept["format"] = "micro-time"
    return kept


def references(schema: dict[str, Any]) -> list[str]:
    """List the definitions that a schema of ours refers to, at any depth."""
    if isinstance(schema.get("$ref"), str):
        return [schema["$ref"]]
    found: list[str] = []
    for child in schema.get("properties", {}).values():
        found += references(child)
    for key in ("items", "additionalProperties"):
        if key in schema:
            found += references(schema[key])
    return found


def closure(source: dict[str, Any]) -> dict[str, Any]:
    """Keep the served kinds, their lists and all that these refer to."""
    pending = [kind.schema for kind in BUILTIN.all()]
    pending += [name + "List" for name in pending if name + "List" in source]
    pending += _EXTRA_ROOTS
    kept: dict[str, Any] = {}
    while pending:
        name = pending.pop()
        if name not in kept:
            kept[name] = definition(name, source[name])
            pending += references(kept[name])
    return dict(sorted(kept.items()))


def prose(source: dict[str, Any], kept: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Collect the descriptions of the kept definitions by field, "" for the definition's own."""
    found: dict[str, dict[str, str]] = {}
    for name in kept:
        texts = {
            field: child["description"]
            for field, child in source[name].get("properties", {}).items()
            if "description" in child
        }
        if "description" in source[name]:
            texts[""] = source[name]["description"]
        if texts:
            found[name] = texts
    return found


def package_path(name: str) -> pathlib.Path:
    """Return the directory of an installed package; exits saying what to install."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        sys.exit(f"{name} is not installed: pip install it, then run this again")
    return pathlib.Path(spec.origin).parent


def write(path: pathlib.Path, content: Any) -> None:
    """Write gzipped JSON, the same bytes for the same content, and say how much it is."""
    path.write_bytes(gzip.compress(orjson.dumps(content), compresslevel=9, mtime=0))
    sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")


_RESOURCE = re.compile(r"_api_info = res\.ApiInfo\((.*?)\n    \)", re.DOTALL)
_IDENTITY = re.compile(r"resource=res\.ResourceDef\('(.*?)', '(.*?)', '(.*?)'\)")
_PLURAL = re.compile(r"plural='(.*?)'")
_VERBS = re.compile(r"verbs=\[(.*?)\]")
_VERB_NAMES = {"post": "create", "put": "update"}


def differences(models: pathlib.Path) -> list[str]:
    """Compare plural names, scopes and verbs of the table with the published models."""
    found = []
    for file in sorted((models / "resources").glob("*.py")):
        for body in _RESOURCE.findall(file.read_text()):
            identity, plural, verbs = (
                pattern.search(body) for pattern in (_IDENTITY, _PLURAL, _VERBS)
            )
            if "parent=" in body or not (identity and plural and verbs):
                continue
            group, version, name = identity.groups()
            kind = BUILTIN.by_kind(f"{group}/{version}" if group else version, name)
            if kind is None:
                continue
            given = [verb.strip("' ") for verb in verbs[1].split(",")]
            mine = [verb for verb in given if not verb.startswith("global_")]
            wanted = sorted(_VERB_NAMES.get(verb, verb) for verb in mine)
            if plural[1] != kind.plural:
                found.append(f"{name}: plural {kind.plural}, published {plural[1]}")
            if wanted != sorted(kind.verbs):
                found.append(f"{name}: verbs {sorted(kind.verbs)}, published {wanted}")
            if "global_list" in given and not kind.namespaced:
                found.append(f"{name}: published as namespaced")
    return found


def main() -> None:
    """Write the structure data and, with ``--descriptions``, the prose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--descriptions", action="store_true", help="also write the prose")
    options = parser.parse_args()
    schemas = package_path("kubernetes_validate") / "kubernetes-json-schema"
    raw = (schemas / f"{RELEASE}-local-strict" / "_definitions.json").read_bytes()
    source = orjson.loads(raw)["$defs"]
    kept = closure(source)
    here = pathlib.Path(__file__).parent
    write(here / "structure.json.gz", kept)
    if importlib.util.find_spec("lightkube") is not None:
        for difference in differences(package_path("lightkube.models").parent):
            sys.stdout.write(f"differs: {difference}\n")
    if options.descriptions:
        write(here / "descriptions.json.gz", prose(source, kept))


if __name__ == "__main__":
    main()

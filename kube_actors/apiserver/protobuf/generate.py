"""Writes the field numbers of the built-in types from the published Go types.

Development time only: ``python -m kube_actors.apiserver.protobuf.generate API APIMACHINERY``,
where both are checkouts of the Go modules k8s.io/api and k8s.io/apimachinery. The struct tags say
the number, the JSON name, and whether a zero is written; the Go type says whether it is a pointer.
"""

import argparse
import gzip
import pathlib
import re
from typing import Any

import orjson

_PACKAGE = re.compile(r"^(?:(\w+) )?\"(k8s\.io/[^\"]+)\"$")
_STRUCT = re.compile(r"^type (\w+) struct \{$")
_NAMED = re.compile(r"^type (\w+) ([\w.\[\]*]+)$")
_FIELD = re.compile(r"^\s+(?:(\w+)\s+)?([\w.\[\]*]+)\s+`([^`]*)`")
_TAG = re.compile(r'(\w+):"([^"]*)"')
_SCALARS = {
    "string": "s",
    "bool": "b",
    "int": "i",
    "int32": "i",
    "int64": "i",
    "uint32": "i",
    "uint64": "i",
    "float64": "d",
    "float32": "f",
    "[]byte": "y",
    "byte": "i",
    "uint8": "i",
}
_SPECIAL = {
    "k8s.io/apimachinery/pkg/apis/meta/v1.Time": "T",
    "k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime": "M",
    "k8s.io/apimachinery/pkg/apis/meta/v1.Duration": "D",
    "k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1": "J",
    "k8s.io/apimachinery/pkg/api/resource.Quantity": "Q",
    "k8s.io/apimachinery/pkg/util/intstr.IntOrString": "I",
    "k8s.io/apimachinery/pkg/runtime.RawExtension": "J",
    "k8s.io/apimachinery/pkg/types.UID": "s",
    "k8s.io/apimachinery/pkg/types.NodeName": "s",
}


def _files(api: pathlib.Path, machinery: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    found = []
    for root, module in ((api, "k8s.io/api"), (machinery, "k8s.io/apimachinery")):
        for path in sorted(root.rglob("types.go")):
            package = f"{module}/{path.parent.relative_to(root).as_posix()}"
            version = package.rpartition("/")[2]
            if re.fullmatch(r"v\d+", version) and "testing" not in package:
                found.append((package, path))
    return found


class _Reader:
    def __init__(self) -> None:
        self.structs: dict[str, list[tuple[str, str, dict[str, str], str]]] = {}
        self.named: dict[str, tuple[str, str]] = {}
        self.imports: dict[str, dict[str, str]] = {}

    def read(self, package: str, text: str) -> None:
        imports: dict[str, str] = {}
        current = ""
        for line in text.splitlines():
            stripped = line.strip()
            if match := _PACKAGE.match(stripped):
                imports[match[1] or match[2].rpartition("/")[2]] = match[2]
            elif match := _STRUCT.match(line):
                current = f"{package}.{match[1]}"
                self.structs[current] = []
            elif line == "}":
                current = ""
            elif current and (match := _FIELD.match(line)):
                tags = dict(_TAG.findall(match[3]))
                self.structs[current].append((match[1] or "", match[2], tags, package))
            elif match := _NAMED.match(line):
                self.named[f"{package}.{match[1]}"] = (match[2], package)
        self.imports[package] = imports

    def resolve(self, go_type: str, package: str) -> list[Any]:
        """Return [code, ...]: a scalar, ["m", name], ["r", of], ["k", key, value]."""
        if go_type in _SCALARS:
            return [_SCALARS[go_type]]
        if go_type.startswith("[]"):
            return ["r", self.resolve(go_type[2:], package)]
        if go_type.startswith("map["):
            key, _, value = go_type[4:].partition("]")
            return ["k", self.resolve(key, package), self.resolve(value, package)]
        if go_type.startswith("*"):
            return self.resolve(go_type[1:], package)
        alias, dot, name = go_type.rpartition(".")
        where = self.imports[package].get(alias, alias) if dot else package
        full = f"{where}.{name}"
        if full in _SPECIAL:
            return [_SPECIAL[full]]
        if full in self.named:
            underlying, home = self.named[full]
            inner = self.resolve(underlying, home)
            # A named slice is a message of its own with one repeated field.
            return ["w", inner[1]] if inner[0] == "r" else inner
        return ["m", full]


def _fields(reader: _Reader, struct: str) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for name, go_type, tags, package in reader.structs[struct]:
        wire = tags.get("protobuf", "")
        if not wire or wire == "-":
            continue
        number = int(wire.split(",")[1])
        json_name, _, options = tags.get("json", "").partition(",")
        inline = not name and (not json_name or "inline" in options)
        pointer = go_type.startswith("*")
        drops_zero = "omitempty" in options and not pointer
        resolved = reader.resolve(go_type, package)
        rows.append([number, "" if inline else json_name, int(drops_zero), resolved])
    return rows


def main() -> None:
    """Write the table from checked-out copies of ``k8s.io/api`` and ``k8s.io/apimachinery``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("api", type=pathlib.Path)
    parser.add_argument("apimachinery", type=pathlib.Path)
    arguments = parser.parse_args()
    reader = _Reader()
    for package, path in _files(arguments.api, arguments.apimachinery):
        reader.read(package, path.read_text())
    fields = {struct: _fields(reader, struct) for struct in sorted(reader.structs)}
    data = {name.removeprefix("k8s.io/"): rows for name, rows in fields.items() if rows}
    target = pathlib.Path(__file__).with_name("fields.json.gz")
    text = orjson.dumps(data).replace(b'"k8s.io/', b'"')
    target.write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    main()

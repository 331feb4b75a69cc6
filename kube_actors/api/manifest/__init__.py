"""Texts that say what objects should be: JSON and YAML into JSON values, and nothing else.

The API door decodes one object and learns which fields were written twice; people hand over
manifests of many documents, lists among them, and get one flat list of objects. What cannot be read
is a ``MalformedManifest``, a 400 that names the line and the column.
"""

from kube_actors.api.manifest.documents import parse_manifest, parse_yaml
from kube_actors.api.manifest.json_text import Decoded, MalformedManifest, decode_json
from kube_actors.api.manifest.yaml_text import decode_yaml, dump_yaml

__all__ = [
    "Decoded",
    "MalformedManifest",
    "decode_json",
    "decode_yaml",
    "dump_yaml",
    "parse_manifest",
    "parse_yaml",
]

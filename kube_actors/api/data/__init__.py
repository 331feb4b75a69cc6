"""The structure of Kubernetes' built-in types, as compressed files, read on first use.

``structure.json.gz`` is written by ``generate.py`` at development time and holds OpenAPI-like
definitions without prose: properties, types, formats, references, list types and merge keys.
``descriptions.json.gz`` holds the prose of the published API reference (Kubernetes, Apache-2.0)
for ``kubectl explain`` alone. Nothing here is read when the package is imported.
"""

from kube_actors.api.data.files import Schema, definitions, descriptions

__all__ = ["Schema", "definitions", "descriptions"]

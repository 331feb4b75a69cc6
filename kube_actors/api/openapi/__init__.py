"""OpenAPI v3 documents, one per group version, made from the data that decoding uses.

So what is published is what is checked. Paths and schemas are files of their own.
"""

from kube_actors.api.openapi import documents

__all__ = ["documents"]

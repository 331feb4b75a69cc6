"""Discovery and OpenAPI pages, from what the api room knows of every kind."""

from typing import Any

import orjson

from kube_actors.api import discovery, errors
from kube_actors.api.openapi import documents as openapi
from kube_actors.apiserver.request import JSON, Answer, Request, answer_object
from kube_actors.apiserver.server import Server


def _wants_aggregated(request: Request) -> bool:
    """Whether the aggregated document of v2 is the first thing the client accepts here."""
    for choice in request.accept.split(","):
        parameters = {part.strip() for part in choice.split(";")}
        if "as=APIGroupDiscoveryList" in parameters and "v=v2" in parameters:
            return True
        if parameters in ({JSON}, {"*/*"}):
            return False
    return False


def _found(document: Any) -> Answer:
    if document is None:
        raise errors.no_such_path()
    return answer_object(document)


def _aggregated(server: Server, *, core: bool) -> Answer:
    document = discovery.aggregated(server.config.kinds, core=core)
    return Answer(200, orjson.dumps(document), discovery.AGGREGATED_MEDIA_TYPE)


async def core(server: Server, request: Request) -> Answer:
    """``/api``: the versions of the core group, or the aggregated document if it is asked for."""
    if _wants_aggregated(request):
        return _aggregated(server, core=True)
    address = f"{server.config.advertise_address or '127.0.0.1'}:{server.config.advertise_port}"
    return answer_object(discovery.api_versions(address))


async def groups(server: Server, request: Request) -> Answer:
    """``/apis``: every other group, or the aggregated document if it is asked for."""
    if _wants_aggregated(request):
        return _aggregated(server, core=False)
    return answer_object(discovery.api_group_list(server.config.kinds))


async def group_version(server: Server, request: Request) -> Answer:
    """``/api/v1``: the resources of the core group."""
    parts = request.path.strip("/").split("/")
    return _found(discovery.api_resource_list(server.config.kinds, "", parts[1]))


async def group_or_version(server: Server, request: Request) -> Answer:
    """``/apis/<group>`` and ``/apis/<group>/<version>``; 404 for what is not served."""
    parts = request.path.strip("/").split("/")
    if len(parts) == 2:
        return _found(discovery.api_group(server.config.kinds, parts[1]))
    return _found(discovery.api_resource_list(server.config.kinds, parts[1], parts[2]))


async def openapi_index(server: Server, request: Request) -> Answer:
    """``/openapi/v3``: where the document of each group version is, with its hash."""
    return answer_object(openapi.index(server.config.kinds))


_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
# Field 1 (swagger) of openapi.v2.Document: a whole document with no definitions.
_V2_EMPTY = b"\n\x032.0"


async def openapi_v2(server: Server, request: Request) -> Answer:
    """Answer an OpenAPI v2 document without definitions.

    kubectl asks for it only about kinds that v3 does not have, and only to go on to say so.
    """
    if "protobuf" in request.accept:
        return Answer(200, _V2_EMPTY, _V2_PROTOBUF)
    info = {"title": "Kubernetes", "version": server.config.version}
    return answer_object({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}})


async def openapi_document(server: Server, request: Request) -> Answer:
    """Answer the document of one group version; it is immutable for its hash."""
    parts = request.path.strip("/").split("/")[2:]
    document = None
    if len(parts) == 2 and parts[0] == "api":
        document = openapi.document(server.config.kinds, "", parts[1])
    elif len(parts) == 3 and parts[0] == "apis":
        document = openapi.document(server.config.kinds, parts[1], parts[2])
    if document is None:
        raise errors.no_such_path()
    headers = (("cache-control", "public, immutable"),) if request.query.has("hash") else ()
    return Answer(200, document, headers=headers)

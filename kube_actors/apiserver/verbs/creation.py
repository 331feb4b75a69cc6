"""create: admitted, defaulted, validated, then put where nothing is yet.

The transaction also guards the namespace as it was admitted: an object never lands in a namespace
that vanished or began to terminate meanwhile. If it did, everything is decided again.
"""

import anyio

from kube_actors.actor import Blob
from kube_actors.api import Object, errors
from kube_actors.apiserver.admission import Admission, admit_create
from kube_actors.apiserver.call import Call
from kube_actors.apiserver.decoding import decode_object
from kube_actors.apiserver.objects import generate_name, object_key, rules
from kube_actors.apiserver.request import Answer
from kube_actors.apiserver.transaction import Stored, absent, read, unchanged
from kube_actors.apiserver.verbs import allocation
from kube_actors.store.messages import Compare, DeleteRange, Put, Range, Ranged, Txn, TxnDone

_ATTEMPTS = 8


async def create(call: Call) -> Answer:
    """Answer 201 with the object; raises ``StatusError``."""
    obj = decode_object(call.request, call.kind, call.warnings)
    stored = await create_object(call, obj)
    return call.answer(stored, 201)


async def create_object(call: Call, given: Object) -> Stored:
    """Store a new object made of ``given`` (never changed); raises ``StatusError``."""
    check_namespace(call, given)
    generated = not given["metadata"].get("name") and bool(given["metadata"].get("generateName"))
    for _ in range(_ATTEMPTS):
        obj = _fresh_copy(given)
        if generated:
            base = given["metadata"]["generateName"]
            obj["metadata"]["name"] = generate_name(base, call.server.random)
        obj = _prepared(call, obj)
        placed = allocation.on_create(call, obj)
        value = call.value(obj)
        key = object_key(
            call.storage.group, call.storage.plural, call.namespace, obj["metadata"]["name"]
        )
        if call.dry_run:
            found = await read(call.server, call.storage, call.namespace, obj["metadata"]["name"])
            if found is None:
                return Stored(value, 0)
            exists = True
        else:
            done = await _commit(call, key, value, placed)
            if done.succeeded:
                return Stored(value, done.revision)
            exists = _found(done)
        if exists and not generated:
            raise errors.already_exists(call.kind, obj["metadata"]["name"])
        if not exists:
            await _catch_up(call, done.revision)
    if generated:
        raise errors.no_name_left(call.kind, given["metadata"]["generateName"])
    raise errors.server_timeout(call.kind, "create")


def check_namespace(call: Call, obj: Object) -> None:
    """Settle the object's namespace; raises ``StatusError`` 400 if it contradicts the path."""
    metadata = obj["metadata"]
    if not call.kind.namespaced:
        if metadata.pop("namespace", ""):
            raise errors.bad_request("the namespace of the provided object must be empty")
        return
    given = metadata.get("namespace") or call.namespace
    if given != call.namespace:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    metadata["namespace"] = call.namespace


def _fresh_copy(given: Object) -> Object:
    """Return a copy whose top level, metadata and spec may be changed in place."""
    obj = dict(given)
    obj["metadata"] = metadata = dict(given["metadata"])
    if "labels" in metadata:
        metadata["labels"] = dict(metadata["labels"] or {})
    if isinstance(obj.get("spec"), dict):
        obj["spec"] = dict(obj["spec"])
    return obj


def _prepared(call: Call, obj: Object) -> Object:
    server = call.server
    admission = Admission(server.cache, server.config, call.user)
    admit_create(admission, call.kind, call.namespace, obj)
    timestamp = server.clock.timestamp()
    return rules.created(call.kind, obj, uid=server.uid(), timestamp=timestamp)


async def _commit(call: Call, key: bytes, value: bytes, placed: "allocation.Placed") -> TxnDone:
    guards: list[Compare] = [absent(key), *placed.guards]
    if call.namespace:
        namespace = call.server.cache.resource("", "namespaces").get("", call.namespace)
        if namespace is not None:
            guards.append(unchanged(namespace.key, namespace.revision))
    writes: tuple[Put | DeleteRange, ...] = (Put(key, Blob(value)), *placed.writes)
    return await call.server.store.txn(Txn(tuple(guards), writes, (Range(key, keys_only=True),)))


def _found(done: TxnDone) -> bool:
    ranged = done.responses[0]
    assert isinstance(ranged, Ranged)
    return bool(ranged.kvs)


async def _catch_up(call: Call, revision: int) -> None:
    """Let the cache see why a guard failed before deciding again."""
    with anyio.move_on_after(call.server.config.read_timeout_s):
        await call.server.cache.wait_revision(revision)


__all__ = ["check_namespace", "create", "create_object"]
